"""A patient gets in touch through a program, and sees where it stands."""

from datetime import datetime

import pytest

from followup.cases.models import Case
from followup.contacts import services as contacts
from followup.core.journal import looks_at
from tests import factories as make

CONTACTS = "/api/v1/contacts"


def test_who_feels_worse_is_told_at_once_when_they_are_rung_and_seen(calling, anna):
    answer = calling(anna).post(
        CONTACTS,
        {
            "reason": "flare",
            "message": "Worse since Friday",
            "answers": {"red_flags": [], "since": "days"},
            "preferred": {"phone": "070-174 06 05", "voicemail": True},
        },
    )
    said = answer.json()
    assert answer.status_code == 201
    assert {"id", "reference", "reason", "message", "received_at", "see_by", "case", "callback", "appointment"} <= set(
        said
    )
    assert said["message"] == "Worse since Friday"
    assert datetime.fromisoformat(said["see_by"]).utcoffset() is not None
    assert {"id", "kind", "step", "due", "at_risk"} <= set(said["case"])
    assert (said["case"]["kind"], said["case"]["step"]) == ("contact", "received")
    assert {"id", "state", "priority", "window_start", "window_end", "due"} <= set(said["callback"])
    assert (said["callback"]["state"], said["callback"]["priority"]) == ("waiting", 2)
    assert said["appointment"] is None


def test_a_red_flag_is_rung_first(calling, anna):
    said = calling(anna).post(CONTACTS, {"reason": "worry", "answers": {"red_flags": ["rf_bleed"]}}).json()
    assert said["callback"]["priority"] == 1


def test_an_open_request_is_added_to_and_answered_200(calling, anna):
    first = calling(anna).post(CONTACTS, {"reason": "worry", "message": "It hurts"})
    again = calling(anna).post(CONTACTS, {"reason": "flare", "message": "And now a fever"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert [each["text"] for each in again.json()["additions"]] == ["And now a fever"]
    assert Case.objects.filter(patient=anna).count() == 1


def test_where_it_stands_once_the_worker_has_booked(calling, anna, flare):
    said = calling(anna).get(f"{CONTACTS}/{flare.id}").json()
    assert said["case"]["step"] == "call_booked"
    assert said["callback"]["window_start"] is not None
    assert {"id", "state", "start", "end", "place"} <= set(said["appointment"])
    assert (said["appointment"]["state"], said["appointment"]["place"]) == ("held", "Eksjö, room 4")


def test_a_nurse_enters_for_a_patient_who_rings(calling, nurse, anna):
    answer = calling(nurse).post(CONTACTS, {"reason": "other", "message": "A question", "patient": str(anna.id)})
    assert (answer.status_code, answer.json()["channel"]) == (201, "phone")


def test_staff_must_say_whom_it_is_about(calling, nurse):
    answer = calling(nurse).post(CONTACTS, {"reason": "other"})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/patient"]


def test_a_patient_speaks_for_nobody_else(calling, unit, anna):
    other = make.a_patient(unit)
    answer = calling(anna).post(CONTACTS, {"reason": "other", "patient": str(other.id)})
    assert answer.status_code == 404
    assert not Case.objects.exists()


def test_what_is_wrong_is_said_beside_its_field_and_changes_nothing(calling, anna):
    answer = calling(anna).post(
        CONTACTS,
        {
            "reason": "bored",
            "message": "x" * 4001,
            "answers": {"red_flags": ["nonsense"], "since": "ages", "days_left": 900},
            "preferred": {"phone": "12", "not_before": "noonish"},
        },
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:followup:problem:invalid")
    assert {each["pointer"] for each in answer.json()["errors"]} == {
        "/reason",
        "/message",
        "/answers/red_flags",
        "/answers/since",
        "/answers/days_left",
        "/preferred/phone",
        "/preferred/not_before",
    }
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"reason": ["flare"]}, "/reason"),
        ({"reason": "flare", "answers": []}, "/answers"),
        ({"reason": "flare", "answers": {"red_flags": "rf_bleed"}}, "/answers/red_flags"),
        ({"reason": "flare", "answers": {"red_flags": [{}]}}, "/answers/red_flags/0"),
        ({"reason": "flare", "answers": {"since": {"a": 1}}}, "/answers/since"),
        ({"reason": "flare", "answers": {"days_left": [1]}}, "/answers/days_left"),
        ({"reason": "flare", "preferred": {"voicemail": "perhaps"}}, "/preferred/voicemail"),
        ({"reason": "flare", "message": "a\x00b"}, "/message"),
        ({"reason": "flare", "channel": "pigeon"}, "/channel"),
        ([], ""),
        ("flare", ""),
    ],
)
def test_hostile_bodies_are_refused_in_words(calling, anna, body, pointer):
    answer = calling(anna).post(CONTACTS, body, format="json")
    assert answer.status_code == 422, answer.content
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}
    assert not Case.objects.exists()


def test_null_is_the_same_as_left_out(calling, anna):
    body = {"reason": "other", "message": None, "answers": None, "preferred": {"voicemail": None}, "patient": None}
    assert calling(anna).post(CONTACTS, body).status_code == 201


def test_staff_who_open_a_contact_leave_a_look_the_patient_none(calling, nurse, anna, flare):
    calling(anna).get(f"{CONTACTS}/{flare.id}")
    assert not looks_at(anna.id).exists()
    calling(nurse).get(f"{CONTACTS}/{flare.id}")
    calling(nurse).get(CONTACTS)
    assert list(looks_at(anna.id).values_list("actor_name", flat=True)) == [nurse.name]


def test_the_list_of_the_unit_has_its_own_and_can_be_narrowed(calling, nurse, unit, flare):
    done = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(nurse, done), by=nurse, outcome="all_well")
    make.a_flare(make.a_patient(make.a_unit()))
    ids = {each["id"] for each in calling(nurse).get(CONTACTS).json()["results"]}
    assert ids == {str(flare.id), str(done.id)}
    still_open = calling(nurse).get(CONTACTS, {"open": "true"}).json()["results"]
    assert [each["id"] for each in still_open] == [str(flare.id)]
    at_risk = calling(nurse).get(CONTACTS, {"at_risk": "true"}).json()["results"]
    assert at_risk == []


def test_a_list_of_thirty_costs_as_much_as_a_list_of_one(calling, nurse, unit, django_assert_num_queries):
    client = calling(nurse)
    for count in (1, 30):
        while Case.objects.filter(unit=unit).count() < count:
            make.a_flare(make.a_patient(unit), message="Worse")
        with django_assert_num_queries(10):
            assert len(client.get(CONTACTS).json()["results"]) == count


def test_patients_see_their_own_cases(calling, anna, flare, unit):
    make.a_flare(make.a_patient(unit))
    rows = calling(anna).get("/api/v1/me/cases").json()["results"]
    assert [(row["kind"], row["contact"]["id"]) for row in rows] == [("contact", str(flare.id))]


def test_staff_see_the_cases_of_a_patient_and_that_is_a_look(calling, nurse, anna, flare):
    rows = calling(nurse).get(f"/api/v1/patients/{anna.id}/cases").json()["results"]
    assert [row["id"] for row in rows] == [str(flare.case_id)]
    assert looks_at(anna.id).count() == 1
