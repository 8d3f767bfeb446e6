"""What the verbs of a contact share: every one locks the case first and ends in `settle`."""

import logging
from typing import Any
from uuid import UUID

from django.db import transaction

from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Case, Shortage
from followup.clinic import queries as times
from followup.clinic.models import Appointment
from followup.contacts import policy
from followup.contacts.models import Addition, Contact
from followup.contacts.queries import facts_of
from followup.core import clock, words
from followup.core.errors import Invalid
from followup.core.journal import Signs, System
from followup.messages import services as messages
from followup.messages.models import Message
from followup.messages.policy import after_quiet_hours
from followup.people.models import User
from followup.programmes import text

log = logging.getLogger(__name__)

BOOKER = System("booking")
SWEEPER = System("sweeper")


def owe_a_call(case: Case, reason: str, promise: policy.Promise, *, by: Signs) -> Callback:
    """Put the promised call into the queue. Where nobody can be seen in time, the case is at risk from this moment."""
    callback = callbacks.promise(
        case=case, reason=reason, priority=promise.priority, not_before=promise.not_before, due=promise.due, by=by
    )
    if promise.cannot_be_seen_in_time:
        cases.put_at_risk(case, Shortage.NOTHING_TO_HOLD, by=by)
    return callback


def promise_again(case: Case, contact: Contact, request: policy.Request, *, by: Signs) -> None:
    """Another call is owed in a case whose call was over. It is laid at once: the case is long past `received`."""
    promise = policy.promise_for(case.programme.rules, case.unit.hours, request, at=clock.now())
    callback = owe_a_call(case, request.reason, promise, by=by)
    lay(case, callback, by=by)
    contact.see_by = None
    shorten_see_by(contact, promise)


def shorten_see_by(contact: Contact, promise: policy.Promise) -> None:
    """The three days run from the first word: what comes later only ever shortens them."""
    if promise.see_by and (contact.see_by is None or promise.see_by < contact.see_by):
        contact.see_by = promise.see_by
        contact.save(update_fields=["see_by"])


def lay(case: Case, callback: Callback, *, by: Signs) -> Callback:
    nurse_hours = times.nurse_hours(case.unit, clock.now(), callback.due)
    return callbacks.lay_window(callback, nurse_hours=nurse_hours, by=by)


def settle(case: Case, *, by: Signs, outcome: str = "") -> None:
    """Move the case to the step that its rows say."""
    step, due = policy.step_for(facts_of(case))
    cases.move(case, step, by=by, due=due, outcome=outcome)


def say(case: Case, kind: str, text: str = "", *, by: User) -> Addition:
    """Something is added to a request that was sent before. Raises `Invalid`."""
    if len(text) > policy.LONGEST_MESSAGE:
        raise Invalid({"text": policy.too_long()})
    said = Addition.objects.create(contact=case.contact, text=text.strip(), kind=kind, at=clock.now(), by=by)
    cases.note_down(case, "contact.added_to", said.id, by=by, kind=kind)
    cases.touch(case)
    return said


def tell_of_time(
    case: Case, template: str, appointment: Appointment, *, by: Signs, answers_them: bool = True
) -> list[Message]:
    """Tell of a time, before it begins: by night too, where the morning leaves nobody the time to come."""
    slot, rules = appointment.slot, case.programme.rules
    morning = after_quiet_hours(clock.now(), case.unit.hours)
    answers_them = answers_them or slot.starts_at < policy.hold_from(rules, call_due=morning)
    bring = text(rules.before_visit.text, case.patient.language) if rules.before_visit else ""
    facts = {"time": slot.starts_at, "place": slot.place, "bring": bring}
    return tell(case, template, occasion=str(appointment.id), by=by, answers_them=answers_them, **facts)


def tell(
    case: Case, template: str, *, occasion: str, by: Signs, answers_them: bool = True, **facts: Any
) -> list[Message]:
    """Tell the patient, in their own language; moments are said as people say them.

    What does not answer something they just did (`answers_them`) waits for the morning.
    """
    patient = case.patient
    said = {
        name: words.moment(value, zone=case.unit.zone, language=patient.language)
        if hasattr(value, "astimezone")
        else value
        for name, value in facts.items()
    }
    return messages.tell(
        template,
        patient=patient,
        programme=case.programme,
        case=case,
        occasion=occasion,
        by=by,
        answers_them=answers_them,
        facts=said,
    )


@transaction.atomic
def settle_again(case_id: UUID | str, *, by: Signs = SWEEPER) -> bool:
    """Move a case to the step that its rows say, if it stands elsewhere; whether it did."""
    case = cases.lock(case_id)
    if case.closed or policy.step_for(facts_of(case)) == (case.step, case.due):
        return False
    settle(case, by=by)
    return True


def check_steps() -> list[UUID]:
    """Compare the stored step of every open contact with what its rows say; mend and tell of each that differs. Returns their case ids."""
    strayed = []
    for case_id in Case.objects.open().filter(kind="contact").values_list("id", flat=True):
        if settle_again(case_id):
            log.error("case %s did not stand where its rows say", case_id)
            strayed.append(case_id)
    return strayed
