"""What Twilio reports is heard when Twilio signed it, and each event once."""

import uuid

import pytest
from django.test import Client
from twilio.request_validator import RequestValidator

from followup.core.models import Entry
from followup.messages import services as messages
from followup.messages.models import Message
from tests import factories as make

ADDRESS = "/webhooks/twilio/status"


@pytest.fixture
def message(anna, settings):
    settings.TWILIO_AUTH_TOKEN = "secret"
    settings.FOLLOWUP_PUBLIC_URL = "https://clinic.example.org"
    messages.tell("agreed", patient=anna, programme=make.a_programme(), occasion="1", by=make.TESTS, channels=["sms"])
    Message.objects.update(state="in_flight")
    return Message.objects.get()


def report(message_id, status, *, token="secret", **fields):
    told = {"MessageSid": "SM1", "MessageStatus": status, **fields}
    address = f"{ADDRESS}?message={message_id}"
    signature = RequestValidator(token).compute_signature(f"https://clinic.example.org{address}", told)
    return Client(enforce_csrf_checks=True).post(address, told, HTTP_X_TWILIO_SIGNATURE=signature)


def state_of(message):
    message.refresh_from_db()
    return message.state, message.provider_id, message.trouble


def test_a_report_is_noted(message):
    assert report(message.id, "delivered").status_code == 204
    assert state_of(message) == ("delivered", "SM1", "")


def test_reports_out_of_order_and_twice_are_taken_once(message):
    for status in ("delivered", "sent", "delivered"):
        assert report(message.id, status).status_code == 204
    assert state_of(message)[0] == "delivered"
    assert Entry.objects.filter(subject_id=message.id, verb="message.delivered").count() == 1


def test_what_was_not_delivered_says_why(message):
    report(message.id, "undelivered", ErrorCode="30005")
    assert state_of(message) == ("failed", "SM1", "30005")


def test_what_twilio_did_not_sign_is_not_heard(message):
    for answer in (
        report(message.id, "delivered", token="another"),
        Client().post(f"{ADDRESS}?message={message.id}", {"MessageStatus": "delivered"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:followup:problem:not-allowed")
    assert state_of(message)[0] == "in_flight"


def test_without_an_account_nobody_can_sign(message, settings):
    settings.TWILIO_AUTH_TOKEN = ""
    assert report(message.id, "delivered", token="").status_code == 403


@pytest.mark.parametrize("message_id", [uuid.uuid4(), "nonsense", ""])
def test_a_message_we_do_not_know_is_no_reason_to_ask_again(message, message_id):
    assert report(message_id, "delivered").status_code == 204
