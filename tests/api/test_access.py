"""Who may do what, over every route: somebody else's id answers exactly like an id that nobody has."""

import uuid

import pytest

from api.v1.urls import urlpatterns
from api.v1.worklists import WORKLISTS
from followup.clinic.models import Appointment
from followup.people import services as people
from tests import factories as make

V1 = "/api/v1/"
ROLES = ("patient", "nurse", "clinician", "coordinator", "wall", "system", "administrator")
STAFF = {"nurse", "clinician", "coordinator"}
CALLERS = {"nurse", "coordinator"}

# route: (method, who is let in)
LISTS = {
    "contacts": ("get", STAFF),
    "me/cases": ("get", {"patient"}),
    "callbacks": ("get", CALLERS),
    "callbacks/claim": ("post", CALLERS),
    "slots": ("get", STAFF | {"patient"}),
    "appointments": ("get", STAFF),
    "messages": ("get", STAFF),
    "worklists": ("get", STAFF),
    **{f"worklists/{name}": ("get", STAFF) for name in WORKLISTS},
}

# route with an id: (method, whose id, who is let in to their own)
ROWS = {
    "contacts/<uuid:contact_id>": ("get", "contact", STAFF | {"patient"}),
    "patients/<uuid:patient_id>/cases": ("get", "patient", STAFF | {"patient"}),
    "callbacks/<uuid:callback_id>/extend": ("post", "callback", CALLERS),
    "callbacks/<uuid:callback_id>/release": ("post", "callback", CALLERS),
    "callbacks/<uuid:callback_id>/dial": ("post", "callback", CALLERS),
    "callbacks/<uuid:callback_id>/outcome": ("post", "callback", CALLERS),
    "appointments/<uuid:appointment_id>/cancel": ("post", "appointment", STAFF | {"patient"}),
}

ELSEWHERE = {"schema", "board", "board/stream"}
"""Anybody may read the schema; the board has tests of its own."""

BODIES = {"callbacks/<uuid:callback_id>/outcome": {"outcome": "all_well"}}


def test_every_route_stands_in_one_of_these_tables():
    assert {str(each.pattern) for each in urlpatterns} == LISTS.keys() | ROWS.keys() | ELSEWHERE


def somebody(role, unit, patient):
    if role == "patient":
        return patient
    name = f"{role}-{uuid.uuid4().hex[:8]}"
    return people.add_staff(username=name, name=role, role=role, unit=unit, by=make.TESTS)


def ids(contact):
    return {
        "contact": contact.id,
        "patient": contact.case.patient_id,
        "callback": make.callback_of(contact).id,
        "appointment": Appointment.objects.get(case=contact.case).id,
    }


def send(client, route, row_id):
    method, *_ = ROWS[route]
    before, _, after = route.partition("<")
    address = f"{V1}{before}{row_id}{after.partition('>')[2]}"
    return (
        getattr(client, method)(address, BODIES.get(route), format="json") if method == "post" else client.get(address)
    )


@pytest.mark.parametrize("role", ROLES)
def test_lists_are_for_those_who_work_with_them(calling, unit, anna, role):
    client = calling(somebody(role, unit, anna))
    for route, (method, let_in) in LISTS.items():
        answer = getattr(client, method)(V1 + route)
        assert (answer.status_code in (200, 204)) == (role in let_in), (route, answer.content)
        assert role in let_in or answer.json()["type"] == "urn:followup:problem:not-allowed"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROWS)
def test_rows_are_for_their_own_and_others_answer_like_nobodys(calling, unit, anna, flare, role, route):
    _method, whose, let_in = ROWS[route]
    other_unit = make.a_unit()
    make.urgent_times(other_unit, make.date(2026, 11, 24), 1)
    other = make.a_flare(make.a_patient(other_unit))
    client = calling(somebody(role, unit, anna))
    nobodys = without_trace(send(client, route, uuid.uuid4()))
    assert nobodys[0] == 404
    assert without_trace(send(client, route, ids(other)[whose])) == nobodys
    assert without_trace(send(client, route, "no-id")) == nobodys
    assert without_trace(send(client, route, str(ids(flare)[whose]) + "0")) == nobodys
    own = send(client, route, ids(flare)[whose])
    assert own.status_code == (200 if role in let_in else 404), own.content


def test_a_patient_of_the_same_unit_is_a_stranger_too(calling, unit, flare):
    client = calling(make.a_patient(unit))
    for route, (_method, whose, _let_in) in ROWS.items():
        assert without_trace(send(client, route, ids(flare)[whose])) == without_trace(send(client, route, uuid.uuid4()))


@pytest.mark.parametrize("field", ["case", "slot"])
def test_ids_in_a_body_answer_alike(calling, nurse, flare, field):
    other_unit = make.a_unit()
    slot = make.urgent_times(other_unit, make.date(2026, 11, 24), 1).slots.get()
    other = make.a_flare(make.a_patient(other_unit), booked=False)
    theirs = {"case": other.case_id, "slot": slot.id}[field]
    said = [
        without_trace(calling(nurse).post(f"{V1}appointments", {"case": str(flare.case_id), field: each}))
        for each in (str(theirs), str(uuid.uuid4()), "no-id", 7, {"a": 1})
    ]
    assert said[0][0] == 404
    assert all(each == said[0] for each in said)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in STAFF])
def test_who_may_not_enter_requests_enters_none(calling, unit, anna, role):
    other = make.a_patient(unit)
    answer = calling(somebody(role, unit, anna)).post(f"{V1}contacts", {"reason": "other", "patient": str(other.id)})
    assert answer.status_code == (404 if role == "patient" else 403)
    assert not other.cases.exists()


def without_trace(answer):
    said = answer.json()
    said.pop("trace_id", None)
    return answer.status_code, said, answer.headers["Content-Type"]
