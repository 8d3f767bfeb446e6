"""No time is left: who is told what, the ways out, and who is asked again when a time falls free."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from followup.cases.models import Case, Shortage
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.contacts import services as contacts
from followup.contacts import shortages
from followup.core import clock, outbox
from followup.core.errors import Invalid, NotAllowed
from followup.core.models import Entry, Outbox
from followup.messages.models import Message
from tests import factories as make

pytestmark = pytest.mark.django_db

TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (24, 25, 26))


@pytest.fixture
def unit(monday):
    return make.a_unit()


def told(contact) -> list[str]:
    return make.texts_of(case_id=contact.case_id)


def shortage_of(contact) -> str:
    return Case.objects.get(id=contact.case_id).shortage


def kept(contact) -> Appointment:
    return Appointment.objects.filter(case=contact.case).kept().get()


def worked() -> None:
    outbox.handle(Outbox.objects.filter(done_at=None).values_list("id", flat=True))


def a_refused(unit, **request):
    contact = make.a_flare(make.a_patient(unit), **request)
    assert shortage_of(contact) == Shortage.NOTHING_TO_HOLD
    return contact


def way(contact) -> str:
    return Entry.objects.filter(case_id=contact.case_id, verb="contact.way_out").latest("id").detail["way"]


def test_a_free_revisit_time_is_kept_while_the_call_is_owed(unit, eva):
    contact = a_refused(unit)
    make.urgent_times(unit, TUESDAY, 1, kind="revisit")
    slot = shortages.earliest_for_each([contact.case])[contact.case_id]
    for _ in range(2):
        assert contacts.take_time(contact.case, slot, by=eva).slot_id == slot.id
    assert kept(contact).state == "held"
    assert shortage_of(contact) == ""
    assert told(contact) == ["request-received", "time-kept"]
    assert way(contact) == "revisit"


@pytest.mark.parametrize(("begins", "waits"), [(time(9), False), (time(13), True)])
def test_a_time_given_by_night_is_told_at_once_if_the_morning_is_too_late(unit, eva, begins, waits):
    contact = a_refused(unit)
    make.urgent_times(unit, TUESDAY, 1, first=begins)
    at = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    with clock.turned(at):
        contacts.take_time(contact.case, Slot.objects.get(unit=unit), by=eva)
    assert (Message.objects.get(template="time-kept", channel="sms").due_at > at) is waits


def test_after_the_call_the_time_is_booked(unit, eva, karin):
    contact = a_refused(unit)
    doctor = make.a_clinician(unit)
    contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="clinician_asked", to=doctor, note="MRI?")
    Case.objects.filter(id=contact.case_id).update(at_risk_since=clock.now(), shortage="needs_a_time")
    make.urgent_times(unit, TUESDAY, 1, kind="revisit")
    contacts.take_time(contact.case, Slot.objects.get(unit=unit), by=eva)
    assert kept(contact).state == "booked"
    assert told(contact)[-1] == "slot-confirmed"


def test_a_time_after_the_promised_day_needs_a_reason(unit, eva):
    contact = a_refused(unit)
    make.urgent_times(unit, date(2026, 11, 27), 1)
    slot = Slot.objects.get(unit=unit)
    assert shortages.ways_for(contact.case) == shortages.Ways([], [slot])
    with pytest.raises(Invalid):
        contacts.take_time(contact.case, slot, by=eva, why=" ")
    contacts.take_time(contact.case, slot, by=eva, why="She asked for Friday herself")
    assert kept(contact).slot_id == slot.id


def test_only_whoever_manages_times_takes_one_away_from_the_plan(unit, karin):
    contact = a_refused(unit)
    make.urgent_times(unit, TUESDAY, 1, kind="revisit")
    with pytest.raises(NotAllowed):
        contacts.take_time(contact.case, Slot.objects.get(unit=unit), by=karin)


def test_two_at_risk_are_never_shown_the_same_time(unit):
    first, second = a_refused(unit), a_refused(unit)
    make.urgent_times(unit, TUESDAY, 1, kind="revisit")
    assert set(shortages.earliest_for_each([first.case, second.case])) == {first.case_id}


@pytest.fixture
def one_time(unit):
    """A single urgent time on Tuesday, kept for somebody else."""
    make.urgent_times(unit, TUESDAY, 1)
    return make.a_flare(make.a_patient(unit, given_name="Bo"))


def test_a_kept_time_is_traded_and_who_gave_it_up_is_at_risk_and_told(unit, eva, one_time):
    contact = a_refused(unit)
    theirs = kept(one_time)
    [offered] = shortages.tradable_for(contact.case)
    assert (offered.appointment, offered.instead) == (theirs, None)
    for _ in range(2):
        contacts.trade(contact.case, theirs, by=eva, why="She is worse")
    assert kept(contact).slot_id == theirs.slot_id
    assert (shortage_of(contact), shortage_of(one_time)) == ("", Shortage.NOTHING_TO_HOLD)
    assert told(one_time) == ["request-received", "time-kept", "slot-cancelled"]
    assert told(contact)[-1] == "time-kept"
    assert not contacts.check_steps()


def test_who_gives_up_a_time_gets_the_next_that_suits(unit, eva, one_time, monday):
    contact = a_refused(unit)
    make.urgent_times(unit, WEDNESDAY, 1, first=time(9, 0))
    [offered] = shortages.tradable_for(contact.case)
    assert offered.instead.starts_at.date() == WEDNESDAY
    contacts.trade(contact.case, kept(one_time), by=eva, why="She is worse")
    assert kept(one_time).slot == offered.instead
    assert shortage_of(one_time) == ""
    assert told(one_time)[-1] == "time-kept"


def test_who_had_it_booked_is_owed_a_call(unit, eva, karin, one_time):
    contacts.finish(make.a_call_with(karin, one_time), by=karin, outcome="clinic_time")
    contact = a_refused(unit)
    contacts.trade(contact.case, kept(one_time), by=eva, why="She is worse")
    one_time.case.refresh_from_db()
    assert one_time.case.step == "call_booked"
    assert told(one_time)[-1] == "slot-cancelled"


def test_a_time_that_is_no_longer_theirs_cannot_be_traded(unit, eva, karin, one_time):
    contact = a_refused(unit)
    theirs = kept(one_time)
    contacts.finish(make.a_call_with(karin, one_time), by=karin, outcome="self_care", call_again_on=THURSDAY)
    with pytest.raises(clinic.SlotTaken):
        contacts.trade(contact.case, theirs, by=eva, why="She is worse")


def test_those_who_can_wait_best_stand_first(unit, one_time):
    make.urgent_times(unit, TUESDAY, 1, first=time(9, 0))
    flagged = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_fever"]})
    contact = a_refused(unit)
    assert [each.contact for each in shortages.tradable_for(contact.case)] == [one_time, flagged]


def test_a_time_is_opened_with_a_reason_and_kept_at_once(unit, karin):
    contact = a_refused(unit)
    doctor = make.a_clinician(unit)
    start = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    asked = {"person": doctor, "starts_at": start, "ends_at": start + timedelta(minutes=30), "by": karin}
    with pytest.raises(Invalid):
        contacts.open_time(contact.case, why="", **asked)
    assert not Slot.objects.filter(unit=unit).exists()
    for _ in range(2):
        contacts.open_time(contact.case, why="Must be seen", **asked)
    assert kept(contact).slot.opened_why == "Must be seen"
    assert (shortage_of(contact), way(contact)) == ("", "opened")


def test_a_second_way_out_for_the_same_case_is_refused(unit, eva):
    contact = a_refused(unit)
    make.urgent_times(unit, TUESDAY, 2, kind="revisit")
    first, second = Slot.objects.filter(unit=unit)
    contacts.take_time(contact.case, first, by=eva)
    with pytest.raises(contacts.HasATime):
        contacts.take_time(contact.case, second, by=eva)


# A time falls free


def test_a_time_that_is_let_go_is_kept_for_who_was_refused(unit, karin, one_time):
    contact = a_refused(unit)
    slot = kept(one_time).slot
    contacts.finish(make.a_call_with(karin, one_time), by=karin, outcome="self_care", call_again_on=THURSDAY)
    worked()
    assert kept(contact).slot_id == slot.id
    assert shortage_of(contact) == ""
    assert "time-kept" in told(contact)  # in the same moment as the answer to the request: either may come first
    assert way(contact) == "freed"


def test_who_must_be_seen_is_asked_first_then_the_earliest_promise(unit, karin):
    with clock.turned(make.SUNDAY_EVENING):
        earlier = a_refused(unit)
    later, spoken_with = a_refused(unit), a_refused(unit)
    contacts.needs_a_time(make.a_call_with(karin, spoken_with), by=karin)
    make.urgent_times(unit, TUESDAY, 1)
    for expected in (spoken_with, earlier, later):
        assert contacts.ask_again(unit.id) == 1
        assert contacts.ask_again(unit.id) == 0
        assert shortage_of(expected) == ""
        make.urgent_times(unit, TUESDAY, 1)


def test_who_was_promised_nothing_and_must_be_seen_is_asked_again_too(unit, karin):
    contact = make.a_flare(make.a_patient(unit), reason="worry")
    contacts.needs_a_time(make.a_call_with(karin, contact), by=karin)
    make.urgent_times(unit, TUESDAY, 1)
    assert contacts.ask_again(unit.id) == 1
    assert kept(contact).state == "held"


def test_nothing_is_kept_for_who_was_answered_meanwhile(unit, karin):
    contact = a_refused(unit)
    contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="self_care", call_again_on=THURSDAY)
    make.urgent_times(unit, TUESDAY, 1)
    assert contacts.ask_again(unit.id) == 0


def test_a_lost_announcement_is_found_by_the_sweep(unit):
    contact = a_refused(unit)
    assert unit.id not in shortages.units_with_hope()
    make.urgent_times(unit, THURSDAY, 1)
    assert unit.id in shortages.units_with_hope()
    contacts.ask_again(unit.id)
    assert shortage_of(contact) == ""
    assert unit.id not in shortages.units_with_hope()


def test_who_must_be_seen_is_not_made_less_by_their_own_words(unit, karin):
    contact = a_refused(unit)
    contacts.needs_a_time(make.a_call_with(karin, contact), by=karin)
    contacts.book(contact.id)
    assert shortage_of(contact) == Shortage.NEEDS_A_TIME
