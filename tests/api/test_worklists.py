"""What needs a person: each list through the question that the pages ask, at a glance and in pages."""

from datetime import timedelta

import pytest

from api.v1.worklists import WORKLISTS
from followup.cases import services as cases
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core import clock
from followup.messages.models import Message
from followup.people.models import Patient
from tests import factories as make

TUESDAY = make.date(2026, 11, 24)
V1 = "/api/v1/worklists"


@pytest.fixture
def work(unit, nurse):
    """One line for each list; returns which row it is. And a unit next door with as many."""
    return [lines_for(each, nurse if each == unit else make.a_nurse(each)) for each in (make.a_unit(), unit)][-1]


def lines_for(unit, nurse):
    make.urgent_times(unit, TUESDAY, 2)
    doctor = make.a_clinician(unit)
    asked = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(nurse, asked), by=nurse, outcome="clinician_asked", to=doctor, note="MRI?")
    seen = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(nurse, seen), by=nurse, outcome="clinic_time")
    short = make.a_flare(make.a_patient(unit, phone="", email=""))
    lost = make.a_flare(make.a_patient(unit), reason="other")
    make.callback_of(lost).__class__.objects.filter(case=lost.case).update(decide_since=clock.now())
    message = Message.objects.filter(case=seen.case).first()
    Message.objects.filter(id=message.id).update(state="failed")
    return {
        "at_risk": short.case_id,
        "late": make.callback_of(short).id,
        "to_decide": make.callback_of(lost).id,
        "held_near": asked.case_id,
        "unmarked": Appointment.objects.get(case=seen.case).id,
        "asks": asked.case.asks.get().id,
        "messages": message.id,
        "no_channel": short.case_id,
    }


WHEN = {"held_near": timedelta(hours=27), "late": timedelta(days=1), "unmarked": timedelta(days=2)}


@pytest.mark.parametrize("name", WORKLISTS)
def test_each_list_has_its_line_and_nothing_of_the_unit_next_door(calling, nurse, work, name):
    with clock.turned(clock.now() + WHEN.get(name, timedelta())):
        client = calling(nurse)
        page = client.get(f"{V1}/{name}").json()
        assert [row["id"] for row in page["results"]] == [str(work[name])]
        assert (page["next"], page["previous"]) == (None, None)
        glance = client.get(V1).json()
        assert glance["counts"][name] == 1
        assert glance[name] == page["results"]


def test_who_cannot_be_reached_is_named_once_with_what_was_opened_last(calling, nurse, unit):
    contact = make.a_flare(make.a_patient(unit, phone="", email=""))
    with clock.turned(clock.now() + timedelta(minutes=1)):
        review = cases.open_case(patient=contact.case.patient, kind="review", by=make.TESTS)
    assert [row["id"] for row in calling(nurse).get(f"{V1}/no_channel").json()["results"]] == [str(review.id)]


@pytest.mark.parametrize("name", ["at_risk", "no_channel", "late"])
def test_a_list_has_pages(calling, nurse, unit, name):
    for _ in range(3):
        make.a_flare(make.a_patient(unit, phone="", email=""))
    with clock.turned(clock.now() + timedelta(days=1)):
        client = calling(nurse)
        page, seen = client.get(f"{V1}/{name}?limit=2").json(), []
        seen += [row["id"] for row in page["results"]]
        page = client.get(page["next"].removeprefix("http://testserver")).json()
        seen += [row["id"] for row in page["results"]]
    assert (len(seen), len(set(seen))) == (3, 3)
    assert Patient.objects.filter(unit=unit).count() == 3
