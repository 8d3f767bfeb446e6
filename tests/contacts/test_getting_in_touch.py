"""A patient gets in touch, and a promise is made."""

from datetime import date

import pytest

from followup.callbacks import services as callbacks
from followup.cases.models import Case
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.contacts.queries import standing
from followup.core import clock
from followup.core.errors import Invalid
from followup.core.models import Entry, Outbox
from followup.messages.models import Message
from tests import factories as make

pytestmark = pytest.mark.django_db


def local(unit, moment):
    return f"{moment.astimezone(unit.zone):%a %d %b %H:%M}"


def test_a_flare_up_on_a_sunday_evening_is_promised_a_call_on_monday_and_a_time_by_wednesday(unit):
    patient = make.a_patient(unit)
    with clock.turned(make.SUNDAY_EVENING):
        contact = contacts.receive(patient=patient, by=patient.user, reason="flare", message="Worse since Friday")
    callback = make.callback_of(contact)
    assert (callback.state, callback.priority) == ("waiting", 2)
    assert local(unit, callback.due) == "Mon 23 Nov 12:00"
    assert local(unit, contact.see_by) == "Wed 25 Nov 16:30"
    assert contact.case.step == "received"
    assert Outbox.objects.filter(topic="contacts.received", done_at=None).count() == 1


def test_the_worker_lays_the_call_keeps_the_earliest_time_after_it_and_tells_the_patient(unit):
    patient = make.a_patient(unit)
    make.urgent_times(unit, date(2026, 11, 23), 3, first=make.time(12, 30))
    with clock.turned(make.SUNDAY_EVENING):
        contact = make.a_flare(patient)
    held = Appointment.objects.get(case=contact.case)
    assert (held.state, local(unit, held.slot.starts_at)) == ("held", "Mon 23 Nov 13:00")
    assert contact.case.step == "call_booked"
    told = Message.objects.filter(patient=patient).values_list("template", "channel")
    assert sorted(told) == [
        ("request-received", "email"),
        ("request-received", "sms"),
        ("time-kept", "email"),
        ("time-kept", "sms"),
    ]


def test_booking_twice_keeps_one_time_and_says_it_once(unit):
    patient = make.a_patient(unit)
    make.urgent_times(unit, date(2026, 11, 23), 3)
    with clock.turned(make.SUNDAY_EVENING):
        contact = make.a_flare(patient)
        contacts.book(contact.id)
    assert Appointment.objects.filter(case=contact.case).count() == 1
    assert Message.objects.filter(patient=patient).count() == 4


def test_a_request_that_was_answered_before_the_worker_came_is_given_no_time(unit):
    nurse, patient = make.a_nurse(unit), make.a_patient(unit)
    make.urgent_times(unit, date(2026, 11, 23), 3)
    with clock.turned(make.MONDAY_MORNING):
        contact = make.a_flare(patient, booked=False)
        call = callbacks.claim_next(by=nurse)
        contacts.finish(call, by=nurse, outcome="all_well")
        contacts.book(contact.id)
    assert not Appointment.objects.filter(case=contact.case).exists()


def test_an_open_request_is_added_to_and_never_doubled(unit):
    patient = make.a_patient(unit)
    first = make.a_flare(patient)
    again = contacts.receive(patient=patient, by=patient.user, reason="flare", message="And now a fever")
    assert again.id == first.id
    assert Case.objects.filter(patient=patient).count() == 1
    assert [each.text for each in standing(first.case).additions] == ["And now a fever"]


def test_no_time_left_puts_the_case_at_risk_at_once(unit):
    contact = make.a_flare(make.a_patient(unit))
    assert contact.case.shortage == "no_time_left"
    assert contact.case.at_risk_since is not None


def test_a_ticked_red_flag_is_a_call_of_the_first_priority_before_anything_is_sent(unit):
    patient = make.a_patient(unit)
    with clock.turned(make.SUNDAY_EVENING):
        contact = contacts.warn(patient=patient, red_flags=["rf_bleed"], by=patient.user)
    assert contact.sent_at is None
    assert make.callback_of(contact).priority == 1
    sent = contacts.receive(patient=patient, by=patient.user, reason="worry", message="It bled a lot")
    assert (sent.id, sent.message) == (contact.id, "It bled a lot")
    assert sent.sent_at is not None
    assert make.callback_of(contact).priority == 1


def test_what_is_wrong_is_said_beside_its_field_and_changes_nothing(unit):
    patient = make.a_patient(unit)
    with pytest.raises(Invalid) as refused:
        contacts.receive(
            patient=patient,
            by=patient.user,
            reason="bored",
            message="x" * 4_001,
            answers={"red_flags": ["nonsense"], "since": "ages", "days_left": "many"},
            preferred={"phone": "12", "not_before": "noonish"},
        )
    assert set(refused.value.errors) == {
        "reason",
        "message",
        "answers.red_flags",
        "answers.since",
        "answers.days_left",
        "preferred.phone",
        "preferred.not_before",
    }
    assert not Contact.objects.exists()


def test_getting_in_touch_leaves_its_trace_in_the_journal(unit):
    patient = make.a_patient(unit)
    contact = make.a_flare(patient)
    verbs = list(Entry.objects.filter(case_id=contact.case_id).order_by("id").values_list("verb", flat=True))
    assert verbs[:2] == ["case.opened", "callback.promised"]
    assert Entry.objects.filter(case_id=contact.case_id, verb="case.opened", actor_id=patient.user_id).exists()
