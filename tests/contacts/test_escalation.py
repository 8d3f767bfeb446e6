"""What cannot wait until somebody opens a page is told outside it, again and again, until it is taken."""

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from followup.clinic import services as clinic
from followup.contacts import escalations
from followup.contacts import services as contacts
from followup.contacts.models import Escalation
from followup.core import clock, outbox
from followup.core.models import Outbox
from followup.messages.models import Message
from followup.people.models import Unit, User
from tests import factories as make

pytestmark = pytest.mark.django_db

TUESDAY = date(2026, 11, 24)


@pytest.fixture
def unit(monday):
    return make.a_unit()


@pytest.fixture
def karin(unit):
    """The nurse in charge today."""
    nurse = make.a_nurse(unit, "Karin")
    nurse.email, nurse.phone = "karin@example.org", "+46701740601"
    nurse.save()
    at = make.MONDAY_MORNING
    clinic.add_session(
        unit=unit,
        person=nurse,
        kind="nurse_line",
        starts_at=at - timedelta(hours=1),
        ends_at=at + timedelta(hours=7),
        in_charge=True,
        by=make.TESTS,
    )
    return nurse


@pytest.fixture
def eva(unit):
    coordinator = make.a_coordinator(unit)
    coordinator.email = "eva@example.org"
    coordinator.save()
    return coordinator


@pytest.fixture
def on_call(unit):
    unit.on_call_email, unit.on_call_phone = "sunday@example.org", "+46701740699"
    unit.save()


def swept() -> None:
    for pair in escalations.to_tell():
        contacts.escalate(*pair)


def worked() -> None:
    while waiting := list(Outbox.objects.filter(done_at=None).values_list("id", flat=True)):
        outbox.handle(waiting)


def told() -> list[tuple[str, str]]:
    rows = Message.objects.filter(template="staff-escalation")
    return sorted(rows.values_list("channel", "to"))


KARIN = [("email", "karin@example.org"), ("sms", "+46701740601")]
EVA = [("email", "eva@example.org")]
ON_CALL = [("email", "sunday@example.org"), ("sms", "+46701740699")]


def a_red_flag(unit, **more):
    return make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_pain"]}, **more)


def test_a_red_flag_is_told_at_once_to_the_nurse_in_charge_without_a_word_of_the_patient(unit, karin, eva):
    make.urgent_times(unit, TUESDAY, 1)
    contact = a_red_flag(unit)
    worked()
    assert told() == KARIN
    said = Message.objects.filter(template="staff-escalation", channel="sms").get()
    assert contact.case.reference in said.body
    assert "/desk/alerts/" in said.body
    assert said.patient is None
    assert not {"Anna", "Berg", "pain"} & set(said.body.split())


def test_it_is_repeated_until_somebody_takes_the_call_and_no_longer(unit, karin, monday):
    make.urgent_times(unit, TUESDAY, 1)
    contact = a_red_flag(unit)
    swept()
    swept()
    assert told() == KARIN
    with clock.turned(monday + timedelta(minutes=31)):
        swept()
        assert len(told()) == 4
        make.a_call_with(karin, contact)
        swept()
    row = Escalation.objects.get(case=contact.case)
    assert (row.cause, row.times_told, row.ended_at is not None) == ("red_flag", 2, True)
    with clock.turned(monday + timedelta(minutes=70)):
        swept()
    assert len(told()) == 4


def test_it_is_not_repeated_for_ever(unit, karin, monday):
    make.urgent_times(unit, TUESDAY, 1)
    a_red_flag(unit)
    for half_hours in range(9):
        with clock.turned(monday + timedelta(minutes=31 * half_hours)):
            swept()
    assert Escalation.objects.get(cause="red_flag").times_told == 6


def test_on_a_sunday_it_goes_to_the_address_for_sundays_at_night_too(unit, karin, eva, on_call):
    with clock.turned(datetime(2026, 11, 22, 2, 0, tzinfo=UTC)):
        make.urgent_times(unit, TUESDAY, 1)
        a_red_flag(unit)
        worked()
        assert told() == ON_CALL
        assert all(row.due_at <= clock.now() for row in Message.objects.filter(template="staff-escalation"))


def test_on_a_sunday_without_such_an_address_whoever_can_be_reached_is_told(unit, eva):
    with clock.turned(make.SUNDAY_EVENING):
        make.urgent_times(unit, TUESDAY, 1)
        a_red_flag(unit)
        worked()
    assert told() == EVA


def test_a_shortage_is_told_to_the_coordinator_too(unit, karin, eva):
    contact = make.a_flare(make.a_patient(unit))
    worked()
    assert told() == sorted(KARIN + EVA)
    make.urgent_times(unit, TUESDAY, 1)
    contacts.ask_again(unit.id)
    swept()
    assert Escalation.objects.get(case=contact.case).ended_at


def test_a_call_half_an_hour_late_is_told_in_open_hours_only(unit, karin, on_call, monday):
    make.a_flare(make.a_patient(unit), reason="other")
    due = monday + timedelta(days=1, hours=7, minutes=30)
    late = make.Callback.objects.get(unit=unit)
    make.Callback.objects.filter(id=late.id).update(due=due)
    for after, messages in ((29, 0), (31, 0), (17 * 60, 2)):
        with clock.turned(due + timedelta(minutes=after)):
            swept()
        assert len(told()) == messages, after


def test_a_flare_up_that_nobody_reached_is_told_and_other_requests_are_not(unit, karin, monday):
    make.urgent_times(unit, TUESDAY, 1)
    flare, other = make.a_flare(make.a_patient(unit)), make.a_flare(make.a_patient(unit), reason="other")
    for contact in (flare, other):
        make.Callback.objects.filter(case=contact.case).update(decide_since=monday)
    swept()
    assert set(Escalation.objects.values_list("case", "cause")) == {(flare.case_id, "to_decide")}


def test_a_held_time_that_is_near_is_told_until_somebody_takes_the_call(unit, karin):
    unit.on_call_email = "sunday@example.org"
    unit.save()
    make.urgent_times(unit, TUESDAY, 1)
    contact = make.a_flare(make.a_patient(unit))
    near = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    for call in make.Callback.objects.filter(case=contact.case):
        make.Callback.objects.filter(id=call.id).update(due=near + timedelta(hours=1))
    with clock.turned(near):
        assert (contact.case_id, "held_time_near") in escalations.to_tell()
        make.a_call_with(karin, contact)
        assert not escalations.to_tell()


def test_where_nobody_has_an_address_nobody_is_told_and_the_first_address_is_used(unit):
    contact = make.a_flare(make.a_patient(unit))
    swept()
    assert (told(), escalations.silence(unit)) == ([], "nobody")
    unit.on_call_email = "sunday@example.org"
    unit.save()
    contacts.escalate(contact.case_id, "at_risk")
    assert told() == ON_CALL[:1]
    assert escalations.silence(unit) == ""


def test_only_an_address_for_open_hours_is_half_an_answer(unit, eva):
    assert escalations.silence(unit) == "closed"


def test_the_console_takes_the_addresses_when_a_unit_and_its_people_begin(monday):
    call_command(
        *("create_unit", "Sjö", "--programme", "ibd", "--timezone", "Europe/Stockholm"),
        *("--on-call-email", "jour@example.org", "--on-call-phone", "070-174 06 05"),
        stdout=StringIO(),
    )
    unit = Unit.objects.get(name="Sjö")
    assert (unit.on_call_email, unit.on_call_phone) == ("jour@example.org", "+46701740605")
    staff = ("create_staff", "karin", "--role", "wall", "--unit", "Sjö")
    with pytest.raises(CommandError, match="12"):
        call_command(*staff, "--phone", "12")
    call_command(*staff, "--phone", "070-174 06 06", "--email", "karin@example.org", stdout=StringIO())
    karin = User.objects.get(username="karin")
    assert (karin.email, karin.phone) == ("karin@example.org", "+46701740606")
