"""One flare-up from end to end: told from a phone on a Sunday evening, rung on Monday, and the same case on three screens."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from followup.cases.models import Case
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

SUNDAY = datetime(2027, 1, 17, 18, 0, tzinfo=UTC)  # 19:00 in Eksjö
MONDAY = datetime(2027, 1, 18, 7, 30, tzinfo=UTC)  # 08:30


@pytest.fixture
def clinic(unit, turn):
    """A unit on a Sunday evening, with urgent times on Tuesday and Wednesday."""
    turn(SUNDAY)
    doctor = make.a_clinician(unit)
    for day in (19, 20):
        make.urgent_times(unit, datetime(2027, 1, day).date(), 2, doctor=doctor)  # noqa: DTZ001  a day
    return SimpleNamespace(
        unit=unit,
        doctor=doctor,
        anna=make.a_patient(unit),
        karin=make.a_nurse(unit, "Karin Lund"),
        eva=make.a_coordinator(unit, "Eva Holm"),
    )


def case_of(patient) -> Case:
    return Case.objects.get(patient=patient, kind="contact")


def test_a_flare_up_on_a_sunday_is_rung_on_monday_and_gets_its_time(clinic, turn, visit):
    anna, board = visit(AtHome, PHONE), visit(AtTheClinic, DESKTOP)
    board.signs_in(clinic.eva)
    board.goes_to("/desk/board/")
    anna.signs_in(clinic.anna)

    # Sunday evening: she tells the clinic, and knows at once what happens.
    anna.feels_worse("Blood again since Friday, and I am tired.")
    anna.presses("Send to the nurse")
    anna.is_asked("We have your request")
    anna.sees(re.compile("before midday|before 12pm"))
    anna.sees(re.compile("Tuesday 19 January"))
    case = case_of(clinic.anna)
    anna.sees(case.reference)

    # The board on the third screen shows the case without being reloaded.
    row = board.page.get_by_role("row", name=re.compile(case.code))
    expect(row).to_be_visible(timeout=20_000)
    until(lambda: case_of(clinic.anna).step == "call_booked", within=20, what="the booking")
    assert Appointment.objects.get(case=case).state == "held"

    # Monday: the nurse takes the next call. The story is on one page, her own words first.
    turn(MONDAY)
    karin = visit(AtTheClinic, DESKTOP)
    karin.signs_in(clinic.karin)
    karin.goes_to("/desk/queue/")
    karin.presses("Take next call")
    karin.sees("Blood again since Friday, and I am tired.")
    karin.presses("I am ringing now")
    karin.sees("Try 1 of 3")
    assert case_of(clinic.anna).step == "ringing"

    # No outcome, no close; then the kept time becomes hers.
    karin.presses("Save")
    karin.sees("Choose what the call led to.")
    karin.page.get_by_role("radio", name="Clinic time").check()
    karin.page.get_by_label("What you agreed, for the patient").fill("We see you on Tuesday. Drink plenty until then.")
    karin.presses("Save")
    assert case_of(clinic.anna).step == "clinic_time"
    assert Appointment.objects.get(case=case).state == "booked"

    # She reads what was agreed, her time, and who has looked.
    again = visit(AtHome, PHONE)
    again.signs_in(clinic.anna)
    again.sees("We see you on Tuesday. Drink plenty until then.")
    again.sees(re.compile("Tuesday 19 January"))
    again.goes_to("/where/")
    again.goes_to("/who-looked/")
    again.sees("Karin Lund")
    again.goes_to("/messages/")
    assert contacts.check_steps() == []


def test_self_care_lets_the_time_go_and_the_patient_reads_the_advice(clinic, visit):
    contact = make.a_flare(clinic.anna)
    karin = visit(AtTheClinic, DESKTOP)
    karin.signs_in(clinic.karin)
    karin.presses("Take next call")
    karin.page.get_by_role("radio", name=re.compile("^Self-care")).check()
    karin.presses("Save")
    karin.sees("Say when they should call again")
    again_on = SUNDAY + timedelta(days=9)
    for label, value in (("Day", again_on.day), ("Month", again_on.month), ("Year", again_on.year)):
        karin.page.get_by_label(label, exact=True).fill(str(value))
    karin.page.get_by_role("checkbox").and_(karin.page.locator("[name=advice]")).first.check()
    karin.presses("Save")
    assert Appointment.objects.get(case=contact.case).state == "released"
    assert case_of(clinic.anna).step == "closed"

    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    anna.goes_to("/contacts/")
    anna.sees("Tuesday 26 January")


def test_the_patients_part_works_without_javascript(clinic, visit):
    anna = visit(AtHome, PHONE, javascript=False)
    anna.signs_in(clinic.anna)
    anna.feels_worse("It hurts.")
    anna.presses("Send to the nurse")
    anna.is_asked("We have your request")
    until(lambda: Appointment.objects.filter(case=case_of(clinic.anna)).exists(), within=20, what="the time")
    anna.page.reload()
    anna.sees(re.compile("Tuesday 19 January"))
    anna.goes_to("/tell-us/")
    anna.page.locator("textarea").fill("And a fever now.")
    anna.presses("Add to your request")
    assert Case.objects.filter(patient=clinic.anna).count() == 1


def test_a_sign_that_cannot_wait_shows_the_emergency_page_and_comes_first(clinic, visit):
    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    anna.goes_to("/tell-us/now/")
    anna.chooses("Severe pain in my belly that does not ease")
    anna.presses("Continue")
    anna.sees("Call 112")
    contact = case_of(clinic.anna).contact
    assert contact.sent_at is None
    assert make.callback_of(contact).priority == 1


def test_a_double_press_sends_one_request(clinic, visit):
    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    anna.feels_worse("Twice.")
    anna.page.get_by_role("button", name="Send to the nurse").dblclick()
    anna.is_asked("We have your request")
    assert Case.objects.filter(patient=clinic.anna).count() == 1
    assert not case_of(clinic.anna).contact.additions.exists()


def test_no_time_left_shows_on_the_board_and_to_the_coordinator(clinic, visit):
    for _ in range(4):
        make.a_flare(make.a_patient(clinic.unit))
    contact = make.a_flare(clinic.anna)
    assert contact.case.shortage == "no_time_left"
    eva = visit(AtTheClinic, DESKTOP)
    eva.signs_in(clinic.eva)
    eva.goes_to("/desk/alerts/")
    eva.sees("No time left to keep")
    eva.goes_to("/desk/board/")
    expect(eva.page.get_by_role("row", name=re.compile(contact.case.code))).to_contain_text(
        re.compile("no time left", re.IGNORECASE)
    )
