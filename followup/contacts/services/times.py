"""Times at the clinic are given, given back, kept and missed."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Ask, Case, Shortage
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot, SlotKind
from followup.contacts import policy
from followup.contacts.queries import times_for, times_to_choose
from followup.contacts.services.ground import promise_again, settle, tell, tell_of_time
from followup.core import clock, outbox
from followup.core.errors import Refused
from followup.people.access import require
from followup.people.models import User


class RequestClosed(Refused):
    code = "request-closed"
    words = _("This request is already finished.")


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
    settle(case, by=by)
    tell_of_time(case, "slot-confirmed" if given.state == "booked" else "time-kept", given, by=by)
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
        promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
        outbox.put("contacts.received", contact_id=str(contact.id))
    settle(case, by=by)
    if was_booked and not by.as_patient:
        tell(case, "slot-cancelled", occasion=str(appointment.id), by=by, time=appointment.slot.starts_at)
    appointment.refresh_from_db()
    return appointment


@transaction.atomic
def mark_visit(appointment: Appointment, state: str, *, by: User) -> Appointment:
    """The patient came, or did not. A missed time after a flare-up never closes the case: it makes a new call."""
    require(by, "give_times")
    case = cases.lock(appointment.case_id)
    appointment.refresh_from_db()
    said_before = appointment.state == state
    appointment = clinic.mark(appointment, state, by=by)
    if said_before:
        return appointment
    if appointment.state == "missed" and calls.open_of_case(case.id) is None:
        contact = case.contact
        promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
        outbox.put("contacts.received", contact_id=str(contact.id))
    settle(case, by=by, outcome=case.outcome or "clinic_time")
    return appointment
