"""The worker lays the call and keeps a time."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Case, Shortage
from followup.clinic import services as clinic
from followup.clinic.models import Appointment
from followup.contacts import policy
from followup.contacts.models import Contact
from followup.contacts.services.ground import BOOKER, lay, settle, tell, tell_of_time
from followup.contacts.shortages import earliest_start, just_given_back
from followup.core import crash, outbox
from followup.core.journal import Signs
from followup.core.reads import prepared


@transaction.atomic(savepoint=False)
def book(contact_id: UUID | str, *, by: Signs = BOOKER) -> None:
    """Lay the call into nurse hours, hold a time where one is promised, and tell the patient.

    Safe to repeat, and too late for a request that was answered meanwhile: then nothing is held.
    """
    contact = Contact.objects.get(id=contact_id)
    case = cases.lock(contact.case_id)
    callback = calls.open_of_case(case.id)
    if callback is None:
        return
    callback.unit = case.unit  # read with the case
    if callback.window_start is None:
        callback = lay(case, callback, by=by)
    held = keep_a_time(case, contact, callback, by=by)
    settle(case, by=by)
    if callback.priority == 1:
        outbox.put("contacts.urgent", case_id=str(case.id))
    tell(
        case, "request-received", occasion=str(contact.id), by=by, call_by=callback.window_end, reference=case.reference
    )
    if held:
        held.slot.unit = case.unit  # for the place that the text names
        tell_of_time(case, "time-kept", held, by=by)
    crash.commit("contacts.book")


def keep_a_time(case: Case, contact: Contact, callback: Callback, *, by: Signs) -> Appointment | None:
    """Hold the earliest time that suits the promise; where none is left, the case is at risk from now on."""
    rules = case.programme.rules
    if not policy.wants_a_time(rules, contact.reason, contact.answers) or contact.see_by is None:
        return None
    if kept := _kept_for.first(case.id):
        return kept  # Whether it suits is another question: who said that none does is still at risk.
    try:
        held = _another(case, earliest_start(case, callback), contact.see_by, by=by)
    except clinic.NoTimeWithinPromise:
        # Who was found to need a time still does: more words from them never make that less.
        if not case.shortage:
            cases.put_at_risk(case, Shortage.NOTHING_TO_HOLD, by=by)
        return None
    cases.out_of_risk(case, by=by)
    return held


@prepared
def _kept_for(case_id: UUID) -> QuerySet[Appointment]:
    return Appointment.objects.filter(case=case_id).kept()


def _another(case: Case, earliest: datetime, before: datetime, *, by: Signs) -> Appointment:
    """Hold the earliest time; the one that they gave back just now only where it is the only one. Raises `NoTimeWithinPromise`."""
    *first, last = policy.apart_from(just_given_back(case), earliest, before)
    for start, end in first:
        try:
            return clinic.hold_earliest(case=case, earliest=start, before=end, by=by)
        except clinic.NoTimeWithinPromise:
            continue
    return clinic.hold_earliest(case=case, earliest=last[0], before=last[1], by=by)
