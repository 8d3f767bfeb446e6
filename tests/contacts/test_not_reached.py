"""Nobody answers: the tries, the texts after them, "I am free now", and the person who decides. Nothing closes by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from followup.callbacks import queries
from followup.callbacks import services as callbacks
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.errors import Invalid
from followup.core.models import Entry
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TUESDAY_TEN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def patient(unit):
    return make.a_patient(unit)


def nobody_answers(nurse, contact):
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="no_answer")
    return make.callback_of(contact)


def after_three_tries(nurse, contact):
    """Each try at the moment for which it was planned; the moment of the last."""
    nobody_answers(nurse, contact)
    for _try in range(2):
        at = make.callback_of(contact).not_before
        with clock.turned(at):
            call = nobody_answers(nurse, contact)
    return call, at


def texts(patient) -> list[str]:
    return [template for template in make.texts_of(patient_id=patient.id) if template.startswith("call-")]


def test_three_tries_two_texts_and_then_a_person_decides(nurse, patient):
    contact = make.a_flare(patient)
    call = nobody_answers(nurse, contact)
    assert texts(patient) == ["call-missed"]
    assert f"{call.not_before.astimezone(call.unit.zone):%a %H:%M}" == "Mon 11:00"
    with clock.turned(call.not_before):
        call = nobody_answers(nurse, contact)
        assert texts(patient) == ["call-missed"]
    assert (
        f"{call.not_before.astimezone(call.unit.zone):%a %H:%M}" == "Tue 12:15"
    )  # the other part of the next open day
    with clock.turned(call.not_before) as at:
        call = nobody_answers(nurse, contact)
        assert (call.decide_since, call.state) == (at, "waiting")
        assert queries.numbers(call.unit, nurse).to_decide == 1
        assert callbacks.claim_next(by=nurse) is None
    assert texts(patient) == ["call-missed", "call-failed"]
    contact.case.refresh_from_db()
    assert (contact.case.step, contact.case.closed) == ("unreached", None)


def test_free_now_brings_the_call_forward_once_and_the_next_dial_forgets_it(nurse, patient):
    contact = make.a_flare(patient)
    call = nobody_answers(nurse, contact)
    assert callbacks.claim_next(by=nurse) is None
    with clock.turned(clock.now() + timedelta(minutes=20)) as at:
        for _press in range(2):
            contacts.say_free(patient=patient, by=patient.user)
        call = make.callback_of(contact)
        assert (call.said_free_at, call.not_before, call.due) == (at, at, at + timedelta(hours=1))
        contact.case.refresh_from_db()
        assert contact.case.due == call.due
        assert contact.additions.filter(kind="free_now").count() == 1
        assert callbacks.claim_next(by=nurse) == call
        contacts.dial(call, by=nurse)
        assert make.callback_of(contact).said_free_at is None
        call = nobody_answers(nurse, contact)
        contacts.say_free(patient=patient, by=patient.user)
    assert contact.additions.filter(kind="free_now").count() == 2


def test_free_now_in_the_evening_is_promised_for_the_next_opening(nurse, patient):
    contact = make.a_flare(patient)
    nobody_answers(nurse, contact)
    with clock.turned(datetime(2026, 11, 23, 18, 0, tzinfo=UTC)):
        call = contacts.say_free(patient=patient, by=patient.user)
    # What was promised (Monday noon) had passed already and is late; nothing makes a promise longer.
    assert call.due < clock.now() + timedelta(hours=4)
    call, last = after_three_tries(nurse, make.a_flare(make.a_patient(call.unit, given_name="Bodil")))
    with clock.turned(datetime(2026, 11, 24, 18, 0, tzinfo=UTC)):
        call = contacts.say_free(patient=call.patient, by=call.patient.user)
    assert f"{call.due.astimezone(call.unit.zone):%a %H:%M}" == "Wed 09:00"
    assert call.decide_since is None


def test_nobody_is_free_now_whom_we_have_not_tried(nurse, patient):
    with pytest.raises(contacts.NothingOpen):
        contacts.say_free(patient=patient, by=patient.user)
    contact = make.a_flare(patient)
    with pytest.raises(contacts.NothingOpen):
        contacts.say_free(patient=patient, by=patient.user)
    nobody_answers(nurse, contact)
    call = make.a_call_with(nurse, contact)
    contacts.dial(call, by=nurse)
    contacts.say_free(patient=patient, by=patient.user)  # she is ringing at this moment
    assert make.callback_of(contact).said_free_at is None


def test_a_person_decides_to_ring_again_and_the_tries_begin_anew(nurse, patient):
    contact = make.a_flare(patient)
    call, last = after_three_tries(nurse, contact)
    with clock.turned(last):
        wednesday = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
        for _press in range(2):
            contacts.ring_again(call, by=nurse, start=wednesday, why="Her sister says she is home then")
        call = make.callback_of(contact)
        assert (call.decide_since, call.not_before, call.unanswered) == (None, wednesday, 0)
        contact.case.refresh_from_db()
        assert contact.case.step == "call_booked"
        with pytest.raises(callbacks.NothingToDecide):
            contacts.ring_again(call, by=nurse, start=wednesday + timedelta(hours=1), why="No, later")
    assert Entry.objects.get(verb="callback.to_ring_again").why == "Her sister says she is home then"
    with clock.turned(wednesday):
        call = nobody_answers(nurse, contact)
        assert call.decide_since is None
    assert texts(patient) == ["call-missed", "call-failed", "call-missed"]


@pytest.mark.parametrize(
    ("start", "why", "field"),
    [
        (None, "x", "time"),
        (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), "x", "time"),  # passed
        (datetime(2026, 11, 28, 9, 0, tzinfo=UTC), "x", "time"),  # a Saturday
        (datetime(2027, 11, 25, 9, 0, tzinfo=UTC), "x", "time"),  # next year: a slip
        (datetime(2026, 11, 25, 9, 0, tzinfo=UTC), " ", "why"),
    ],
)
def test_ringing_again_needs_an_open_hour_to_come_and_a_reason(nurse, patient, start, why, field):
    call, last = after_three_tries(nurse, make.a_flare(patient))
    with clock.turned(last), pytest.raises(Invalid) as refused:
        contacts.ring_again(call, by=nurse, start=start, why=why)
    assert list(refused.value.errors) == [field]


def test_a_letter_keeps_it_on_the_list_and_somebody_looks_again(nurse, patient):
    contact = make.a_flare(patient, reason="worry")
    call, last = after_three_tries(nurse, contact)
    with clock.turned(last):
        for _press in range(2):
            contacts.letter_sent(call, by=nurse)
        call = make.callback_of(contact)
        assert queries.numbers(call.unit, nurse).to_decide == 0
        assert list(queries.to_decide(call.unit)) == []
        assert call in queries.in_queue(call.unit)
    assert Entry.objects.filter(verb="callback.letter_sent").count() == 1
    assert (call.due - last).days >= call.case.programme.rules.queue.letter_wait_working_days
    with clock.turned(call.due):
        assert list(queries.to_decide(call.unit)) == [call]
        assert queries.numbers(call.unit, nurse).to_decide == 1
        contact.case.refresh_from_db()
        assert contact.case.closed is None
        contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="other", note="She has moved away")
    contact.case.refresh_from_db()
    assert contact.case.step == "closed"


def test_whose_decision_it_is(nurse, unit):
    """The nurse in charge for who feels worse or has a red flag; a letter and the work list for the rest."""
    rules = make.a_programme().rules
    assert rules.nurse_in_charge_decides("flare")
    assert rules.nurse_in_charge_decides("other", ["rf_bleed"])
    assert not rules.nurse_in_charge_decides("worry")
