"""Verbs of a patient who gets in touch: from the request to its answer, its time or its person.

Every verb locks the case first and ends in `_settle`, which moves the case to the step that the rows say.
"""

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Attempt, Callback, CallOutcome
from followup.cases import services as cases
from followup.cases.models import Ask, Case, Shortage
from followup.cases.queries import open_contact_of
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot, SlotKind
from followup.contacts import policy
from followup.contacts.models import Addition, Channel, Contact, Draft
from followup.contacts.queries import draft_of, facts_of, times_for, times_to_choose
from followup.core import clock, journal, outbox, words
from followup.core.errors import Invalid, Refused
from followup.core.journal import Signs, System
from followup.messages import services as messages
from followup.people.access import require
from followup.people.models import Patient, User
from followup.people.queries import enrolment_of


class RequestClosed(Refused):
    code = "request-closed"
    words = _("This request is already finished.")


class NothingOpen(Refused):
    code = "nothing-open"
    words = _("There is no open request to add to.")


log = logging.getLogger(__name__)

BOOKER = System("booking")
SWEEPER = System("sweeper")


# a patient gets in touch


@transaction.atomic
def receive(
    *,
    patient: Patient,
    by: User,
    reason: str,
    message: str = "",
    answers: dict[str, Any] | None = None,
    preferred: dict[str, Any] | None = None,
    channel: str = Channel.WEB,
) -> Contact:
    """Somebody gets in touch. Case, contact, callback with its promise, journal and outbox row are one transaction.

    An open request is added to, never doubled. Raises `Invalid`, `NotInAProgramme`.
    """
    open_case = _one_at_a_time(patient)
    request = policy.checked(
        _rules_for(patient, open_case),
        patient.unit.country_codes,
        reason=reason,
        message=message,
        answers=answers,
        preferred=preferred,
    )
    Draft.objects.filter(patient=patient).delete()
    if open_case is None:
        return _open(patient, request, channel=channel, by=by)
    return _say_more(open_case, request, by=by)


@transaction.atomic
def warn(*, patient: Patient, red_flags: Sequence[str], by: User, channel: str = Channel.WEB) -> Contact:
    """A sign that cannot wait was ticked: a call of the first priority is owed from this moment, before anything is sent."""
    open_case = _one_at_a_time(patient)
    rules = _rules_for(patient, open_case)
    request = policy.checked(rules, patient.unit.country_codes, reason="flare", answers={"red_flags": list(red_flags)})
    if open_case is None:
        return _open(patient, request, channel=channel, by=by, sent=False)
    contact = open_case.contact
    if set(request.red_flags) <= set(contact.answers.get("red_flags", [])):
        return contact
    return _say_more(open_case, request, by=by, sent=False)


@transaction.atomic
def take_back(*, patient: Patient, by: User) -> None:
    """The tick at a red flag was taken back: a note for the nurse, who rings all the same."""
    open_case = _one_at_a_time(patient)
    if open_case and open_case.contact.answers.get("red_flags"):
        _add(open_case, by=by, kind="took_back")


@transaction.atomic
def send_draft(*, patient: Patient, by: User) -> Contact | None:
    """Send what was typed. Pressed twice it is sent once: the second press finds no draft, and gets the open request or None."""
    open_case = _one_at_a_time(patient)
    draft = draft_of(patient)
    if not draft:
        return open_case.contact if open_case else None
    return receive(patient=patient, by=by, **{"reason": "", **draft})


@transaction.atomic
def add(*, patient: Patient, by: User, text: str = "", kind: str = "words") -> Addition:
    """More words to an open request, or the note that somebody `feels_better`; the nurse rings all the same.

    The same thing twice in a row (a double press) is said once. Raises `Invalid`, `NothingOpen`.
    """
    open_case = _one_at_a_time(patient)
    if open_case is None:
        raise NothingOpen
    if kind == "words" and not text.strip():
        raise Invalid({"text": gettext("Write what you want to add.")})
    latest = open_case.contact.additions.order_by("-at").first()
    if latest and (latest.kind, latest.text) == (kind, text.strip()):
        return latest
    return _add(open_case, by=by, text=text, kind=kind)


def save_draft(*, patient: Patient, answers: dict[str, Any]) -> None:
    """Keep what was typed so far, so that signing out never loses an answer."""
    Draft.objects.update_or_create(patient=patient, defaults={"answers": answers, "changed_at": clock.now()})


def _one_at_a_time(patient: Patient) -> Case | None:
    """The open request of a patient, locked. Whoever gets in touch twice at once comes here one after the other."""
    Patient.objects.select_for_update(no_key=True).get(id=patient.id)
    case = open_contact_of(patient)
    return cases.lock(case.id) if case else None


def _rules_for(patient: Patient, open_case: Case | None):
    if open_case:
        return open_case.programme.rules
    enrolment = enrolment_of(patient)
    if enrolment is None:
        raise cases.NotInAProgramme
    return enrolment.programme.rules


def _open(patient: Patient, request: policy.Request, *, channel: str, by: User, sent: bool = True) -> Contact:
    case = cases.open_case(patient=patient, kind="contact", by=by)
    at = case.opened
    promise = policy.promise_for(case.programme.rules, patient.unit.hours, request, at=at)
    contact = Contact.objects.create(
        case=case,
        reason=request.reason,
        message=request.message,
        written_in=get_language() or "",
        answers=request.answers,
        preferred=request.preferred,
        channel=channel,
        received_at=at,
        sent_at=at if sent else None,
        see_by=promise.see_by,
        entered_by=by,
    )
    callbacks.promise(
        case=case,
        reason=request.reason,
        priority=promise.priority,
        not_before=promise.not_before,
        due=promise.due,
        by=by,
    )
    if promise.cannot_be_seen_in_time:
        cases.put_at_risk(case, Shortage.NOTHING_TO_HOLD, by=by)
    _settle(case, by=by)
    outbox.put("contacts.received", contact_id=str(contact.id))
    return contact


def _say_more(case: Case, request: policy.Request, *, by: User, sent: bool = True) -> Contact:
    """What comes after the first word: it completes a request of which only a red flag was known, and is added to any other.

    What makes it more urgent makes the promise shorter; nothing makes it longer.
    """
    contact = case.contact
    contact.added_to = True
    flags = sorted({*contact.answers.get("red_flags", []), *request.red_flags})
    if contact.sent_at is None and sent:
        contact.reason, contact.message, contact.preferred = request.reason, request.message, request.preferred
        contact.answers, contact.sent_at = request.answers, clock.now()
    else:
        kind = "red_flags" if request.red_flags and not request.message else "words"
        _add(case, by=by, text=request.message, kind=kind)
    contact.answers = contact.answers | {"red_flags": flags}
    contact.save()
    _hasten(case, contact, policy.Request(request.reason, answers=request.answers | {"red_flags": flags}), by=by)
    outbox.put("contacts.received", contact_id=str(contact.id))
    return contact


def _hasten(case: Case, contact: Contact, request: policy.Request, *, by: User) -> None:
    callback = calls.open_of_case(case.id)
    if callback is None:
        _promise_again(case, contact, request, by=by)
    else:
        promise = policy.promise_for(case.programme.rules, case.unit.hours, request, at=clock.now())
        if promise.priority < callback.priority:
            callbacks.hasten(callback, by=by, priority=promise.priority, not_before=promise.not_before, due=promise.due)
        _see_by(contact, promise)
    _settle(case, by=by)


def _promise_again(case: Case, contact: Contact, request: policy.Request, *, by: Signs) -> None:
    """Another call is owed in a case whose call was over. It is laid at once: the case is long past `received`."""
    promise = policy.promise_for(case.programme.rules, case.unit.hours, request, at=clock.now())
    callback = callbacks.promise(
        case=case,
        reason=request.reason,
        priority=promise.priority,
        not_before=promise.not_before,
        due=promise.due,
        by=by,
    )
    _lay(case, callback, by=by)
    contact.see_by = None
    _see_by(contact, promise)


def _see_by(contact: Contact, promise: policy.Promise) -> None:
    """The three days run from the first word: what comes later only ever shortens them."""
    if promise.see_by and (contact.see_by is None or promise.see_by < contact.see_by):
        contact.see_by = promise.see_by
        contact.save(update_fields=["see_by"])


def _lay(case: Case, callback: Callback, *, by: Signs) -> Callback:
    nurse_hours = times.nurse_hours(case.unit, clock.now(), callback.due)
    return callbacks.lay_window(callback, nurse_hours=nurse_hours, by=by)


def _add(case: Case, *, by: User, text: str = "", kind: str = "words") -> Addition:
    if len(text) > policy.LONGEST_MESSAGE:
        raise Invalid({"text": policy.too_long()})
    addition = Addition.objects.create(contact=case.contact, text=text.strip(), kind=kind, at=clock.now(), by=by)
    journal.write(
        "contact.added_to",
        by=by,
        patient_id=case.patient_id,
        unit_id=case.unit_id,
        case_id=case.id,
        subject_id=addition.id,
        kind=kind,
    )
    cases.touch(case)
    return addition


# the worker books


@transaction.atomic
def book(contact_id: UUID | str, *, by: Signs = BOOKER) -> None:
    """Lay the call into nurse hours, hold a time where one is promised, and tell the patient.

    Safe to repeat, and too late for a request that was answered meanwhile: then nothing is held.
    """
    contact = Contact.objects.select_related("case").get(id=contact_id)
    case = cases.lock(contact.case_id)
    callback = calls.open_of_case(case.id)
    if callback is None:
        return
    if callback.window_start is None:
        callback = _lay(case, callback, by=by)
    held = keep_a_time(case, contact, callback, by=by)
    _settle(case, by=by)
    _tell(
        case, "request-received", occasion=str(contact.id), by=by, call_by=callback.window_end, reference=case.reference
    )
    if held:
        _tell_of_time(case, "time-kept", held, by=by)


def keep_a_time(case: Case, contact: Contact, callback: Callback, *, by: Signs) -> Appointment | None:
    """Hold the earliest time that suits the promise; where none is left, the case is at risk from now on."""
    rules = case.programme.rules
    if not policy.wants_a_time(rules, contact.reason, contact.answers) or contact.see_by is None:
        return None
    earliest = policy.hold_from(rules, call_due=max(callback.due, clock.now()))
    try:
        held = clinic.hold_earliest(case=case, earliest=earliest, before=contact.see_by, by=by)
    except clinic.NoTimeWithinPromise:
        cases.put_at_risk(case, Shortage.NOTHING_TO_HOLD, by=by)
        return None
    cases.out_of_risk(case, by=by)
    return held


# the nurse rings


@transaction.atomic
def dial(callback: Callback, *, by: User) -> Attempt:
    """The nurse rings now: the try is logged, and the patient's page says so."""
    case = cases.lock(callback.case_id)
    attempt = callbacks.dial(callback, by=by)
    _settle(case, by=by)
    return attempt


@transaction.atomic
def give_back(callback: Callback, *, by: User, note: str = "") -> Callback:
    """Back into the queue, with a note for whoever comes next."""
    case = cases.lock(callback.case_id)
    callback = callbacks.give_back(callback, by=by, note=note)
    _settle(case, by=by)
    return callback


@transaction.atomic
def return_run_out(callback_id: UUID, *, by: Signs = SWEEPER) -> None:
    """A lease that ran out: the call is back in the queue, and the case no longer rings."""
    case = cases.lock(Callback.objects.values_list("case_id", flat=True).get(id=callback_id))
    if callbacks.return_run_out(callback_id, by=by):
        _settle(case, by=by)


@transaction.atomic
def lift_passed(callback_id: UUID, *, by: Signs = SWEEPER) -> None:
    """A promise to ring has passed: the call moves up, and the patient is told, once."""
    case = cases.lock(Callback.objects.values_list("case_id", flat=True).get(id=callback_id))
    if callbacks.lift_passed(callback_id, by=by):
        cases.touch(case)


@transaction.atomic
def finish(
    callback: Callback,
    *,
    by: User,
    outcome: str,
    also: Sequence[str] = (),
    note: str = "",
    advice: Sequence[str] = (),
    slot: Slot | None = None,
    to: User | None = None,
    call_again_on: date | None = None,
    agreed: str = "",
) -> CallOutcome | Callback:
    """The call is over and this is what it led to. Without an outcome nothing closes; `no_answer` only plans the next try.

    The same nurse saying the same again gets the first answer. Raises `Invalid`, `NotYours`, `AlreadyEnded`, `SlotTaken`.
    """
    require(by, "answer_calls")
    case = cases.lock(callback.case_id)
    said_before = CallOutcome.objects.filter(callback_id=callback.id, by=by, outcome=outcome).first()
    if said_before:
        return said_before
    if outcome == "no_answer":
        return _nobody_answered(case, callback, note=note, by=by)
    rules, at = case.programme.rules, clock.now()
    held = Appointment.objects.filter(case=case).kept().select_related("slot").first()
    policy.check_outcome(
        rules,
        outcome=outcome,
        also=also,
        note=note,
        advice=advice,
        has_time=bool(slot or held),
        to=to,
        call_again_on=call_again_on,
        today=case.unit.hours.day_of(at),
    )
    kept = callbacks.finish(
        callback,
        by=by,
        outcome=outcome,
        also=list(also),
        note=note,
        advice=list(advice),
        call_again_on=call_again_on,
        agreed=agreed,
    )
    outcomes = [outcome, *also]
    _mind_the_time(case, outcomes, slot, by=by)
    for kind, due in policy.asks_of(rules, outcomes, case.unit.hours, at=at).items():
        cases.ask(case, kind, by=by, due=due, owner=to, note=note)
    cases.out_of_risk(case, by=by)
    _settle(case, by=by, outcome=outcome)
    _tell(case, "agreed", occasion=str(kept.id), by=by)
    return kept


def _mind_the_time(case: Case, outcomes: Sequence[str], slot: Slot | None, *, by: User) -> None:
    if "clinic_time" in outcomes:
        booked = clinic.give(slot, case=case, by=by) if slot else clinic.confirm(case=case, by=by)
        _tell_of_time(case, "slot-confirmed", booked, by=by)
    elif policy.lets_go_of_time(outcomes):
        clinic.release(case=case, why="not needed", by=by)


def _nobody_answered(case: Case, callback: Callback, *, note: str, by: User) -> Callback:
    callback = callbacks.nobody_answered(callback, note=note, by=by)
    _settle(case, by=by)
    if callback.decide_since:
        _tell(case, "call-failed", occasion=str(callback.id), by=by)
    elif callback.unanswered == 1:
        _tell(case, "call-missed", occasion=str(callback.id), by=by, time=callback.not_before)
    return callback


@transaction.atomic
def needs_a_time(callback: Callback, *, by: User) -> None:
    """The nurse has found that this person must be seen, and there is no time: the coordinator is told so at once."""
    require(by, "answer_calls")
    case = cases.lock(callback.case_id)
    callbacks.extend(callback, by=by)
    cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)


# after the call


@transaction.atomic
def answer_ask(asked: Ask, *, by: User, words: str, slot: Slot | None = None) -> Ask:
    """A clinician answers what a call left for them, perhaps with a time. A time held for the answer is let go if unused."""
    require(by, "answer_asks")
    case = cases.lock(asked.case_id)
    asked = cases.answer(asked, by=by, words=words)
    if slot:
        _tell_of_time(case, "slot-confirmed", clinic.give(slot, case=case, by=by), by=by)
    elif not Ask.objects.filter(case=case, answered_at=None).exists():
        held = Appointment.objects.filter(case=case, state="held").exists()
        if held:
            clinic.release(case=case, why="not needed", by=by)
    _settle(case, by=by, outcome=asked.kind)
    return asked


@transaction.atomic
def mark_visit(appointment: Appointment, state: str, *, by: User) -> Appointment:
    """The patient came, or did not. A missed time after a flare-up never closes the case: it makes a new call."""
    require(by, "give_times")
    case = cases.lock(appointment.case_id)
    appointment = clinic.mark(appointment, state, by=by)
    if appointment.state == "missed" and calls.open_of_case(case.id) is None:
        contact = case.contact
        _promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
        outbox.put("contacts.received", contact_id=str(contact.id))
    _settle(case, by=by, outcome=case.outcome or "clinic_time")
    return appointment


# a time is given, or given back, beside a call


def give_time(case: Case, *, by: User, slot: Slot | None = None) -> Appointment:
    """A time for a case: `slot`, or the one that is kept for it, or the earliest inside the promise.

    Staff book it. A patient chooses among the times of their own case, and while a call is owed the time is held: the call decides.
    Raises `SlotTaken` while there are others; when none is left the case is at risk from now on, and that is `NoTimeWithinPromise`.
    """
    require(by, "get_in_touch" if by.as_patient else "give_times")
    try:
        return _give_time(case, slot, by=by)
    except (clinic.SlotTaken, clinic.NoTimeWithinPromise) as no:
        # In a transaction of its own: the refusal undoes the rest, and this must stay.
        raise _none_left(case, no, by=by) from no


@transaction.atomic
def _give_time(case: Case, slot: Slot | None, *, by: User) -> Appointment:
    case = cases.lock(case.id)
    if case.closed:
        raise RequestClosed
    callback = calls.open_of_case(case.id)
    only_hold = bool(by.as_patient and callback)
    if slot and by.as_patient and slot not in times_to_choose(case):
        raise clinic.SlotTaken
    if slot:
        given = clinic.give(slot, case=case, by=by, only_hold=only_hold)
    else:
        given = _earliest(case, callback if only_hold else None, by=by)
        if given.state == "held" and not only_hold:
            given = clinic.confirm(case=case, by=by)
    cases.out_of_risk(case, by=by)
    _settle(case, by=by)
    _tell_of_time(case, "slot-confirmed" if given.state == "booked" else "time-kept", given, by=by)
    return given


def _earliest(case: Case, callback: Callback | None, *, by: User) -> Appointment:
    """Hold the time that the case holds already, else the earliest: an urgent one where one is promised."""
    contact, rules = case.contact, case.programme.rules
    earliest = policy.hold_from(rules, call_due=max(callback.due, clock.now())) if callback else clock.now()
    promised = policy.wants_a_time(rules, contact.reason, contact.answers)
    before = contact.see_by if promised else times.end_of_rota(case.unit)
    kind = SlotKind.URGENT if promised else SlotKind.REVISIT
    return clinic.hold_earliest(case=case, earliest=earliest, before=before or earliest, by=by, kind=kind)


@transaction.atomic
def _none_left(case: Case, no: Refused, *, by: User) -> Refused:
    """What to say to somebody who did not get a time. Is there no other inside the promise, the coordinator is told at once."""
    case = cases.lock(case.id)
    contact = case.contact
    if not policy.wants_a_time(case.programme.rules, contact.reason, contact.answers):
        return no
    has_one = Appointment.objects.filter(case=case).kept().exists()
    if has_one or (contact.see_by and contact.see_by > clock.now() and times_for(case, limit=1)):
        return no
    cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)
    return clinic.NoTimeWithinPromise()


@transaction.atomic
def cancel_time(appointment: Appointment, *, by: User) -> Appointment:
    """A coming time will not be used. That closes no case: where nothing else is owed, somebody rings. Said twice it is done once."""
    require(by, "get_in_touch" if by.as_patient else "give_times")
    case = cases.lock(appointment.case_id)
    appointment.refresh_from_db()
    if appointment.state == "released":
        return appointment
    if appointment.ended_at or appointment.slot.starts_at <= clock.now():
        raise clinic.TimeEnded
    was_booked = appointment.state == "booked"
    clinic.release(case=case, why="cancelled by patient" if by.as_patient else "cancelled", by=by)
    if calls.open_of_case(case.id) is None and not Ask.objects.filter(case=case, answered_at=None).exists():
        contact = case.contact
        _promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
        outbox.put("contacts.received", contact_id=str(contact.id))
    _settle(case, by=by)
    if was_booked and not by.as_patient:
        _tell(case, "slot-cancelled", occasion=str(appointment.id), by=by, time=appointment.slot.starts_at)
    appointment.refresh_from_db()
    return appointment


def _settle(case: Case, *, by: Signs, outcome: str = "") -> None:
    """Move the case to the step that its rows say."""
    step, due = policy.step_for(facts_of(case))
    cases.move(case, step, by=by, due=due, outcome=outcome)


def _tell_of_time(case: Case, template: str, appointment: Appointment, *, by: Signs) -> None:
    slot = appointment.slot
    _tell(case, template, occasion=str(appointment.id), by=by, time=slot.starts_at, place=slot.place)


def _tell(case: Case, template: str, *, occasion: str, by: Signs, **facts: Any) -> None:
    """Tell the patient, in their own language; moments are said as people say them."""
    patient = case.patient
    said = {
        name: words.moment(value, zone=case.unit.zone, language=patient.language)
        if hasattr(value, "astimezone")
        else value
        for name, value in facts.items()
    }
    messages.tell(
        template,
        patient=patient,
        programme=case.programme,
        case=case,
        occasion=occasion,
        by=by,
        answers_them=True,
        facts=said,
    )


def check_steps() -> list[UUID]:
    """Compare the stored step of every open contact with what its rows say; mend and tell of each that differs. Returns their case ids."""
    strayed = []
    for case_id in Case.objects.open().filter(kind="contact").values_list("id", flat=True):
        with transaction.atomic():
            case = cases.lock(case_id)
            if case.closed or policy.step_for(facts_of(case)) == (case.step, case.due):
                continue
            log.error("case %s stood at %s, which its rows do not say", case.id, case.step)
            _settle(case, by=SWEEPER)
            strayed.append(case.id)
    return strayed
