"""Logs carry ids: not what people are called, how they are reached, or what they wrote; least of all when something fails."""

import json
import logging
from io import StringIO
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from followup.contacts import services as contacts
from followup.core import outbox
from followup.messages.models import Message
from followup.people.signin import watch
from followup.portal import signin
from followup.running.logs import Lines
from tests import factories as make
from tests.messages.twilio_server import serving
from worker.app import app


@pytest.fixture
def log(settings):
    """What a clinic's own log would say: the product's formatter and levels, outside demo and tests."""
    settings.FOLLOWUP_TESTING = settings.FOLLOWUP_DEMO = False
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Lines())
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def private(patient) -> list[str]:
    return [patient.family_name, patient.phone, patient.phone[3:], patient.email, str(patient.born_on), "It hurts"]


def keeps_quiet(log: StringIO, patient) -> str:
    said = log.getvalue()
    for line in said.splitlines():
        json.loads(line)
    assert not [word for word in private(patient) if word in said], said
    return said


def test_a_request_that_the_database_refuses_is_logged_without_its_row(log, visitor, anna, settings):
    """The server's own words quote the row ("Failing row contains (...)")."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE people_patient ADD CONSTRAINT nobody CHECK (false) NOT VALID")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        anna.save()
    assert anna.family_name in str(refused.value)
    logging.getLogger("somewhere").error("it failed", exc_info=refused.value)
    assert "IntegrityError" in keeps_quiet(log, anna)


def test_a_handler_that_fails_names_no_one(log, flare, monkeypatch):
    patient = flare.case.patient

    def fails(**_):
        raise IntegrityError(f"Key (phone)=({patient.phone}) already exists: {patient.family_name}")

    monkeypatch.setitem(outbox._handlers, "contacts.received", fails)
    outbox.handle(list(outbox.Outbox.objects.values_list("id", flat=True)))
    assert "IntegrityError" in keeps_quiet(log, patient)


def test_a_task_that_fails_names_no_one(log, anna):
    @app.task(name="tests.fails")
    def fails(*, ids, **_):
        raise IntegrityError(f"Key (phone)=({anna.phone}) already exists: {anna.family_name}")

    fails.apply(kwargs={"ids": [anna.phone]})
    said = keeps_quiet(log, anna)
    assert "tests.fails" in said
    assert "IntegrityError" in said


def test_asking_twilio_names_no_one(log, flare, settings):
    from followup.messages.gateways.twilio import TwilioGateway

    patient = flare.case.patient
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC" + "0" * 32, "t", "+46701740000"
    with serving() as twilio:
        settings.TWILIO_BASE_URL = twilio.url
        message = Message.objects.filter(patient=patient, channel="sms").first()
        message.attempted_at = message.created_at
        TwilioGateway().send(message, message.body)
        assert TwilioGateway().find(message, message.body)
    keeps_quiet(log, patient)


def test_an_address_that_holds_a_key_is_logged_by_its_route(log, visitor, unit, monkeypatch):
    class Broken:
        def user_of_key(self, key):
            raise RuntimeError(key)

    monkeypatch.setattr(signin, "people", Broken())
    assert visitor().get("/wall/a-secret-key/").status_code == 500
    assert "a-secret-key" not in log.getvalue()
    assert "wall/<str:key>/" in log.getvalue()


def test_a_request_and_its_call_leave_ids_only(log, visitor, anna, karin):
    visitor(anna).get("/messages/?before=Berg")
    contact = make.a_flare(anna, message="It hurts")
    contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="all_well", note="It hurts less")
    visitor(karin).get(f"/desk/patients/?q={anna.family_name}")
    assert "followup.requests" in keeps_quiet(log, anna)


# Those who watch: each event of followup/people/signin/watch.py happens here


def told(log: StringIO) -> list[dict]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == "followup.security"]


def the_one_told(log: StringIO, event: str, **expected) -> dict:
    line = next(line for line in told(log) if line["event"] == event)
    assert {name: line.get(name) for name in expected} == expected
    return line


def at_the_staff_door(visitor, karin, password):
    return visitor().post("/staff/sign-in/", {"login": karin.username, "password": password})


def test_who_signs_in_and_how_is_told(log, visitor, karin, settings):
    settings.FOLLOWUP_STAFF_MFA = False
    at_the_staff_door(visitor, karin, make.PASSWORD)
    the_one_told(log, "signin.done", user=str(karin.id), door="staff", factors="password", level="info")


def test_a_failed_sign_in_is_told_without_the_name_that_was_typed(log, visitor, karin):
    at_the_staff_door(visitor, karin, "wrong-one")
    visitor().post("/staff/sign-in/", {"login": karin.username.upper(), "password": "wrong-two"})
    visitor().post("/staff/sign-in/", {"login": "19121212-1212", "password": "wrong-three"})
    visitor().get("/wall/no-such-key/")
    first, second, third, wall = [line for line in told(log) if line["event"] == "signin.failed"]
    assert first["who"] == second["who"] != third["who"], "a digest tells guesses at one name from guesses at many"
    assert len({line["network"] for line in (first, second, third, wall)}) == 1
    assert wall["door"] == "wall"
    assert not [
        word for word in (karin.username, "19121212", "wrong-", "127.0.0.1", "no-such-key") if word in log.getvalue()
    ]


def test_who_has_to_wait_after_too_many_wrong_passwords_is_told(log, visitor, karin):
    for _ in range(10):
        at_the_staff_door(visitor, karin, "wrong")
    assert at_the_staff_door(visitor, karin, make.PASSWORD).status_code == 429
    the_one_told(log, "signin.locked", door="staff", level="warning")


def test_wrong_codes_and_too_many_codes_of_patients_are_told(log, visitor, anna):
    phone = visitor()
    phone.post("/sign-in/", {"address": anna.phone})
    born = {"day": anna.born_on.day, "month": anna.born_on.month, "year": anna.born_on.year}
    assert phone.post("/sign-in/birth/", born).status_code == 302
    for _ in range(11):
        phone.post("/sign-in/code/", {"code": "000000"})
    assert phone.post("/sign-in/new-code/", {"channel": "sms"}).status_code == 422
    attempt = the_one_told(log, "signin.failed", door="patient", factor="code")["who"]
    the_one_told(log, "signin.locked", door="patient", who=attempt)
    the_one_told(log, "limit.reached", what="codes")
    keeps_quiet(log, anna)


def test_a_changed_password_is_told(log, visitor, karin, settings):
    settings.FOLLOWUP_STAFF_MFA = False
    new = {"password1": "quite another sentence", "password2": "quite another sentence"}
    client = visitor(karin)
    client.post("/staff/password/", {"oldpassword": "guessed", **new})
    the_one_told(log, "signin.failed", user=str(karin.id), factor="password")
    client.post("/staff/password/", {"oldpassword": make.PASSWORD, **new})
    the_one_told(log, "signin.changed", user=str(karin.id), what="password_changed")


def test_whoever_asks_for_what_they_may_not_is_told(log, visitor, program, doctor, stranger, anna):
    assert visitor(doctor).get("/desk/queue/").status_code == 403
    the_one_told(log, "access.refused", user=str(doctor.id), route="desk/queue/")
    assert program(doctor).post("/api/v1/callbacks/claim").status_code == 403
    assert [line["route"] for line in told(log)].count("api/v1/callbacks/claim") == 1
    assert visitor(stranger).get(f"/desk/patients/{anna.id}/").status_code == 404
    the_one_told(log, "access.not_found", user=str(stranger.id), route="desk/patients/<uuid:patient_id>/", level="info")


def test_a_key_that_is_not_good_is_told(log, program, unit):
    client = program()
    client.get("/api/v1/board", headers={"Authorization": "Bearer wrong-key"})
    the_one_told(log, "key.refused", route="api/v1/board")
    assert "wrong-key" not in log.getvalue()


def test_a_form_or_a_call_without_its_token_is_told(log, visitor, karin):
    client = visitor(karin, enforce_csrf_checks=True)
    assert client.post("/desk/calls/next/").status_code == 403
    assert client.post("/api/v1/callbacks/claim", headers={"accept": "application/json"}).status_code == 403
    assert [(line["event"], line["route"]) for line in told(log)] == [
        ("csrf.refused", "desk/calls/next/"),
        ("csrf.refused", "api/v1/callbacks/claim"),
    ]


def test_calls_beyond_the_limit_are_told(log, program, karin, monkeypatch):
    monkeypatch.setattr("api.limits.CALLS_A_MINUTE", 0)
    assert program(karin).get("/api/v1/board").status_code == 429
    the_one_told(log, "limit.reached", user=str(karin.id))


def test_who_speaks_to_a_webhook_in_anothers_name_is_told(log, visitor):
    visitor().post("/webhooks/twilio/status?message=x", {"MessageSid": "SM1"}, headers={"X-Twilio-Signature": "mine"})
    the_one_told(log, "webhook.bad_signature")


def test_a_request_that_no_page_of_ours_sends_is_told(log, visitor):
    visitor().get("/sign-in/", headers={"host": "evil.example"})
    the_one_told(log, "request.garbled")


def test_the_list_of_events_in_the_docs_is_this_one_and_each_event_happens_above():
    root = Path(__file__).resolve().parents[2]
    assert (root / "docs" / "reference" / "security-events.md").read_text() == watch.listed()
    assert watch.MEANING.keys() == set(watch.Event)
    assert [event for event in watch.Event if f'"{event.value}"' not in Path(__file__).read_text()] == []
