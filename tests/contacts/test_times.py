"""The time that is kept moves with a late call; times are chosen, given back, cancelled and missed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from followup.clinic import services as clinic
from followup.clinic.models import Appointment
from followup.contacts import queries, shortages
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.errors import NotAllowed
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
MONDAY_NIGHT = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


@pytest.fixture
def flare(unit, anna, doctor):
    """Anna feels worse on Monday at nine: rung before 13:00, and the first of three times on Tuesday from 13:00 is kept."""
    make.urgent_times(unit, TUESDAY, 3, doctor=doctor)
    return make.a_flare(anna)


def kept(contact):
    return Appointment.objects.kept().select_related("slot").get(case=contact.case_id)


def start_of(contact):
    return kept(contact).slot.starts_at.astimezone(contact.case.unit.zone)


def case_of(contact):
    contact.case.refresh_from_db()
    return contact.case


def sweep():
    for case_id in queries.kept_to_move():
        contacts.move_kept(case_id)


def told(contact, template):
    return contact.case.messages.filter(template=template, channel="sms").count()


def on(day, hour, minute=0):
    """A moment on the clinic's wall."""
    return datetime(day.year, day.month, day.day, hour - 1, minute, tzinfo=UTC)


# the kept time and a late call


def test_a_time_that_leaves_room_for_the_call_stays_where_it_is(flare):
    with clock.turned(on(TUESDAY, 11, 59)):
        assert queries.kept_to_move() == []
        sweep()
    assert start_of(flare).hour == 13


def test_a_late_call_moves_the_kept_time_once_past_the_new_promise(flare, unit, doctor):
    make.urgent_times(unit, WEDNESDAY, 2, doctor=doctor)
    for minute in (1, 2, 31, 59):
        with clock.turned(on(TUESDAY, 12, minute)):
            sweep()
    assert start_of(flare).date() == WEDNESDAY
    assert told(flare, "time-moved") == 1
    assert Appointment.objects.get(case=flare.case, state="released").ended_why == "the call is late"
    assert case_of(flare).step == "call_booked"


def test_without_a_later_day_it_moves_as_far_as_there_are_times(flare):
    with clock.turned(on(TUESDAY, 12, 31)):
        sweep()
        assert (start_of(flare).hour, start_of(flare).minute) == (14, 0)
    with clock.turned(on(TUESDAY, 13, 30)):
        sweep()
        assert start_of(flare).hour == 14
    assert case_of(flare).at_risk_since is None


def test_a_call_that_is_planned_anew_takes_the_kept_time_along(flare, unit, nurse, doctor):
    make.urgent_times(unit, WEDNESDAY, 1, doctor=doctor)
    with clock.turned(on(TUESDAY, 9, 30)):
        contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="no_answer")
        assert make.callback_of(flare).due == on(TUESDAY, 12, 30)
        sweep()
    assert start_of(flare) == on(TUESDAY, 13, 30)
    assert told(flare, "time-moved") == 1


def test_a_person_is_told_two_open_hours_before_a_time_that_nobody_decided_about(flare, unit):
    with clock.turned(on(TUESDAY, 10, 59)):
        assert list(queries.held_near(unit)) == []
    with clock.turned(on(TUESDAY, 11)):
        assert list(queries.held_near(unit)) == [flare.case]
        assert list(queries.held_near(make.a_unit())) == []


def test_a_time_that_passes_unused_ends_and_the_case_is_at_risk(flare):
    with clock.turned(on(TUESDAY, 16, 30)):
        sweep()
        sweep()
    assert Appointment.objects.get(case=flare.case).ended_why == "time passed"
    assert (case_of(flare).step, case_of(flare).shortage) == ("call_booked", "no_time_left")
    assert contacts.check_steps() == []


def test_a_time_that_passes_while_a_clinician_owes_the_answer_is_at_risk_too(flare, nurse, doctor):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinician_asked", to=doctor, note="MRI?")
    with clock.turned(on(TUESDAY, 12, 30)):
        sweep()
        assert start_of(flare).hour == 13
    with clock.turned(on(TUESDAY, 16, 30)):
        sweep()
    assert case_of(flare).shortage == "no_time_left"


def test_a_booked_time_is_never_moved(flare, nurse):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    with clock.turned(on(TUESDAY, 14)):
        sweep()
    assert kept(flare).state == "booked"


# choosing


def test_what_a_patient_chooses_is_kept_ten_minutes_beside_the_old_time(flare, anna, unit):
    other = queries.times_to_choose(flare.case)[0]
    choice = contacts.choose_time(flare.case, other, by=anna.user)
    assert choice.choice_until == clock.now() + clinic.CHOICE
    assert start_of(flare).hour == 13
    neighbour = make.a_flare(make.a_patient(unit))
    assert kept(neighbour).slot_id != other.id
    with clock.turned(clock.now() + clinic.CHOICE):
        clinic.lapse_choice(choice.id, by=contacts.SWEEPER)
    assert other in queries.times_to_choose(flare.case)
    assert start_of(flare).hour == 13


def test_another_look_lets_the_first_go(flare, anna):
    first, second = queries.times_to_choose(flare.case)
    contacts.choose_time(flare.case, first, by=anna.user)
    contacts.choose_time(flare.case, second, by=anna.user)
    assert queries.choice_of(flare.case).slot == second
    assert first in queries.times_to_choose(flare.case)


def test_a_choice_that_is_confirmed_is_held_until_the_call(flare, anna):
    other = queries.times_to_choose(flare.case)[0]
    choice = contacts.choose_time(flare.case, other, by=anna.user)
    given = contacts.give_time(flare.case, slot=other, by=anna.user)
    assert (given.id, given.state, given.choice_until) == (choice.id, "held", None)
    assert contacts.give_time(flare.case, slot=other, by=anna.user) == given
    assert Appointment.objects.filter(case=flare.case, state="released").count() == 1


def test_after_the_call_a_new_choice_is_booked_and_the_old_time_is_free(flare, anna, nurse):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    before, other = kept(flare), queries.times_to_choose(flare.case)[0]
    contacts.choose_time(flare.case, other, by=anna.user)
    given = contacts.give_time(flare.case, slot=other, by=anna.user)
    assert given.state == "booked"
    assert before.slot in queries.times_to_choose(flare.case)


def test_staff_choose_for_somebody_on_the_telephone_and_the_call_still_decides(flare, nurse):
    other = queries.times_to_choose(flare.case)[0]
    assert contacts.give_time(flare.case, slot=other, by=nurse, for_patient=True).state == "held"


def test_nobody_chooses_a_time_of_somebody_else(flare, anna, unit):
    neighbour = make.a_flare(make.a_patient(unit))
    with pytest.raises(clinic.SlotTaken):
        contacts.choose_time(flare.case, kept(neighbour).slot, by=anna.user)
    with pytest.raises(NotAllowed):
        contacts.choose_time(flare.case, kept(neighbour).slot, by=make.a_nurse(unit))


def test_nobody_chooses_a_time_after_the_promised_day_or_before_the_call(flare, anna, unit, doctor):
    late = make.urgent_times(unit, date(2026, 11, 27), 1, doctor=doctor).slots.get()
    early = make.urgent_times(unit, date(2026, 11, 23), 1, doctor=doctor).slots.get()  # 13:00, when the call is due
    for slot in (late, early):
        with pytest.raises(clinic.SlotTaken):
            contacts.choose_time(flare.case, slot, by=anna.user)


# no time suits


def test_no_time_suits_puts_the_case_before_the_coordinator_and_keeps_the_time(flare, anna):
    for _twice in range(2):
        contacts.no_time_suits(flare.case, by=anna.user, words="Only after 15, please")
    assert case_of(flare).shortage == "needs_a_time"
    assert [(each.kind, each.text) for each in flare.additions.all()] == [("no_time_suits", "Only after 15, please")]
    assert kept(flare).state == "held"
    contacts.book(flare.id)
    assert case_of(flare).shortage == "needs_a_time"


def test_no_time_suits_after_the_call_is_owed_another(flare, anna, nurse):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    contacts.no_time_suits(flare.case, by=anna.user)
    assert (case_of(flare).step, case_of(flare).shortage) == ("call_booked", "needs_a_time")
    assert kept(flare).state == "booked"
    # The nurse finds that the time does after all: it stays booked.
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    assert (case_of(flare).step, case_of(flare).shortage) == ("clinic_time", "")


def test_a_time_that_was_given_back_is_not_held_again_before_somebody_has_rung(flare, anna, unit):
    contacts.no_time_suits(flare.case, by=anna.user)
    contacts.cancel_time(kept(flare), by=anna.user)
    assert shortages.units_with_hope() == []
    contacts.ask_again(unit.id)
    assert not Appointment.objects.filter(case=flare.case).live().exists()
    assert case_of(flare).shortage == "needs_a_time"


def test_another_time_ends_the_risk(flare, anna):
    contacts.no_time_suits(flare.case, by=anna.user)
    contacts.give_time(flare.case, slot=queries.times_to_choose(flare.case)[0], by=anna.user)
    assert case_of(flare).at_risk_since is None


# cancelling


@pytest.mark.parametrize(("needs_help", "step"), [(True, "call_booked"), (False, "closed")])
def test_a_patient_who_gives_the_time_back_is_rung_if_they_need_help(flare, anna, nurse, needs_help, step):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    booked = kept(flare)
    for _twice in range(2):
        contacts.cancel_time(booked, by=anna.user, needs_help=needs_help)
    assert case_of(flare).step == step
    assert flare.additions.filter(kind="needs_no_help").count() == (0 if needs_help else 1)
    assert told(flare, "slot-cancelled") == 0


@pytest.mark.parametrize(("times", "same"), [(2, False), (1, True)])
def test_the_time_just_given_back_is_held_again_only_where_it_is_the_only_one(unit, anna, nurse, doctor, times, same):
    make.urgent_times(unit, TUESDAY, times, doctor=doctor)
    contact = make.a_flare(anna)
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time")
    gone = kept(contact)
    contacts.cancel_time(gone, by=anna.user)
    contacts.book(contact.id)  # the worker
    assert (kept(contact).slot_id == gone.slot_id) is same


def test_giving_back_the_kept_time_closes_nothing_while_a_call_is_owed(flare, anna):
    contacts.cancel_time(kept(flare), by=anna.user, needs_help=False)
    assert case_of(flare).step == "call_booked"


def test_the_clinic_cancels_and_another_time_is_held_before_the_nurse_rings(flare, unit, nurse, doctor):
    make.urgent_times(unit, WEDNESDAY, 1, doctor=doctor)
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    booked = kept(flare)
    contacts.cancel_time(booked, by=nurse, slot_goes=True, why="The doctor is ill")
    contacts.book(flare.id)  # the worker
    assert case_of(flare).step == "call_booked"
    assert kept(flare).state == "held"
    assert kept(flare).slot_id != booked.slot_id
    assert told(flare, "slot-cancelled") == 1
    booked.slot.refresh_from_db()
    assert booked.slot.closed_at


def test_the_clinic_cancels_a_time_that_is_only_kept_and_keeps_another(flare, nurse):
    gone = kept(flare)
    contacts.cancel_time(gone, by=nurse, slot_goes=True, why="The room is closed")
    contacts.book(flare.id)
    assert kept(flare).slot_id != gone.slot_id
    assert flare.case.callbacks.count() == 1


def test_the_clinic_cancels_the_last_time_and_the_case_is_at_risk(unit, anna, nurse, doctor):
    make.urgent_times(unit, TUESDAY, 1, doctor=doctor)
    contact = make.a_flare(anna)
    contacts.cancel_time(kept(contact), by=nurse, slot_goes=True, why="The doctor is ill")
    contacts.book(contact.id)
    assert case_of(contact).shortage == "no_time_left"


# came, or did not


def test_a_missed_time_is_rung_about_and_the_patient_is_told(flare, nurse, unit, doctor):
    make.urgent_times(unit, WEDNESDAY, 1, doctor=doctor)
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    booked = kept(flare)
    with clock.turned(on(TUESDAY, 14)):
        for _twice in range(2):
            contacts.mark_visit(booked, "missed", by=nurse)
        contacts.book(flare.id)
    assert case_of(flare).step == "call_booked"
    assert flare.case.callbacks.filter(state="waiting").count() == 1
    assert told(flare, "time-missed") == 1
    assert kept(flare).state == "held"


def test_times_that_nobody_marked_are_known(flare, unit, nurse):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    booked = kept(flare)
    for at, found in ((on(TUESDAY, 14), []), (on(TUESDAY, 14, 30), [booked]), (on(WEDNESDAY, 9), [booked])):
        with clock.turned(at):
            assert list(queries.unmarked(unit)) == found
    with clock.turned(on(WEDNESDAY, 9)):
        contacts.mark_visit(booked, "attended", by=nurse)
        assert list(queries.unmarked(unit)) == []
        assert list(queries.unmarked(make.a_unit())) == []


def test_no_request_is_cancelled_after_its_time_began(flare, nurse):
    held = kept(flare)
    with clock.turned(held.slot.starts_at + timedelta(minutes=1)), pytest.raises(clinic.TimeEnded):
        contacts.cancel_time(held, by=nurse)
