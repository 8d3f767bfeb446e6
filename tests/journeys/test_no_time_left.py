"""No time is left, and each way out of it: the coordinator at her desk, the worker beside her."""

import re
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from followup.clinic.models import Appointment
from followup.contacts.models import Contact
from followup.people.models import Unit
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö
TUESDAY = date(2027, 1, 19)


@pytest.fixture
def clinic(unit, turn):
    """A Monday on which a single urgent time was left, and Bo has it."""
    turn(MONDAY)
    Unit.objects.filter(id=unit.id).update(on_call_email="jour@example.org")
    doctor = make.a_clinician(unit)
    make.urgent_times(unit, TUESDAY, 1, doctor=doctor)
    bo = make.a_flare(make.a_patient(unit, given_name="Bo", family_name="Ek"))
    names = (("Anna", "Berg"), ("Cia", "Dahl"), ("Disa", "Falk"), ("Egil", "Gran"))
    waiting = [make.a_flare(make.a_patient(unit, given_name=one, family_name=two)) for one, two in names]
    assert {each.case.shortage for each in waiting} == {"no_time_left"}
    return SimpleNamespace(unit=unit, doctor=doctor, bo=bo, waiting=waiting, eva=make.a_coordinator(unit, "Eva Holm"))


def kept(contact: Contact) -> Appointment | None:
    return Appointment.objects.filter(case=contact.case).kept().select_related("slot").first()


def find_a_way_out(eva: AtTheClinic, name: str) -> None:
    eva.page.get_by_role("link", name=re.compile(f"^Find a way out.*{name}")).click()


def test_each_way_out_of_having_no_time_is_a_press_away(clinic, visit):
    anna, cia, disa, egil = clinic.waiting
    eva = visit(AtTheClinic, DESKTOP)
    eva.signs_in(clinic.eva)
    eva.goes_to("/desk/alerts/")
    eva.sees("No time left to keep")
    eva.sees("Owner: the coordinator, who finds a time.")

    # A free revisit time inside the three days: the alert itself gives it.
    make.urgent_times(
        clinic.unit,
        TUESDAY,
        1,
        first=datetime(2027, 1, 19, 15, tzinfo=UTC).time(),
        kind="revisit",
        doctor=clinic.doctor,
    )
    eva.goes_to("/desk/alerts/")
    eva.page.get_by_role("button", name=re.compile("^Give Tuesday 19 January, 15:00")).click()
    eva.sees("A time is kept for Anna Berg: Tuesday 19 January, 15:00.")
    assert kept(anna).state == "held"

    # Bo's time is traded, because Cia is worse: now Bo is at risk, and everybody sees it.
    find_a_way_out(eva, "Cia Dahl")
    eva.is_asked("A time for Cia Dahl")
    eva.page.get_by_label("Tuesday 19 January, 13:00, Bo Ek").check()
    eva.presses("Trade")
    eva.sees("Say why")
    eva.page.get_by_label("Why this person needs it more").fill("She is much worse")
    eva.presses("Trade")
    eva.sees("A time is kept for Cia Dahl: Tuesday 19 January, 13:00.")
    expect(eva.page.get_by_role("row", name=re.compile("Bo Ek"))).to_contain_text("No time left to keep")

    # A time is opened for Disa outside the plan.
    find_a_way_out(eva, "Disa Falk")
    eva.follows("Open a time, with a reason")
    eva.is_asked("Open a time for Disa Falk")
    eva.presses("Open the time and give it")
    eva.sees("Choose who sees them.")
    eva.page.get_by_label(clinic.doctor.name).check()
    eva.page.get_by_label("Tuesday 19 January").check()
    eva.page.get_by_label("When does it start?").fill("15:40")
    eva.page.get_by_label("Why outside the plan?").fill("Must be seen this week")
    eva.presses("Open the time and give it")
    eva.sees("A time is kept for Disa Falk: Tuesday 19 January, 15:40.")
    assert kept(disa).slot.opened_why == "Must be seen this week"

    # A session is added on the last day that helps: who still waits is asked again by the worker, Bo and Egil alike.
    eva.goes_to("/desk/alerts/")
    find_a_way_out(eva, "Egil Gran")
    eva.follows("Add a session")
    eva.is_asked("Add a session")
    expect(eva.page.get_by_label("Day", exact=True)).to_have_value("21")
    eva.page.get_by_label("Who").select_option(label=clinic.doctor.name)
    for label, value in (("Starts", "08:00"), ("Ends", "12:00"), ("Urgent", "09:00, 09:40")):
        eva.page.get_by_label(label, exact=True).fill(value)
    eva.presses("Add the session")
    eva.sees("Whoever waits for a time is asked for again.")
    until(lambda: kept(egil) and kept(clinic.bo), within=15, what="being asked again")
    eva.goes_to("/desk/alerts/")
    eva.does_not_see("No time left to keep")

    # Bo reads where his time went: no surprise, and no silence.
    bo = visit(AtHome, PHONE)
    bo.signs_in(clinic.bo.case.patient)
    bo.sees(re.compile("Thursday 21 January"))
