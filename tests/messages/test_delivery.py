"""Promise 2: no message is sent twice; promise 1: none is lost."""

from datetime import UTC, datetime, timedelta

import pytest

from followup.core import clock
from followup.messages import policy, queries, services
from followup.messages.models import LocalDelivery, Message
from tests import factories as make
from tests.messages.twilio_server import serving

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return make.a_patient(make.a_unit())


def tell(patient, occasion="one", **more):
    return services.tell(
        "agreed",
        patient=patient,
        programme=make.a_programme(),
        occasion=occasion,
        by=make.TESTS,
        answers_them=True,
        **more,
    )


@pytest.fixture
def text(patient):
    [message] = tell(patient, channels=["sms"])
    return message


@pytest.fixture
def twilio(settings):
    with serving() as server:
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "secret"
        settings.TWILIO_FROM, settings.TWILIO_BASE_URL = "+46701740600", server.url
        yield server


def state_of(message):
    message.refresh_from_db()
    return message.state


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


@pytest.mark.parametrize("status", [429, 500, 503])
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


def test_a_broken_line_is_unknown_and_never_sent_blindly_again(text, twilio):
    twilio.mood = "break"
    services.deliver(text.id)
    assert state_of(text) == "unknown"
    services.deliver(text.id)
    assert len(twilio.accepted) == 1
    assert text in queries.needs_a_person(text.unit)


def test_a_sender_that_died_in_flight_is_settled_by_twilios_own_list(text, twilio):
    services._claim(text.id)
    twilio.accepted.append({"To": text.to, "Body": text.body})
    with clock.turned(clock.now() + timedelta(hours=1)):
        assert queries.stuck() == [text.id]
        services.settle_stuck(text.id)
    assert (state_of(text), text.provider_id) == ("sent", twilio.sid(0))
    assert len(twilio.accepted) == 1


def test_a_report_only_ever_leads_further(text, twilio):
    services.deliver(text.id)
    services.note_report(text.id, reported="delivered", provider_id=twilio.sid(0))
    services.note_report(text.id, reported="sent", provider_id=twilio.sid(0))
    assert state_of(text) == "delivered"


def test_a_report_may_be_quicker_than_the_answer(text):
    services._claim(text.id)
    services.note_report(text.id, reported="delivered", provider_id="SM1")
    services._note(Message.objects.get(id=text.id), "sent", provider_id="SM1")
    assert state_of(text) == "delivered"


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
