"""A session closes before its time, with everybody who has a time in it."""

from datetime import date, datetime, time, timedelta

import pytest

from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Case
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Session, Slot
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed
from followup.core.models import Entry
from followup.messages.models import Message
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
ILL = "The doctor is ill"


@pytest.fixture
def session(unit):
    return make.urgent_times(unit, TUESDAY, 3)


def booked(unit, karin, **columns):
    """Somebody whose call led to the time that was kept."""
    contact = make.a_flare(make.a_patient(unit, **columns))
    contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="clinic_time")
    return contact


def closed(session, eva):
    return contacts.close_session(session, by=eva, why=ILL)


def now_kept(contact):
    return Appointment.objects.filter(case=contact.case_id).kept().select_related("slot").first()


def told(contact) -> list[str]:
    return make.texts_of(case_id=contact.case_id)


def stands_as_its_rows_say(contact) -> bool:
    case = Case.objects.get(id=contact.case_id)
    return policy.step_for(facts_of(case)) == (case.step, case.due)


def test_a_held_time_is_held_anew_inside_its_promise(unit, session, eva):
    contact = make.a_flare(make.a_patient(unit))
    make.urgent_times(unit, WEDNESDAY, 1)
    assert closed(session, eva).closed_at
    kept = now_kept(contact)
    assert (kept.state, kept.slot.starts_at.date()) == ("held", WEDNESDAY)
    assert kept.slot.starts_at < contact.see_by
    assert Callback.objects.get(case=contact.case_id).state == "waiting"
    assert told(contact)[-1] == "time-kept"
    assert stands_as_its_rows_say(contact)


def test_who_had_a_booked_time_is_told_and_rung_with_a_new_one_held(unit, session, eva, karin):
    contact = booked(unit, karin)
    see_by = contact.see_by
    make.urgent_times(unit, WEDNESDAY, 1)
    closed(session, eva)
    call = make.callback_of(contact)
    assert (call.state, call.reason, call.priority) == ("waiting", "flare", 2)
    assert call.window_end is not None
    assert (now_kept(contact).state, now_kept(contact).slot.starts_at.date()) == ("held", WEDNESDAY)
    contact.refresh_from_db()
    assert contact.see_by == see_by, "the three days run from the first word"
    assert told(contact)[-1] == "slot-cancelled"
    assert Case.objects.get(id=contact.case_id).step == "call_booked"
    assert stands_as_its_rows_say(contact)


def test_the_three_days_are_not_made_longer_by_our_closing(unit, eva, karin):
    session = make.urgent_times(unit, WEDNESDAY, 1)
    contact = booked(unit, karin)
    make.urgent_times(unit, date(2026, 11, 27), 1)
    with clock.turned(make.MONDAY_MORNING + timedelta(days=2)):
        closed(session, eva)
        assert now_kept(contact) is None, "Friday is after the promised day"
        case = Case.objects.get(id=contact.case_id)
        assert (case.shortage, bool(case.at_risk_since)) == ("needs_a_time", True)
        assert make.callback_of(contact).state == "waiting"


def test_with_nothing_left_a_held_one_is_at_risk_and_still_rung(unit, session, eva):
    contact = make.a_flare(make.a_patient(unit))
    closed(session, eva)
    case = Case.objects.get(id=contact.case_id)
    assert (now_kept(contact), case.shortage) == (None, "no_time_left")
    assert make.callback_of(contact).state == "waiting"
    assert told(contact)[-1] == "slot-cancelled"


def test_a_time_held_for_a_clinicians_answer_is_held_anew(unit, session, eva, karin):
    doctor = make.a_clinician(unit)
    contact = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="clinician_asked", to=doctor, note="?")
    make.urgent_times(unit, WEDNESDAY, 1)
    closed(session, eva)
    assert now_kept(contact).slot.starts_at.date() == WEDNESDAY
    assert not Callback.objects.open().filter(case=contact.case_id).exists()
    assert Case.objects.get(id=contact.case_id).step == "with_clinician"


def test_an_ordinary_visit_is_due_again_and_its_patient_is_rung(unit, eva):
    session = make.urgent_times(unit, TUESDAY, 1, kind="revisit")
    patient = make.a_patient(unit)
    visit = cases.lock(cases.open_case(patient=patient, kind="visit", by=eva).id)
    time_given = clinic.give(Slot.objects.get(session=session), case=visit, by=eva)
    cases.move(visit, "booked", by=eva, due=time_given.slot.starts_at)
    closed(session, eva)
    visit.refresh_from_db()
    assert visit.step == "due"
    request = Case.objects.get(patient=patient, kind="contact").contact
    assert (request.reason, request.entered_by) == ("appointment", eva)
    assert "Ring about a new time" in request.message
    assert make.callback_of(request).state == "waiting"
    assert Message.objects.filter(patient=patient, template="slot-cancelled").exists()


def test_whoever_is_only_choosing_loses_the_time_and_nobody_is_rung(unit, session, eva):
    case = make.a_flare(make.a_patient(unit, group="traditional"), booked=False, reason="other").case
    slot = session.slots.first()
    Appointment.objects.create(
        unit=unit,
        slot=slot,
        case=case,
        patient=case.patient,
        state="held",
        held_at=clock.now(),
        choice_until=clock.now() + timedelta(minutes=10),
    )
    closed(session, eva)
    assert Appointment.objects.get(slot=slot).state == "released"
    assert not Message.objects.filter(case=case, template="slot-cancelled").exists()


def test_what_is_over_stays_as_it_was(unit, eva, karin):
    session = make.urgent_times(unit, TUESDAY, 2)
    first, second = booked(unit, karin), booked(unit, karin)
    with clock.turned(datetime.combine(TUESDAY, time(13, 20), unit.zone)):
        closed(session, eva)
    assert now_kept(first).state == "booked", "whether they came is still to be said"
    assert Appointment.objects.get(case=second.case_id, slot__session=session).state == "released"


def test_nobody_is_given_a_time_in_a_closed_session(unit, session, eva):
    closed(session, eva)
    contact = make.a_flare(make.a_patient(unit))
    assert now_kept(contact) is None


def test_pressed_twice_it_is_closed_once(unit, session, eva, karin):
    contact = booked(unit, karin)
    for _ in range(2):
        closed(session, eva)
    assert Callback.objects.filter(case=contact.case_id).count() == 2, (
        "the first call, and the one that the closing owes"
    )
    assert told(contact).count("slot-cancelled") == 1
    assert Entry.objects.filter(verb="session.closed").count() == 1


def test_only_a_coordinator_closes_and_says_why(unit, session, eva, karin):
    with pytest.raises(NotAllowed):
        contacts.close_session(session, by=karin, why=ILL)
    with pytest.raises(Invalid):
        contacts.close_session(session, by=eva, why=" ")
    assert not Session.objects.exclude(closed_at=None).exists()


def the_line(unit, nurse, hours=(8, 16), day=date(2026, 11, 23)) -> Session:
    starts, ends = (datetime.combine(day, time(hour), unit.zone) for hour in hours)
    return clinic.add_session(unit=unit, person=nurse, kind="nurse_line", starts_at=starts, ends_at=ends, by=make.TESTS)


def test_calls_laid_into_a_nurses_hours_are_laid_again(unit, eva, karin):
    session = the_line(unit, karin, (10, 12))
    the_line(unit, make.a_nurse(unit, "Maria"), (12, 16))
    contact = make.a_flare(make.a_patient(unit))
    assert make.callback_of(contact).window_start == session.starts_at
    closed(session, eva)
    call = make.callback_of(contact)
    assert call.window_start == datetime.combine(session.starts_at.date(), time(12), unit.zone)
    assert (call.state, call.window_end) == ("waiting", call.due)


def test_a_call_that_a_colleague_can_make_stays_where_it_is(unit, eva, karin):
    session = the_line(unit, karin)
    the_line(unit, make.a_nurse(unit, "Maria"))
    make.a_flare(make.a_patient(unit))
    before = Entry.objects.filter(verb="callback.booked").count()
    closed(session, eva)
    assert Entry.objects.filter(verb="callback.booked").count() == before
