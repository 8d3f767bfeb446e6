"""The patient moves the time that is kept, is told where it is now, and gives it back: on a phone, with and without JavaScript."""

import re
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from followup.cases.models import Case
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from tests import factories as make
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

MONDAY = datetime(2027, 2, 1, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö
TUESDAY, WEDNESDAY = date(2027, 2, 2), date(2027, 2, 3)


@pytest.fixture
def clinic(unit, turn):
    """Monday morning: Anna feels worse, and Tuesday at 13:00 is kept for her; two other times are free."""
    turn(MONDAY)
    doctor = make.a_clinician(unit)
    make.urgent_times(unit, TUESDAY, 2, doctor=doctor)
    make.urgent_times(unit, WEDNESDAY, 1, doctor=doctor)
    anna = make.a_patient(unit)
    return SimpleNamespace(unit=unit, anna=anna, karin=make.a_nurse(unit, "Karin Lund"), contact=make.a_flare(anna))


def kept(contact) -> Appointment:
    return Appointment.objects.kept().select_related("slot").get(case=contact.case_id)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_kept_time_that_does_not_suit_is_moved_by_the_patient(clinic, visit, javascript):
    before = kept(clinic.contact).slot
    anna = visit(AtHome, PHONE, javascript=javascript)
    anna.signs_in(clinic.anna)
    anna.follows("That time does not suit me")
    anna.sees("Tuesday 2 February, 1pm")
    anna.presses("Choose another time")
    anna.is_asked("Which day suits you")
    anna.presses("Continue")
    anna.sees("Choose a day.")
    anna.page.get_by_label("Wednesday 3 February").check()
    anna.presses("Continue")
    anna.is_asked("Which time suits you")
    anna.chooses("Wednesday 3 February, 1pm, Eksjö, room 4")
    anna.presses("Continue")
    anna.is_asked("Check your new time")
    assert kept(clinic.contact).slot == before
    anna.presses("Take this time")
    anna.is_asked("Your time is kept")
    anna.sees("Do not come before we have spoken.")
    assert kept(clinic.contact).slot.starts_at.date() == WEDNESDAY
    assert kept(clinic.contact).state == "held"
    assert contacts.check_steps() == []


def test_no_time_suits_and_the_coordinator_sees_it(clinic, visit):
    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    anna.goes_to("/times/day/")
    anna.follows("None of these suit me")
    anna.page.get_by_label("When could you come?").fill("Only after three.")
    anna.presses("Ask us to find a time")
    anna.is_asked("We look for a time for you")
    eva = visit(AtTheClinic, DESKTOP)
    eva.signs_in(make.a_coordinator(clinic.unit, "Eva Holm"))
    eva.goes_to("/desk/alerts/")
    eva.sees("Needs a time")
    eva.sees(clinic.anna.name)


def test_a_booked_time_is_given_back_and_a_nurse_rings(clinic, visit):
    contacts.finish(make.a_call_with(clinic.karin, clinic.contact), by=clinic.karin, outcome="clinic_time")
    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    anna.follows("Change or cancel the time")
    with anna.page.expect_download() as file:
        anna.page.get_by_role("link", name="Add it to your calendar").click()
    assert file.value.suggested_filename == "appointment.ics"
    anna.follows("Cancel this time")
    anna.is_asked("Do you want to cancel your time")
    anna.chooses("Yes, a nurse should call me")
    anna.presses("Cancel this time")
    anna.is_asked("Your time is cancelled")
    anna.sees(re.compile("A nurse will call you before"))
    assert Case.objects.get(patient=clinic.anna).step == "call_booked"
    assert contacts.check_steps() == []
