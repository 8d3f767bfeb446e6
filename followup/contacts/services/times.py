"""Times at the clinic are chosen, given, given back and missed."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Case, Shortage
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import GIVEN_BACK, Appointment, Slot, SlotKind
from followup.clinic.policy import others_may_use_urgent_until
from followup.contacts import policy
from followup.contacts.models import Addition
from followup.contacts.queries import times_for, times_to_choose
from followup.contacts.services.ground import promise_again, say, settle, tell, tell_of_time
from followup.core import clock, outbox
from followup.core.errors import Invalid, Refused
from followup.core.typed import storable
from followup.people.access import require
from followup.people.models import User


class RequestClosed(Refused):
    code = "request-closed"
    words = _("This request is already finished.")


@transaction.atomic
def choose_time(case: Case, slot: Slot, *, by: User) -> Appointment:
    """Keep a time for ten minutes for a patient who is deciding; what they have stays theirs meanwhile. Raises `SlotTaken`."""
    require(by, "get_in_touch")
    case = _open(case)
    if slot not in times_to_choose(case):
        raise clinic.SlotTaken
    return clinic.hold_choice(slot, case=case, by=by)


def give_time(case: Case, *, by: User, slot: Slot | None = None, for_patient: bool = False) -> Appointment:
    """A time for a case: `slot`, or the one that is kept for it, or the earliest inside the promise.

    Staff book it. A patient chooses among the times of their own case, and while a call is owed the time is held: the call decides. So
    it is when staff choose `for_patient`, who is on the telephone.
    Raises `SlotTaken` while there are others; when none is left the case is at risk from now on, and that is `NoTimeWithinPromise`.
    """
    require(by, "get_in_touch" if by.as_patient else "give_times")
    try:
        return _give_time(case, slot, by=by, for_patient=for_patient)
    except (clinic.SlotTaken, clinic.NoTimeWithinPromise) as no:
        # In a transaction of its own: the refusal undoes the rest, and this must stay.
        raise _none_left(case, no, by=by) from no


@transaction.atomic
def _give_time(case: Case, slot: Slot | None, *, by: User, for_patient: bool) -> Appointment:
    case = _open(case)
    callback = calls.open_of_case(case.id)
    only_hold = bool((by.as_patient or for_patient) and callback)
    if slot and by.as_patient and slot not in times_to_choose(case) and not _is_theirs(case, slot):
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


def _is_theirs(case: Case, slot: Slot) -> bool:
    return Appointment.objects.filter(case=case, slot=slot).kept().exists()


def _earliest(case: Case, callback: Callback | None, *, by: User) -> Appointment:
    """Hold the time that the case holds already, else the earliest: an urgent one where one is promised."""
    contact, rules = case.contact, case.programme.rules
    earliest = policy.hold_from(rules, call_due=max(callback.due, clock.now())) if callback else clock.now()
    promised = policy.wants_a_time(rules, contact.reason, contact.answers)
    before = contact.see_by if promised else times.end_of_rota(case.unit)
    if promised:
        return clinic.hold_earliest(case=case, earliest=earliest, before=before or earliest, by=by)
    fallen = others_may_use_urgent_until(rules, case.unit.hours, clock.now())
    return clinic.hold_earliest(
        case=case, earliest=earliest, before=before or earliest, by=by, kind=SlotKind.REVISIT, urgent_before=fallen
    )


@transaction.atomic
def _none_left(case: Case, no: Refused, *, by: User) -> Refused:
    """What to say to somebody who did not get a time. Who chose one may choose another; where none is left the coordinator is told at once.

    What has fallen free since they were told so is theirs when who is at risk is asked again.
    """
    case = cases.lock(case.id)
    contact = case.contact
    if not policy.wants_a_time(case.programme.rules, contact.reason, contact.answers):
        return no
    has_one = Appointment.objects.filter(case=case).kept().exists()
    may_choose = isinstance(no, clinic.SlotTaken) and contact.see_by and contact.see_by > clock.now()
    if has_one or (may_choose and times_for(case, limit=1)):
        return no
    cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)
    return clinic.NoTimeWithinPromise()


@transaction.atomic
def no_time_suits(case: Case, *, by: User, words: str = "") -> Addition:
    """None of the times suits, or none is free: a person finds one. The time they have stays theirs; somebody rings.

    Said twice in a row it is said once. Raises `Invalid`, `RequestClosed`.
    """
    require(by, "get_in_touch" if by.as_patient else "give_times")
    case = _open(case)
    text = storable(words).strip()
    if len(text) > policy.LONGEST_MESSAGE:
        raise Invalid({"words": policy.too_long()})
    latest = case.contact.additions.order_by("-at").first()
    if latest and (latest.kind, latest.text) == ("no_time_suits", text):
        return latest
    said = say(case, "no_time_suits", text, by=by)
    if calls.open_of_case(case.id) is None:
        _owe_another_call(case, by=by)
    cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)
    settle(case, by=by)
    return said


@transaction.atomic
def cancel_time(
    appointment: Appointment,
    *,
    by: User,
    for_patient: bool = False,
    needs_help: bool = True,
    slot_goes: bool = False,
    why: str = "",
) -> Appointment:
    """A coming time will not be used. Said twice it is done once.

    The patient gives it back, or staff do `for_patient`: somebody rings, unless they need no help any more; then nothing closes
    while anything else is owed. Else the clinic cancels: the patient is told and rung, and another time is held inside the promise.
    `slot_goes`: nobody else is given this time either. `why` stands in the journal.
    """
    require(by, "get_in_touch" if by.as_patient else "give_times")
    case = cases.lock(appointment.case_id)
    appointment.refresh_from_db()
    if appointment.state == "released":
        return appointment
    if appointment.ended_at or appointment.slot.starts_at <= clock.now():
        raise clinic.TimeEnded
    theirs = for_patient or bool(by.as_patient)
    clinic.release(case=case, why=GIVEN_BACK if theirs else "cancelled", by=by, slot_goes=slot_goes)
    if why:
        cases.note_down(case, "appointment.cancelled_because", appointment.id, by=by, why=why)
    if theirs and not needs_help:
        say(case, "needs_no_help", by=by)
        settle(case, by=by, outcome="all_well")
    else:
        _somebody_rings(case, theirs, by=by)
        settle(case, by=by)
    if not theirs:
        tell(case, "slot-cancelled", occasion=str(appointment.id), by=by, time=appointment.slot.starts_at)
    appointment.refresh_from_db()
    return appointment


def _somebody_rings(case: Case, theirs: bool, *, by: User) -> None:
    """After a time was cancelled. Whom the clinic cancelled gets another at once, where one is promised: the worker holds it."""
    owed = calls.open_of_case(case.id) is not None
    if not owed:
        _owe_another_call(case, by=by)
    if not (owed and theirs):
        outbox.put("contacts.received", contact_id=str(case.contact.id))


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
    if appointment.state == "missed":
        if calls.open_of_case(case.id) is None:
            _owe_another_call(case, by=by)
            outbox.put("contacts.received", contact_id=str(case.contact.id))
        call = calls.open_of_case(case.id)
        tell(
            case,
            "time-missed",
            occasion=str(appointment.id),
            by=by,
            answers_them=False,
            call_by=call.due if call else "",
        )
    settle(case, by=by, outcome=case.outcome or "clinic_time")
    return appointment


def _open(case: Case) -> Case:
    case = cases.lock(case.id)
    if case.closed:
        raise RequestClosed
    return case


def _owe_another_call(case: Case, *, by: User) -> None:
    contact = case.contact
    promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
