"""Every address, asked for by everybody, in every way: no fault, and nothing of Anna's to anybody who is not hers."""

import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from followup.people import services as people
from tests import factories as make

ROLES = ("nobody", "neighbour", "nurse elsewhere", "wall", "system", "administrator", "ended")
METHODS = ("get", "post", "options", "put")


def addresses(resolver=None, before="/"):
    for each in (resolver or get_resolver()).url_patterns:
        path = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLResolver):
            yield from addresses(each, path)
        elif isinstance(each, URLPattern):
            yield path


def filled(path, ids):
    import re

    return re.sub(r"<\w+:(\w+)>", lambda name: str(ids.get(name[1], uuid.uuid4())), path)


@pytest.fixture
def ids(call, visit, asked):
    return {
        "callback_id": call.id,
        "case_id": call.case_id,
        "contact_id": call.case.contact.id,
        "patient_id": call.patient_id,
        "appointment_id": visit.id,
        "ask_id": asked.id,
        "name": "now",
        "key": "no-key",
    }


@pytest.fixture
def who(unit, stranger):
    def of(role):
        if role == "nobody":
            return None
        if role == "neighbour":
            return make.a_patient(unit, given_name="Bo", family_name="Ek")
        if role == "nurse elsewhere":
            return stranger
        user = people.add_staff(
            username=f"{role}-{uuid.uuid4().hex[:6]}",
            name="Somebody",
            role="nurse" if role == "ended" else role,
            unit=unit,
            by=make.TESTS,
            password=make.PASSWORD,
        )
        if role == "ended":
            user.memberships.update(ended_on=make.date(2026, 11, 1))
        return user

    return of


@pytest.mark.parametrize("role", ROLES)
def test_nothing_of_annas_is_shown_to_others_and_nothing_falls_over(visitor, who, ids, anna, role):
    client = visitor(who(role))
    faults, leaks = [], []
    for path in {filled(path, ids) for path in addresses()}:
        if path in ("/sign-out/", "/api/v1/board/stream"):
            continue
        for method in METHODS:
            answer = getattr(client, method)(path)
            if answer.status_code >= 500:
                faults.append((method, path))
            if not answer.streaming and any(
                word in answer.content.decode() for word in ("Berg", anna.phone, "It hurts")
            ):
                leaks.append((method, path))
    assert (faults, leaks) == ([], [])


@pytest.mark.parametrize("role", ["neighbour", "wall"])
def test_the_passwords_and_second_factors_of_staff_are_not_for_patients_and_walls(visitor, who, role):
    client = visitor(who(role))
    for path in addresses():
        if path.startswith(("/staff/security/", "/staff/password/", "/staff/again/")) and "<" not in path:
            assert client.get(path).status_code in (302, 403, 404), path
