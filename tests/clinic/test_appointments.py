"""One time, from free to given: what is looked at, held, moved, let go; and that letting go is told of."""

from datetime import date, timedelta

import pytest

from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.core import clock
from followup.core.models import Outbox
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TUESDAY = date(2026, 11, 24)


@pytest.fixture
def slots(unit):
    make.urgent_times(unit, TUESDAY, 3)
    return list(Slot.objects.filter(unit=unit).order_by("starts_at"))


@pytest.fixture
def case(unit):
    return make.a_flare(make.a_patient(unit), booked=False).case


def freed(unit):
    """How often it was told since the session was added, which tells of it too."""
    return Outbox.objects.filter(topic="clinic.time_freed", payload__unit_id=str(unit.id)).count() - 1


def free(unit):
    at = clock.now()
    return list(times.free_slots(unit, start=at, end=at + timedelta(days=3)))


def hold(case, earliest=None):
    at = clock.now()
    return clinic.hold_earliest(case=case, earliest=earliest or at, before=at + timedelta(days=3), by=make.TESTS)


def test_a_time_that_is_let_go_is_told_of(unit, slots, case):
    hold(case)
    assert freed(unit) == 0
    clinic.release(case=case, why="declined", by=make.TESTS)
    assert freed(unit) == 1
    assert free(unit) == slots


def test_a_time_that_falls_away_is_free_for_nobody_and_told_of_to_nobody(unit, slots, case):
    hold(case)
    clinic.release(case=case, why="cancelled", by=make.TESTS, slot_goes=True)
    assert free(unit) == slots[1:]
    assert freed(unit) == 0


def test_a_held_time_moves_to_a_later_one_or_stays(unit, slots, case):
    held = hold(case)
    at = clock.now()
    moved = clinic.hold_later(
        case=case, earliest=slots[2].starts_at, before=at + timedelta(days=3), why="late", by=make.TESTS
    )
    assert moved.slot == slots[2]
    assert Appointment.objects.get(id=held.id).state == "released"
    with pytest.raises(clinic.NoTimeWithinPromise):
        clinic.hold_later(
            case=case, earliest=slots[2].ends_at, before=at + timedelta(days=3), why="late", by=make.TESTS
        )
    assert Appointment.objects.kept().get(case=case) == moved
    assert freed(unit) == 1


def test_a_booked_time_does_not_move_by_itself(slots, case):
    clinic.give(slots[0], case=case, by=make.TESTS)
    with pytest.raises(clinic.TimeEnded):
        clinic.hold_later(case=case, earliest=slots[1].starts_at, before=slots[2].ends_at, why="late", by=make.TESTS)


def test_a_choice_ends_by_itself_and_costs_only_the_time(unit, slots, case):
    hold(case)
    choice = clinic.hold_choice(slots[1], case=case, by=make.TESTS)
    assert times.of_case(case.id).slot == slots[0]
    clinic.lapse_choice(choice.id, by=make.TESTS)
    assert free(unit) == [slots[2]]
    with clock.turned(clock.now() + clinic.CHOICE):
        assert times.lapsed_choices() == [choice.id]
        clinic.lapse_choice(choice.id, by=make.TESTS)
    assert free(unit) == slots[1:]
    assert times.of_case(case.id).slot == slots[0]


def test_a_choice_of_somebody_else_is_taken(unit, slots, case):
    clinic.hold_choice(slots[1], case=case, by=make.TESTS)
    neighbour = make.a_flare(make.a_patient(unit), booked=False).case
    for take in (clinic.give, clinic.hold_choice):
        with pytest.raises(clinic.SlotTaken):
            take(slots[1], case=neighbour, by=make.TESTS)


def test_what_was_chosen_becomes_theirs_and_other_looks_end(unit, slots, case):
    hold(case)
    choice = clinic.hold_choice(slots[1], case=case, by=make.TESTS)
    given = clinic.give(slots[1], case=case, by=make.TESTS)
    assert (given.id, given.state, given.choice_until) == (choice.id, "booked", None)
    clinic.hold_choice(slots[2], case=case, by=make.TESTS)
    assert clinic.give(slots[0], case=case, by=make.TESTS).state == "booked"
    assert free(unit) == slots[1:]


def test_a_time_that_was_closed_or_has_begun_is_not_looked_at(slots, case):
    Slot.objects.filter(id=slots[0].id).update(closed_at=clock.now())
    slots[0].refresh_from_db()
    with pytest.raises(clinic.SlotTaken):
        clinic.hold_choice(slots[0], case=case, by=make.TESTS)
    with clock.turned(slots[1].starts_at), pytest.raises(clinic.SlotTaken):
        clinic.hold_choice(slots[1], case=case, by=make.TESTS)


def test_confirming_what_is_booked_leaves_it_booked(slots, case):
    booked = clinic.give(slots[0], case=case, by=make.TESTS)
    assert clinic.confirm(case=case, by=make.TESTS) == booked
