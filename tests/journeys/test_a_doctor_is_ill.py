"""A doctor is ill today: the coordinator closes the session, and everybody who had a time is kept another, told, and rung."""

import re
from datetime import UTC, date, datetime

import pytest

from followup.cases.models import Case
from followup.clinic.models import Appointment
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö
TUESDAY = datetime(2027, 1, 19, 7, 0, tzinfo=UTC)  # 08:00


@pytest.fixture
def told(unit, turn):
    """On Monday two people get worse and are booked for Tuesday with Dr Olsson; Dr Berg has one time on Wednesday."""
    turn(MONDAY)
    karin, eva = make.a_nurse(unit, "Karin Lund"), make.a_coordinator(unit, "Eva Holm")
    ill = make.a_clinician(unit, "Dr Olsson")
    make.urgent_times(unit, date(2027, 1, 19), 2, doctor=ill)
    patients = [make.a_patient(unit), make.a_patient(unit, given_name="Bo", family_name="Ek")]
    for patient in patients:
        contact = make.a_flare(patient)
        contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="clinic_time")
    make.urgent_times(unit, date(2027, 1, 20), 1, doctor=make.a_clinician(unit, "Dr Berg"))
    return eva, karin, patients


def test_the_session_of_an_ill_doctor_is_closed_and_nobody_is_forgotten(told, turn, visit):
    eva, karin, (anna, bo) = told
    turn(TUESDAY)
    desk = visit(AtTheClinic, DESKTOP)
    desk.signs_in(eva)

    # The week says what there is; the session is one link.
    desk.goes_to("/desk/sessions/")
    desk.page.get_by_role("link", name=re.compile("Tuesday 19 January, Dr Olsson, 0 times free")).click()
    desk.is_asked("Dr Olsson, Tuesday 19 January")
    desk.sees("Booked")

    # Before anything is pressed the page says who must be called. Without a reason nothing happens.
    desk.follows("Close this session")
    desk.is_asked("2 patients must be called")
    desk.sees("Anna Berg")
    desk.sees("Bo Ek")
    desk.presses("Close the session")
    desk.sees("Say why")
    desk.page.get_by_label("Why does it close?").fill("Dr Olsson is ill")
    desk.presses("Close the session")

    # Afterwards: one is kept the time on Wednesday, one is at risk; both are rung.
    desk.sees("What became of those who had a time")
    desk.sees("Wednesday 20 January")
    desk.sees("Needs a time, none there")
    for patient in (anna, bo):
        case = Case.objects.get(patient=patient, kind="contact")
        assert case.step == "call_booked"
        assert policy.step_for(facts_of(case)) == (case.step, case.due)
    assert not Appointment.objects.live().filter(slot__session__person__name="Dr Olsson", unit=anna.unit).exists()

    # The nurse finds both in the queue, and the patient reads that the time is cancelled and a call is coming.
    queue = visit(AtTheClinic, DESKTOP)
    queue.signs_in(karin)
    queue.goes_to("/desk/queue/")
    queue.sees("Anna Berg")
    queue.sees("Bo Ek")
    home = visit(AtHome, PHONE)
    home.signs_in(anna)
    until(
        lambda: anna.messages.filter(template="slot-cancelled", state__in=["sent", "delivered"]).exists(),
        within=10,
        what="the text about the cancelled time",
    )
    home.goes_to("/home/")
    home.sees(re.compile("ring|call"))
