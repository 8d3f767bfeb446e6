"""What the pages say at each step, when all goes well, when we are late and when a promise is at risk."""

from datetime import date, timedelta

import pytest
from django.utils import translation

from followup.cases import services as cases
from followup.cases.flows import CONTACT
from followup.cases.models import Shortage
from followup.contacts import services as contacts
from followup.contacts.queries import standing
from followup.core import clock
from followup.portal.standpoint import standpoint
from tests import factories as make

pytestmark = pytest.mark.django_db

EVENING, MORNING = make.SUNDAY_EVENING, make.MONDAY_MORNING
LATER = timedelta(days=9)


def at_step(step, unit, nurse):
    """The case of a flare-up from Sunday evening that stands at `step` on Monday morning."""
    doctor = make.a_clinician(unit)
    make.urgent_times(unit, date(2026, 11, 24), 2, doctor=doctor)
    with clock.turned(EVENING):
        contact = make.a_flare(make.a_patient(unit), booked=step != "received")
    with clock.turned(MORNING):
        if step not in ("received", "call_booked"):
            call = make.a_call_with(nurse, contact)
            contacts.dial(call, by=nurse)
        outcome = {
            "unreached": {"outcome": "no_answer"},
            "with_clinician": {"outcome": "clinician_asked", "to": doctor, "note": "MRI?"},
            "clinic_time": {"outcome": "clinic_time"},
            "closed": {"outcome": "self_care", "call_again_on": date(2026, 11, 27)},
        }.get(step)
        if outcome:
            contacts.finish(call, by=nurse, **outcome)
    contact.case.refresh_from_db()
    assert contact.case.step == step
    return contact.case


def told(case, at):
    with clock.turned(at), translation.override("en"):
        return standpoint(standing(case), at)


ON_TIME = {
    "received": ("due", "Today", "A nurse will call you before midday today"),
    "call_booked": ("due", "Today", "A nurse will call you before midday today"),
    "ringing": ("active", "A nurse is calling you", "A nurse is calling you now"),
    "unreached": ("due", "Today", "We could not reach you. We try again from 11am today"),
    "with_clinician": ("clinic", "With a clinician", "A clinician is looking at what we talked about."),
    "clinic_time": ("patient", "Booked", "We have spoken, and you have a time at the clinic."),
    "closed": ("done", "Completed", "You got advice to follow at home"),
}
LATE = {
    "received": ("late", "We are late", "We are late, and we are sorry. You are still in the queue. New time: before"),
    "call_booked": (
        "late",
        "We are late",
        "We are late, and we are sorry. You are still in the queue. New time: before",
    ),
    "ringing": ("active", "A nurse is calling you", "A nurse is calling you now"),
    "unreached": ("late", "We are late", "We are late, and we are sorry. You are still in the queue. New time: before"),
    "with_clinician": ("late", "We are late", "We are late with your answer, and we are sorry."),
    "clinic_time": ("patient", "Booked", "We have spoken, and you have a time at the clinic."),
    "closed": ("done", "Completed", "You got advice to follow at home"),
}


@pytest.mark.parametrize("step", CONTACT.steps)
def test_each_step_is_said_in_the_words_of_its_state(step, unit, nurse):
    here = told(at_step(step, unit, nurse), MORNING)
    state, tag, call = ON_TIME[step]
    assert (here.state, here.tag) == (state, tag)
    assert here.call.startswith(call)


@pytest.mark.parametrize("step", CONTACT.steps)
def test_a_late_step_says_so_and_names_a_new_time(step, unit, nurse):
    here = told(at_step(step, unit, nurse), MORNING + LATER)
    state, tag, call = LATE[step]
    assert (here.state, here.tag) == (state, tag)
    assert here.call.startswith(call)
    if state == "late":
        assert "4:30pm today" in here.call
        assert here.promised == "We are late. New time: before 4:30pm today"
        assert any("Do not wait for our call." in note for note in here.notes) == (step != "with_clinician")


@pytest.mark.parametrize("step", [step for step in CONTACT.steps if step != "closed"])
@pytest.mark.parametrize("shortage", Shortage.values)
def test_a_case_at_risk_is_honest_about_the_missing_time(step, shortage, unit, nurse):
    case = at_step(step, unit, nurse)
    case.appointments.all().delete()
    cases.put_at_risk(cases.lock(case.id), shortage, by=make.TESTS)
    case.refresh_from_db()
    here = told(case, MORNING)
    assert here.kept == ""
    expected = {
        Shortage.NEEDS_A_TIME: "You need a time at the clinic and none is free yet.",
        Shortage.NOTHING_TO_HOLD: "No time at the clinic is free before 4:30pm on Wednesday 25 November.",
    }
    assert any(note.startswith(expected[shortage]) for note in here.notes)


@pytest.mark.parametrize("step", CONTACT.steps)
def test_the_timeline_has_at_most_six_steps_and_one_where_you_are(step, unit, nurse):
    here = told(at_step(step, unit, nurse), MORNING)
    states = [each.state for each in here.steps]
    assert len(states) <= 6
    assert states.count("now") == 1
    assert states == sorted(states, key=["done", "now", "next"].index)


def test_a_kept_time_asks_nobody_to_come_before_we_have_spoken(unit, nurse):
    here = told(at_step("call_booked", unit, nurse), MORNING)
    assert here.kept == "A time is kept for you on Tuesday 24 November, 1pm. Do not come before we have spoken."
    assert here.settled


def test_while_nothing_is_booked_the_page_knows_that_more_is_to_come(unit, nurse):
    assert not told(at_step("received", unit, nurse), MORNING).settled


def test_in_the_evening_the_page_says_when_the_call_can_come(unit, nurse):
    here = told(at_step("call_booked", unit, nurse), EVENING)
    assert here.call.startswith("A nurse will call you before midday tomorrow")
    assert "We are closed now. We call you from 8am tomorrow at the earliest." in here.notes


def test_a_visit_that_is_over_and_not_marked_yet_is_not_called_late(unit, nurse):
    here = told(at_step("clinic_time", unit, nurse), MORNING + LATER)
    assert here.kept.startswith("Your time was")
    assert "late" not in here.promised


def test_after_the_last_try_the_patient_is_asked_to_ring(unit, nurse):
    case = at_step("unreached", unit, nurse)
    callback = case.callbacks.get()
    callback.decide_since = MORNING
    callback.save()
    here = told(case, MORNING)
    assert here.call.startswith("We have not been able to reach you. Your request stays open.")
    assert told(case, make.SUNDAY_EVENING).call.endswith("from 8am tomorrow.")
    assert here.next_move.startswith("You: please ring us")


def test_a_flare_up_soon_after_another_says_that_the_nurse_sees_both(unit, nurse):
    first = at_step("closed", unit, nurse)
    with clock.turned(MORNING + timedelta(days=1)):
        second = make.a_flare(first.patient)
    here = told(second.case, MORNING + timedelta(days=1))
    assert "You told us that you felt worse on Sunday 22 November too. The nurse sees both." in here.notes
