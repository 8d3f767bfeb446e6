"""Somebody does not come to their time: the list nags until it is said, a new call is in the queue, and the patient sees it."""

import re
from datetime import UTC, date, datetime

from followup.cases.models import Case
from followup.contacts import services as contacts
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

MONDAY = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö
WEDNESDAY_MORNING = datetime(2027, 3, 3, 7, 30, tzinfo=UTC)


def test_a_missed_time_is_rung_about(unit, turn, visit):
    turn(MONDAY)
    doctor, anna, nurse = make.a_clinician(unit), make.a_patient(unit), make.a_nurse(unit, "Karin Lund")
    make.urgent_times(unit, date(2027, 3, 2), 1, doctor=doctor)
    make.urgent_times(unit, date(2027, 3, 4), 1, doctor=doctor)
    contact = make.a_flare(anna)
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time")

    turn(WEDNESDAY_MORNING)
    karin = visit(AtTheClinic, DESKTOP)
    karin.signs_in(nurse)
    karin.goes_to("/desk/clinic-day/")
    karin.sees("1 time is over and not marked")
    karin.follows("Tuesday 2 March")
    karin.presses(f"Did not come {anna.name}")
    karin.sees("A nurse rings them.")
    karin.does_not_see("not marked")
    until(lambda: Case.objects.get(patient=anna).step == "call_booked", within=20, what="the new call")
    karin.goes_to("/desk/queue/")
    karin.sees(anna.name)

    her = visit(AtHome, PHONE)
    her.signs_in(anna)
    her.sees(re.compile("A nurse will call you before"))
    until(lambda: contact.case.messages.filter(template="time-kept").count() == 4, within=20, what="the new time")
    her.goes_to("/messages/")
    her.sees("You did not come to your time")
    her.goes_to("/home/")
    her.sees(re.compile("A time is kept for you on Thursday 4 March"))
    assert contacts.check_steps() == []
