"""Times outside the weekly template: opened with a reason, turned urgent, closed."""

from datetime import date, datetime, timedelta

import pytest

from followup.clinic import services as clinic
from followup.clinic.models import Session, Slot
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed
from followup.core.models import Entry, Outbox
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TUESDAY = date(2026, 11, 24)


def at(unit, hour, minute=0, day=TUESDAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=unit.zone)


def opened(unit, doctor, by, hour=13, **more) -> Slot:
    starts = at(unit, hour)
    values = {"kind": "urgent", "why": "Two flares this morning", "ends_at": starts + timedelta(minutes=30)}
    return clinic.open_slot(unit=unit, person=doctor, starts_at=starts, by=by, **{**values, **more})


def test_a_time_opened_beside_the_session_gets_a_small_one_of_its_own(unit, doctor, eva):
    slot = opened(unit, doctor, eva, room="room 2")
    assert (slot.kind, slot.opened_why, slot.session.room) == ("urgent", "Two flares this morning", "room 2")
    assert (slot.session.starts_at, slot.session.ends_at) == (slot.starts_at, slot.ends_at)
    assert Entry.objects.get(verb="slot.opened").why == "Two flares this morning"
    assert Outbox.objects.get(topic="clinic.time_freed").payload == {"unit_id": str(unit.id)}


def test_overbooking_stands_in_the_session_beside_the_time_it_lies_over(unit, doctor, eva):
    session = make.urgent_times(unit, TUESDAY, 2, doctor=doctor)
    slot = opened(unit, doctor, eva)
    assert slot.session == session
    assert session.slots.filter(starts_at=slot.starts_at).count() == 2


def test_said_twice_it_is_one_time(unit, doctor, eva):
    assert opened(unit, doctor, eva).id == opened(unit, doctor, eva, why="  Two flares  this morning").id
    assert Session.objects.count() == Slot.objects.count() == 1
    assert Entry.objects.filter(verb="slot.opened").count() == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"why": " "}, "why"), ({"why": "x" * 201}, "why"), ({"kind": "tea"}, "kind"), ({"hour": 6}, "start")],
)
def test_what_is_missing_is_named(wrong, field, unit, doctor, eva):
    with clock.turned(at(unit, 7)), pytest.raises(Invalid) as refused:
        opened(unit, doctor, eva, **wrong)
    assert list(refused.value.errors) == [field]
    assert not Session.objects.exists()


def test_nobody_of_another_unit_is_given_patients(unit, eva):
    with pytest.raises(Invalid) as refused:
        opened(unit, make.a_clinician(make.a_unit()), eva)
    assert list(refused.value.errors) == ["person"]


def test_a_nurse_may_overbook_but_does_not_change_what_the_times_are_for(unit, doctor):
    nurse = make.a_nurse(unit)
    make.urgent_times(unit, TUESDAY, 1, kind="revisit", doctor=doctor)
    assert opened(unit, doctor, nurse)
    free = Slot.objects.get(kind="revisit")
    for verb in (clinic.turn_urgent, clinic.close_slot):
        with pytest.raises(NotAllowed):
            verb(free, by=nurse, why="Because")


def test_a_free_revisit_time_becomes_urgent_once(unit, doctor, eva):
    make.urgent_times(unit, TUESDAY, 1, kind="revisit", doctor=doctor)
    Outbox.objects.all().delete()
    for _ in range(2):
        turned = clinic.turn_urgent(Slot.objects.get(), by=eva, why="None left on Tuesday")
    assert (turned.kind, turned.opened_why) == ("urgent", "None left on Tuesday")
    assert Entry.objects.filter(verb="slot.turned_urgent").count() == 1
    assert Outbox.objects.filter(topic="clinic.time_freed").count() == 1


def test_a_time_that_somebody_has_stays_what_it_is(unit, doctor, eva):
    make.urgent_times(unit, TUESDAY, 1, kind="revisit", doctor=doctor)
    slot = Slot.objects.get()
    clinic.give(slot, case=make.a_flare(make.a_patient(unit), booked=False).case, by=make.TESTS)
    for verb in (clinic.turn_urgent, clinic.close_slot):
        with pytest.raises(clinic.SlotTaken):
            verb(slot, by=eva, why="Because")


def test_a_planning_time_does_not_become_urgent(unit, doctor, eva):
    make.urgent_times(unit, TUESDAY, 1, kind="planning", doctor=doctor)
    with pytest.raises(clinic.NotARevisit):
        clinic.turn_urgent(Slot.objects.get(), by=eva, why="Because")


def test_a_closed_time_is_given_to_nobody(unit, doctor, eva):
    make.urgent_times(unit, TUESDAY, 1, doctor=doctor)
    slot = Slot.objects.get()
    for _ in range(2):
        assert clinic.close_slot(slot, by=eva, why="Meeting").closed_at
    case = make.a_flare(make.a_patient(unit), booked=False).case
    # `slot` was read before it closed, as on a page that has been open for a while.
    with pytest.raises(clinic.SlotTaken):
        clinic.give(slot, case=case, by=make.TESTS)
