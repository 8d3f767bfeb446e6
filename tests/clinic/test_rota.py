"""The weekly template, and the units and staff that the console makes."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from followup.clinic import services as clinic
from followup.clinic.models import Session, Slot
from followup.core import clock
from followup.people.models import Unit, User
from tests import factories as make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def sunday():
    with clock.turned(make.SUNDAY_EVENING):
        yield


def test_six_weeks_with_urgent_times_on_every_working_day():
    unit = make.a_unit()
    make.a_clinician(unit)
    clinic.lay_out(unit, by=make.TESTS)
    days: dict[date, list[str]] = {}
    for slot in Slot.objects.order_by("starts_at"):
        days.setdefault(slot.starts_at.astimezone(unit.zone).date(), []).append(slot.kind)
    expected = [MONDAY + timedelta(days=n) for n in range(42)]
    assert list(days) == [day for day in expected if unit.hours.spans(day)]
    for kinds in days.values():
        assert (kinds.count("urgent"), kinds.count("revisit"), kinds.count("planning")) == (3, 4, 1)


def test_nobody_sits_there_on_christmas_day():
    unit = make.a_unit()
    make.a_nurse(unit)
    clinic.lay_out(unit, by=make.TESTS)
    assert not Session.objects.filter(starts_at__date__in=[date(2026, 12, 25), date(2027, 1, 1)]).exists()


def test_each_day_has_one_nurse_in_charge_and_they_take_turns():
    unit = make.a_unit()
    nurses = [make.a_nurse(unit), make.a_nurse(unit)]
    clinic.lay_out(unit, by=make.TESTS)
    leading = Session.objects.filter(in_charge=True).order_by("starts_at")
    days = [session.starts_at.date() for session in leading]
    assert len(days) == len(set(days)) == Session.objects.count() / 2
    assert {session.person_id for session in leading} == {nurse.id for nurse in nurses}


def test_laid_again_nothing_is_doubled_and_what_was_closed_stays_closed():
    unit = make.a_unit()
    make.a_nurse(unit)
    make.a_clinician(unit)
    assert clinic.lay_out(unit, by=make.TESTS) > 0
    Session.objects.filter(kind="clinic").update(closed_at=clock.now())
    assert clinic.lay_out(unit, by=make.TESTS) == 0
    with clock.turned(make.SUNDAY_EVENING + timedelta(days=7)):
        assert clinic.lay_out(unit, by=make.TESTS) == 2 * 4, "6 January is a holiday"
    assert not Session.objects.filter(
        kind="clinic", closed_at=None, starts_at__lt=datetime(2027, 1, 4, tzinfo=UTC)
    ).exists()


def test_a_unit_that_opens_at_noon_has_no_times_in_the_morning():
    unit = make.a_unit(weekly_hours={"0": [["12:00", "16:00"]]})
    make.a_clinician(unit)
    clinic.lay_out(unit, by=make.TESTS)
    starts = {slot.starts_at.astimezone(unit.zone).hour for slot in Slot.objects.all()}
    assert starts == {13, 14, 15}


# the console


def console(*words: str, typed: str = "", monkeypatch=None) -> str:
    said = io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    call_command(*words, stdout=said)
    return said.getvalue()


def a_new_unit(name="Mottagning 4", timezone="Europe/Stockholm") -> Unit:
    console("create_unit", name, "--programme", "ibd", "--timezone", timezone)
    return Unit.objects.get(name=name)


def test_a_swedish_unit_is_closed_on_the_eves_and_dials_at_home():
    unit = a_new_unit()
    assert unit.weekly_hours["4"] == [["08:00", "16:30"]]
    assert unit.country_codes[0] == 46
    assert (unit.language, unit.emergency_number, unit.advice_number) == ("sv", "112", "1177")
    for day in (date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 31), date(2027, 6, 25)):
        assert not unit.hours.spans(day)
    assert unit.hours.spans(date(2026, 12, 23))


def test_a_british_unit_has_its_own_holidays_and_numbers():
    unit = a_new_unit(timezone="Europe/London")
    assert (unit.holidays[:2], unit.emergency_number, unit.country_codes[0], unit.language) == ("GB", "999", 44, "en")
    assert not unit.hours.spans(date(2026, 12, 28)), "Boxing Day falls on a Saturday, so Monday is given instead"
    assert unit.hours.spans(date(2026, 12, 24))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Mottagning 4", "--programme", "nothing", "--timezone", "Europe/Stockholm"), "nothing"),
        (("Mottagning 4", "--programme", "ibd", "--timezone", "Europe/Eksjo"), "no time zone"),
        (("Mottagning 3", "--programme", "ibd", "--timezone", "Europe/Stockholm"), "there already"),
    ],
)
def test_what_cannot_be_is_said_in_plain_words_and_changes_nothing(words, said):
    a_new_unit("Mottagning 3")
    with pytest.raises(CommandError, match=said):
        console("create_unit", *words)
    assert Unit.objects.count() == 1


def test_somebody_new_comes_with_their_part_of_the_rota(monkeypatch):
    unit = a_new_unit()
    assert not Session.objects.exists()
    words = ("create_staff", "sara", "--role", "clinician", "--unit", unit.name, "--name", "Sara Dahl")
    said = console(*words, typed="correct horse battery\n", monkeypatch=monkeypatch)
    sara = User.objects.get(username="sara")
    assert sara.check_password("correct horse battery")
    assert "correct horse" not in said
    assert sara.sessions.count() == Session.objects.count() > 20
    console(
        "create_staff",
        "stina",
        "--role",
        "nurse",
        "--unit",
        unit.name,
        typed="another long one\n",
        monkeypatch=monkeypatch,
    )
    assert set(User.objects.get(username="stina").sessions.values_list("kind", flat=True)) == {"nurse_line"}


def test_a_password_that_nobody_gives_is_made_and_printed_once(monkeypatch):
    unit = a_new_unit()
    said = console("create_staff", "sara", "--role", "nurse", "--unit", unit.name, monkeypatch=monkeypatch)
    made = said.split("shown this once: ")[1].strip()
    assert len(made) >= 12
    assert User.objects.get(username="sara").check_password(made)


@pytest.mark.parametrize("role", ["wall", "system"])
def test_a_screen_or_a_system_never_signs_in_with_a_password(monkeypatch, role):
    unit = a_new_unit()
    said = console("create_staff", "thing", "--role", role, "--unit", unit.name, monkeypatch=monkeypatch)
    assert not User.objects.get(username="thing").has_usable_password()
    assert "followup token thing" in said


@pytest.mark.parametrize(
    ("role", "unit", "typed", "said"),
    [
        ("gardener", "Mottagning 4", "", "no role gardener"),
        ("nurse", "Mottagning 9", "", "no unit Mottagning 9"),
        ("nurse", "Mottagning 4", "short\n", "short"),
    ],
)
def test_a_mistake_is_said_in_plain_words_and_nobody_is_made(monkeypatch, role, unit, typed, said):
    a_new_unit()
    with pytest.raises(CommandError, match=said):
        console("create_staff", "sara", "--role", role, "--unit", unit, typed=typed, monkeypatch=monkeypatch)
    assert not User.objects.exists()
