"""Logs carry ids: not what people are called, how they are reached, or what they wrote; least of all when something fails."""

import json
import logging
from io import StringIO

import pytest
from django.db import IntegrityError, connection, transaction

from followup.contacts import services as contacts
from followup.core import outbox
from followup.messages.models import Message
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
