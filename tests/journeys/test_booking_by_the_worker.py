"""A request is safe whatever the worker does, and is booked as soon as it works."""

from datetime import timedelta

import pytest
import requests

from followup.callbacks import services as callbacks
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.core import clock
from followup.core.models import Outbox
from followup.messages.models import Message
from followup.people import services as people
from tests import factories as make
from tests.house import until


@pytest.fixture
def patient(unit):
    today = unit.hours.day_of(clock.now())
    for ahead in range(1, 5):
        make.urgent_times(unit, today + timedelta(days=ahead), 8, first=make.time(8, 0))
    return make.a_patient(unit)


@pytest.fixture
def api(house, patient):
    """A request as the patient's own program would send it; whoever waits longer than a second for the answer has not got one."""
    key = people.new_token(user=patient.user, by=make.TESTS)

    def post(**body):
        return requests.post(
            f"{house.url}/api/v1/contacts", json=body, headers={"Authorization": f"Bearer {key}"}, timeout=10
        )

    return post


def appointment_of(contact_id):
    return Appointment.objects.filter(case__contact__id=contact_id).first()


def test_the_worker_books_the_call_and_a_time_and_tells_the_patient(patient):
    contact = contacts.receive(patient=patient, by=patient.user, reason="flare", message="Worse again")
    held = until(lambda: appointment_of(contact.id), within=5, what="a time kept")
    assert held.state == "held"
    sent = until(
        lambda: (
            Message.objects.filter(patient=patient, state="sent").count() == 4
            and Message.objects.filter(patient=patient)
        ),
        within=5,
        what="four messages sent",
    )
    assert {(each.template, each.channel) for each in sent} == {
        ("request-received", "sms"),
        ("request-received", "email"),
        ("time-kept", "sms"),
        ("time-kept", "email"),
    }
    assert not Outbox.objects.filter(payload__contact_id=str(contact.id), done_at=None).exists()


def test_with_worker_and_beat_stopped_the_request_is_taken_and_booked_when_they_are_back(house, api):
    with house.stopped("worker", "beat"):
        answer = api(reason="flare", message="Worse since this morning")
        assert answer.status_code == 201
        body = answer.json()
        assert body["appointment"] is None
        assert body["callback"]["state"] == "waiting"
        assert body["case"]["step"] == "received"
    until(lambda: appointment_of(body["id"]), within=5, what="the booking after the worker came back")


def test_a_request_answered_while_the_worker_was_away_is_given_no_time(house, unit, api):
    nurse = make.a_nurse(unit)
    with house.stopped("worker", "beat"):
        contact = Contact.objects.get(id=api(reason="flare", message="Worse").json()["id"])
        contacts.finish(callbacks.claim_next(by=nurse), by=nurse, outcome="all_well")
    until(lambda: Outbox.objects.filter(payload__contact_id=str(contact.id), done_at__isnull=False).exists(), within=5)
    assert appointment_of(contact.id) is None


def test_a_lost_nudge_costs_seconds(house, patient):
    """Redis is away when the request comes: the row waits in the outbox, and the sweeper finds it."""
    with house.stopped("redis"):
        contact = contacts.receive(patient=patient, by=patient.user, reason="flare", message="Worse")
    until(lambda: appointment_of(contact.id), within=15, what="the booking after Redis came back")
