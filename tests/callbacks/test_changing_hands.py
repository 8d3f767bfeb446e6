"""A call changes hands: taken over, handed over, given back before a break, put off within the day."""

from datetime import UTC, datetime, timedelta

import pytest

from followup.callbacks import queries, services
from followup.callbacks.models import LeftNote
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed
from followup.core.models import Entry
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TWO = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)  # 14:00 in Eksjö


@pytest.fixture
def flare(unit):
    return make.a_flare(make.a_patient(unit))


def test_a_call_is_taken_over_with_a_reason_and_what_was_typed_reaches_the_colleague(karin, maria, flare):
    call = make.a_call_with(karin, flare)
    services.keep_note(call, by=karin, note="Fever since")
    contacts.dial(call, by=karin)
    with pytest.raises(services.ReasonNeeded):
        contacts.take_over(call, by=maria, why="")
    for _press in range(2):
        contacts.take_over(call, by=maria, why="She is on my line")
    call = make.callback_of(flare)
    assert (call.claimed_by, call.dialled_at, call.draft_note) == (maria, None, "")
    assert [(left.by, left.text) for left in call.left_notes.all()] == [(karin, "Fever since")]
    assert Entry.objects.get(verb="callback.taken_over").why == "She is on my line"
    flare.case.refresh_from_db()
    assert flare.case.step == "call_booked"
    with pytest.raises(services.NotYours, match="Maria"):
        services.keep_note(call, by=karin, note="Fever since Friday")
    services.leave_note(call, by=karin, note="Fever since Friday")
    [left] = LeftNote.objects.filter(callback=call)
    assert (left.by, left.text) == (karin, "Fever since Friday")


def test_a_call_that_nobody_has_is_not_taken_over_but_taken(karin, flare):
    contacts.take_over(make.callback_of(flare), by=karin, why="She rang")
    assert make.callback_of(flare).claimed_by == karin
    assert not Entry.objects.filter(verb="callback.taken_over").exists()


def test_a_call_handed_over_is_the_first_that_the_colleague_is_offered(unit, karin, maria, flare):
    urgent = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_bleed"]})
    call = make.a_call_with(karin, flare)
    services.keep_note(call, by=karin, note="Wants a woman to ring")
    for _press in range(2):
        contacts.hand_over(call, to=maria, note="Please ring her at work", by=karin)
    call = make.callback_of(flare)
    assert (call.claimed_by, call.opened_at) == (maria, None)
    assert call.handed_note == "Wants a woman to ring\n\nPlease ring her at work"
    assert services.claim_next(by=maria) == call
    with pytest.raises(services.NotYours):
        services.extend(call, by=karin)
    with clock.turned(clock.now() + timedelta(minutes=16)):
        contacts.return_run_out(call.id)
        assert make.callback_of(flare).state == "waiting"
        assert services.claim_next(by=karin).case_id == urgent.case_id


@pytest.mark.parametrize("who", [make.a_clinician, lambda unit: make.a_nurse(make.a_unit())])
def test_a_call_is_handed_only_to_somebody_who_answers_calls_here(unit, karin, flare, who):
    call = make.a_call_with(karin, flare)
    for to in (who(unit), karin):
        with pytest.raises(services.NotAColleague):
            contacts.hand_over(call, to=to, note="", by=karin)
    assert make.callback_of(flare).claimed_by == karin


def test_going_home_gives_every_call_back_with_one_note(unit, karin, maria, flare):
    other = make.a_flare(make.a_patient(unit))
    kept = make.a_flare(make.a_patient(unit))
    services.keep_note(make.a_call_with(karin, flare), by=karin, note="Fever")
    make.a_call_with(karin, other)
    make.a_call_with(maria, kept)
    assert len(contacts.give_back_all(by=karin, note="I am off at noon")) == 2
    assert make.callback_of(flare).handed_note == "Fever\n\nI am off at noon"
    assert make.callback_of(other).handed_note == "I am off at noon"
    assert make.callback_of(kept).claimed_by == maria
    assert queries.held_by(karin) == contacts.give_back_all(by=karin, note="again") == []


def test_a_call_is_put_off_within_the_day_and_the_promise_moves_only_if_the_patient_agreed(unit, karin, flare):
    call = make.a_call_with(karin, flare)
    due = call.due  # 13:00
    with pytest.raises(Invalid) as refused:
        contacts.put_off(call, by=karin, start=TWO, why="In a meeting", agreed=False)
    assert "Only the patient can agree" in refused.value.errors["time"]
    eleven = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    contacts.put_off(call, by=karin, start=eleven, why="Waiting for her papers", agreed=False)
    call = make.callback_of(flare)
    assert (call.not_before, call.due, call.state) == (eleven, due, "waiting")
    for _press in range(2):
        contacts.put_off(call, by=karin, start=TWO, why="At work until two", agreed=True)
    call = make.callback_of(flare)
    assert (call.not_before, call.due) == (TWO, TWO + timedelta(hours=1))
    flare.case.refresh_from_db()
    assert flare.case.due == call.due
    said = Entry.objects.filter(verb="callback.put_off").order_by("at", "id")
    assert sorted((entry.why, entry.detail["agreed"]) for entry in said) == [
        ("At work until two", True),
        ("Waiting for her papers", False),
    ]


@pytest.mark.parametrize("start", [None, TWO - timedelta(hours=6), TWO + timedelta(hours=4), TWO + timedelta(days=1)])
def test_a_call_is_put_off_to_an_open_hour_of_the_same_day(karin, flare, start):
    with pytest.raises(Invalid):
        contacts.put_off(make.callback_of(flare), by=karin, start=start, why="x", agreed=True)


def test_the_most_urgent_call_is_never_put_off(unit, karin):
    red = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_bleed"]})
    with pytest.raises(services.CannotWait):
        contacts.put_off(make.callback_of(red), by=karin, start=TWO, why="x", agreed=True)


def test_only_those_who_answer_calls_do_any_of_this(unit, karin, flare):
    doctor, call = make.a_clinician(unit), make.callback_of(flare)
    for forbidden in (
        lambda: contacts.take_over(call, by=doctor, why="x"),
        lambda: contacts.put_off(call, by=doctor, start=TWO, why="x", agreed=True),
        lambda: contacts.hand_over(call, to=karin, note="", by=doctor),
        lambda: services.leave_note(call, by=doctor, note="x"),
        lambda: contacts.ring_again(call, by=doctor, start=TWO, why="x"),
        lambda: contacts.letter_sent(call, by=doctor),
        lambda: contacts.log_call(patient=call.patient, by=doctor, reason="other"),
    ):
        with pytest.raises(NotAllowed):
            forbidden()


def test_a_logged_call_is_claimed_and_may_end_before_the_worker_came(unit, karin):
    patient = make.a_patient(unit)
    said = {"patient": patient, "by": karin, "reason": "flare", "message": "It hurts again."}
    call = contacts.log_call(**said)
    assert contacts.log_call(**said) == call
    contact = call.case.contact
    assert (call.claimed_by, contact.channel, contact.additions.count()) == (karin, "phone", 0)
    contacts.finish(call, by=karin, outcome="all_well")
    contacts.book(contact.id)
    assert not Appointment.objects.filter(case=call.case).exists()
    call.case.refresh_from_db()
    assert call.case.step == "closed"


def test_a_logged_call_is_added_to_what_is_open_and_taken_over_only_when_asked(unit, karin, maria, flare):
    make.a_call_with(karin, flare)
    said = {"patient": flare.case.patient, "by": maria, "reason": "flare", "message": "She rings: fever now."}
    assert contacts.log_call(**said).claimed_by == karin
    assert contacts.log_call(**said, over=True).claimed_by == maria
    assert [each.text for each in flare.additions.all()] == ["She rings: fever now."]
