"""Promise 2: no message is sent twice; promise 1: none is lost."""

from datetime import UTC, datetime, timedelta

import pytest

from followup.core import clock
from followup.messages import policy, queries, services
from followup.messages.models import LocalDelivery
from tests.messages.conftest import state_of, tell

pytestmark = pytest.mark.django_db


def test_the_same_occasion_is_told_once_on_each_channel(patient):
    assert {each.channel for each in tell(patient)} == {"sms", "email"}
    assert tell(patient) == []


def test_somebody_without_texts_or_mail_is_told_nothing(patient):
    patient.texts, patient.email = False, ""
    assert tell(patient) == []


def test_the_local_gateway_delivers_once_however_often_it_is_asked(text):
    services.deliver(text.id)
    services.deliver(text.id)
    assert state_of(text) == "sent"
    assert LocalDelivery.objects.filter(message=text).count() == 1


def test_twilio_takes_a_text_and_reports_back_to_an_address_with_our_id(text, twilio):
    services.deliver(text.id)
    services.deliver(text.id)
    [form] = twilio.accepted
    assert form["To"] == text.to
    assert form["Body"] == text.body
    assert form["StatusCallback"].endswith(f"/webhooks/twilio/status?message={text.id}")
    assert (state_of(text), text.provider_id) == ("sent", twilio.sid(0))


@pytest.mark.parametrize("status", [401, 408, 429, 503])
def test_not_now_is_tried_again_later(text, twilio, status):
    twilio.mood = status
    services.deliver(text.id)
    assert state_of(text) == "queued"
    assert text.due_at > clock.now()
    twilio.mood = "ok"
    with clock.turned(text.due_at + timedelta(seconds=1)):
        assert queries.to_send() == [text.id]
        services.deliver(text.id)
    assert state_of(text) == "sent"


def test_a_bad_number_is_never_tried_again(text, twilio):
    twilio.mood = 400
    services.deliver(text.id)
    assert (state_of(text), text.trouble) == ("failed", "20400")
    assert text in queries.needs_a_person(text.unit)


@pytest.mark.parametrize(
    ("said_at", "reaches"),
    [
        ("2026-11-23 12:00", "2026-11-23 12:00"),
        ("2026-11-23 21:00", "2026-11-24 08:30"),
        ("2026-11-24 05:00", "2026-11-24 08:30"),
        ("2026-12-24 21:00", "2026-12-27 08:30"),
        ("2026-12-25 12:00", "2026-12-27 08:30"),
    ],
)
def test_what_can_wait_waits_for_the_morning(patient, said_at, reaches):
    zone = patient.unit.zone
    at, expected = (datetime.fromisoformat(each).replace(tzinfo=zone) for each in (said_at, reaches))
    assert policy.after_quiet_hours(at.astimezone(UTC), patient.unit.hours) == expected


def test_a_name_that_a_text_cannot_carry_is_left_out_of_it(patient):
    patient.given_name = "Žofie"
    sms, email = sorted(tell(patient), key=lambda each: each.channel, reverse=True)
    assert "Žofie" not in sms.body
    assert sms.body[0].isupper()
    assert "Žofie" in email.body
