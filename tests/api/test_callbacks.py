"""A nurse rings through a program of the clinic."""

from datetime import datetime, timedelta

import pytest

from followup.callbacks.models import Callback
from followup.clinic.models import Appointment
from followup.contacts.queries import times_for
from followup.core import clock
from followup.core.journal import looks_at
from tests import factories as make

CALLBACKS = "/api/v1/callbacks"


@pytest.fixture
def claimed(calling, nurse, flare):
    return calling(nurse).post(f"{CALLBACKS}/claim").json()


def test_the_next_call_comes_with_everything_about_the_patient(calling, nurse, anna, flare):
    said = calling(nurse).post(f"{CALLBACKS}/claim")
    assert said.status_code == 200
    told = said.json()
    keys = {"id", "reason", "priority", "state", "due", "lease_until", "attempts", "case", "contact", "patient"}
    assert keys <= set(told)
    assert (told["state"], told["reason"]) == ("claimed", "flare")
    assert told["contact"]["message"] == "It hurts again."
    patient = told["patient"]
    assert (patient["name"], patient["born_on"], patient["phone"]) == ("Anna Berg", "1971-05-03", anna.phone)
    assert patient["enrolment"]["diagnosis"] == "uc"
    assert list(looks_at(anna.id).values_list("actor_id", flat=True)) == [nurse.id]


def test_nobody_waiting_is_204(calling, nurse):
    answer = calling(nurse).post(f"{CALLBACKS}/claim")
    assert (answer.status_code, answer.content) == (204, b"")


def test_two_nurses_get_two_patients_and_an_unused_claim_is_given_again(calling, nurse, unit, flare):
    make.a_flare(make.a_patient(unit))
    mine, hers = calling(nurse), calling(make.a_nurse(unit, "Maria"))
    first = mine.post(f"{CALLBACKS}/claim").json()["id"]
    assert hers.post(f"{CALLBACKS}/claim").json()["id"] != first
    assert mine.post(f"{CALLBACKS}/claim").json()["id"] == first


def test_use_keeps_it(calling, nurse, claimed):
    with clock.turned(clock.now() + timedelta(minutes=10)):
        said = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/extend").json()
    assert datetime.fromisoformat(said["lease_until"]) > datetime.fromisoformat(claimed["lease_until"])


def test_given_back_it_waits_with_a_note(calling, nurse, claimed):
    said = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/release", {"note": "Ring after lunch"}).json()
    assert (said["state"], said["handed_note"], said["claimed_by"]) == ("waiting", "Ring after lunch", None)


def test_dialling_logs_a_try_and_shows_on_the_case(calling, nurse, claimed):
    said = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/dial").json()
    assert (said["attempts"], said["case"]["step"]) == (1, "ringing")
    assert calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/dial").json()["attempts"] == 1


def test_self_care_closes_and_says_when_to_call_again(calling, nurse, claimed):
    body = {"outcome": "self_care", "call_again_on": "2026-11-27", "agreed": "Rest and drink"}
    said = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", body).json()
    assert (said["state"], said["case"]["step"]) == ("done", "closed")
    assert said["contact"]["outcomes"][0]["call_again_on"] == "2026-11-27"


def test_self_care_without_a_day_is_refused_and_the_call_stays(calling, nurse, claimed):
    answer = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", {"outcome": "self_care"})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/call_again_on"]
    assert Callback.objects.get(id=claimed["id"]).state == "claimed"


def test_clinic_time_may_name_another_time(calling, nurse, flare, claimed):
    other = times_for(flare.case)[-1]
    body = {"outcome": "clinic_time", "slot": str(other.id)}
    said = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", body).json()
    assert said["case"]["step"] == "clinic_time"
    assert (said["contact"]["appointment"]["state"], said["contact"]["appointment"]["slot"]) == (
        "booked",
        str(other.id),
    )


def test_a_clinician_is_asked_by_name(calling, nurse, unit, claimed):
    doctor = make.a_clinician(unit)
    body = {"outcome": "clinician_asked", "to": str(doctor.id), "note": "Please look"}
    said = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", body).json()
    assert said["case"]["step"] == "with_clinician"
    work = calling(nurse).get("/api/v1/worklists").json()
    assert [(each["owner"], each["note"]) for each in work["asks"]] == [(doctor.name, "Please look")]


def test_who_is_no_clinician_here_cannot_be_asked(calling, nurse, unit, claimed):
    for somebody in (make.a_clinician(make.a_unit()), make.a_nurse(unit)):
        body = {"outcome": "clinician_asked", "to": str(somebody.id), "note": "Please look"}
        assert calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", body).status_code == 404


def test_no_answer_closes_nothing_and_the_third_goes_to_a_person(calling, nurse, claimed, flare):
    for _ in range(3):
        make.a_call_with(nurse, flare)
        answer = calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", {"outcome": "no_answer"})
        assert answer.json()["case"]["step"] == "unreached"
    work = calling(nurse).get("/api/v1/worklists").json()
    assert [each["id"] for each in work["to_decide"]] == [claimed["id"]]
    assert {name for name, count in work["counts"].items() if count} == {"to_decide"}
    assert Appointment.objects.get(case=flare.case).state == "held"


def test_a_colleagues_call_is_refused_by_name_and_a_finished_one_too(calling, nurse, unit, claimed):
    hers = calling(make.a_nurse(unit, "Maria"))
    answer = hers.post(f"{CALLBACKS}/{claimed['id']}/outcome", {"outcome": "all_well"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:claim-lost")
    calling(nurse).post(f"{CALLBACKS}/{claimed['id']}/outcome", {"outcome": "all_well"})
    answer = hers.post(f"{CALLBACKS}/{claimed['id']}/dial")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:call-already-ended")


def test_the_queue_is_listed_in_the_order_in_which_it_is_rung(calling, nurse, unit, flare):
    urgent = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_bleed"]})
    late = make.a_flare(make.a_patient(unit), reason="other")
    rows = calling(nurse).get(CALLBACKS).json()["results"]
    assert [row["id"] for row in rows] == [str(make.callback_of(each).id) for each in (urgent, flare, late)]
    assert calling(nurse).get(CALLBACKS, {"state": "done"}).json()["results"] == []
