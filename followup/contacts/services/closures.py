"""A session closes before its time: nobody who had a time there is forgotten."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Ask, Case, Kind, Shortage
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Session, State
from followup.contacts import policy
from followup.contacts.closings import CLOSED, calls_laid_into
from followup.contacts.models import Channel, Contact
from followup.contacts.services.booking import keep_a_time
from followup.contacts.services.ground import lay, promise_again, settle, tell, tell_of_time
from followup.contacts.services.requests import receive
from followup.core import clock, words
from followup.core.errors import Refused
from followup.people.access import require
from followup.people.models import Patient, User

TRIES = 5


class BookedMeanwhile(Refused):
    """Again and again somebody was given a time while the others were looked after."""

    code = "booked-meanwhile"
    words = gettext_lazy("Times in this session are being given in this very moment. Try again.")


def close_session(session: Session, *, by: User, why: str) -> Session:
    """Close a session, for instance because its doctor is ill: its patients are looked after first, all in one transaction.

    A held time is held anew inside its promise; who had a booked one is owed a call, with a time held for it; where none is left the
    case is at risk. Everybody is told. Calls laid into the hours of a nurse are laid again. Said twice it is done once. Raises `Invalid`.
    """
    require(by, "manage_times")
    why = clinic.reason(why)
    for _again in range(TRIES):
        try:
            return _close(session, by=by, why=why)
        except BookedMeanwhile:
            continue
    raise BookedMeanwhile


@transaction.atomic
def _close(session: Session, *, by: User, why: str) -> Session:
    clinic.one_change_at_a_time(session.unit)
    session = times.session_for(by, session.id)
    if session.closed_at:
        return session
    locked = _lock_everybody(session)
    coming = clinic.stop_giving(session, by=by)
    if not {each.case_id for each in coming} <= locked.keys():
        # Given while we waited for the others: its case comes before its time, so everything is let go and taken once more.
        raise BookedMeanwhile
    for appointment in coming:
        case = locked[appointment.case_id]
        if case.kind == Kind.CONTACT:
            _look_after(case, appointment, by=by)
        else:
            _ring_about_a_visit(case, appointment, by=by, why=why)
    session = clinic.mark_closed(session, by=by, why=why)
    for callback in calls_laid_into(session):
        if callback.case_id in locked:
            lay(locked[callback.case_id], callback, by=by)
            settle(locked[callback.case_id], by=by)
    return session


def _lock_everybody(session: Session) -> dict:
    """Every case that the closing touches, locked in the order of the house: patients, then cases, each in the order of their ids."""
    coming = times.kept_in(session)
    patients = sorted({each.patient_id for each in coming})
    list(Patient.objects.select_for_update(no_key=True).filter(id__in=patients).order_by("id"))
    touched = {each.case_id for each in coming} | {each.case_id for each in calls_laid_into(session)}
    # Whoever has an ordinary visit is rung through their open request, if they have one.
    touched |= set(Case.objects.open().filter(patient__in=patients, kind=Kind.CONTACT).values_list("id", flat=True))
    return {case_id: cases.lock(case_id) for case_id in sorted(touched)}


def _look_after(case: Case, appointment: Appointment, *, by: User) -> None:
    was_booked = appointment.state == State.BOOKED
    clinic.release(case=case, why=CLOSED, by=by)
    contact, callback = case.contact, calls.open_of_case(case.id)
    waits_for_answer = Ask.objects.filter(case=case, answered_at=None).exists()
    if callback is None and (was_booked or not waits_for_answer):
        callback = _owe_a_call(case, contact, by=by)
    again = keep_a_time(case, contact, callback, by=by) if callback else _hold_for_the_answer(case, contact, by=by)
    if again is None and was_booked and policy.wants_a_time(case.programme.rules, contact.reason, contact.answers):
        # A call has found that they must be seen: more than having nothing to hold.
        cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)
    settle(case, by=by)
    if again and not was_booked:
        tell_of_time(case, "time-kept", again, by=by)
    else:
        _tell_cancelled(case, appointment, by=by)


def _owe_a_call(case: Case, contact: Contact, *, by: User) -> Callback | None:
    """That the clinic closes makes nobody's three days longer."""
    promised = contact.see_by
    promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
    if promised and clock.now() < promised and (contact.see_by is None or promised < contact.see_by):
        contact.see_by = promised
        contact.save(update_fields=["see_by"])
    return calls.open_of_case(case.id)


def _hold_for_the_answer(case: Case, contact: Contact, *, by: User) -> Appointment | None:
    """A clinician has yet to say whether the held time is used: another is held for that."""
    if contact.see_by is None:
        return None
    earliest = policy.hold_from(case.programme.rules, call_due=clock.now())
    try:
        return clinic.hold_earliest(case=case, earliest=earliest, before=contact.see_by, by=by)
    except clinic.NoTimeWithinPromise:
        cases.put_at_risk(case, Shortage.NOTHING_TO_HOLD, by=by)
        return None


def _ring_about_a_visit(case: Case, appointment: Appointment, *, by: User, why: str) -> None:
    """An ordinary visit goes back to what is due, and its patient is rung as somebody who asks about their appointment."""
    clinic.release(case=case, why=CLOSED, by=by)
    if case.kind == Kind.VISIT:
        cases.move(case, "due", by=by, why=why)
    _tell_cancelled(case, appointment, by=by)
    patient = case.patient
    with override(patient.language):
        time = words.moment(appointment.slot.starts_at, zone=case.unit.zone, language=patient.language)
        message = _("The clinic had to cancel the visit at %(time)s. Ring about a new time.") % {"time": time}
    try:
        with transaction.atomic():
            receive(patient=patient, by=by, reason="appointment", message=message, channel=Channel.PHONE)
    except cases.NotInAProgramme:
        cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)


def _tell_cancelled(case: Case, appointment: Appointment, *, by: User) -> None:
    tell(case, "slot-cancelled", occasion=str(appointment.id), by=by, time=appointment.slot.starts_at)
