"""The sweeper comes upon something in which a task, or a person, is at work: nothing is done twice, and nothing undone."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction

from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback, State
from followup.clinic import services as clinic
from followup.clinic.models import Appointment
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of, times_to_choose
from followup.core import clock, journal, outbox
from followup.core.models import Entry, Outbox
from followup.messages import services as messages
from followup.messages.gateways import gateway_for
from followup.messages.models import Message
from tests import factories as make
from tests.messages.conftest import tell
from tests.races.at_once import at_once
from tests.races.test_moves import people_with_times

pytestmark = pytest.mark.usefixtures("alone")

HEARD, CALL, TIME, MESSAGE = (
    "INSERT INTO journal",
    'UPDATE "callbacks_callback"',
    'UPDATE "clinic_appointment"',
    "UPDATE message m",
)


# What was committed and not done


@pytest.fixture
def row(unit, monkeypatch):
    """Something happened in this unit; whoever hears of it writes a line."""
    monkeypatch.setitem(
        outbox._handlers, "test.happened", lambda **_: journal.write("test.heard", by=make.TESTS, unit_id=unit.id)
    )
    with transaction.atomic():
        return outbox.put("test.happened")


def times_heard(unit):
    return Entry.objects.filter(unit_id=unit.id, verb="test.heard").count()


def test_a_row_that_task_and_sweeper_work_on_at_once_is_heard_once(unit, row):
    assert at_once([lambda: outbox.handle([row.id])] * 4, meet=HEARD) == [None] * 4
    assert times_heard(unit) == 1
    assert Outbox.objects.get(id=row.id).done_at


def test_without_the_lock_it_is_heard_by_both(unit, row, monkeypatch):
    """The control: both have counted their try before either marks it done."""
    count, both_have_tried = outbox._count_the_try, threading.Barrier(2)
    monkeypatch.setattr(outbox, "_count_the_try", lambda row_id: count(row_id) and both_have_tried.wait(20) >= 0)
    at_once([lambda: outbox.handle([row.id])] * 2, meet=HEARD, locked=False)
    assert times_heard(unit) == 2


# A message that is due


@pytest.fixture
def text(unit):
    [text] = tell(make.a_patient(unit), occasion=str(unit.id), channels=["sms"])
    return text


def test_a_message_that_task_and_sweeper_deliver_at_once_is_sent_once(text, twilio):
    task, sweeper = (lambda: messages.deliver_all([text.id])), (lambda: messages.deliver(text.id))
    assert at_once([task, sweeper, task, sweeper], meet=MESSAGE) == [None] * 4
    assert len(twilio.accepted) == 1
    assert Message.objects.get(id=text.id).state == "sent"


def test_without_the_claim_it_is_sent_by_both(text, twilio):
    """The control: two who look first and note later."""
    both_have_looked = threading.Barrier(2)

    def look_then_send():
        message = Message.objects.get(id=text.id, state="queued")
        both_have_looked.wait(timeout=20)
        gateway_for(message.channel).send(message, message.body)
        Message.objects.filter(id=text.id).update(state="sent", sent_at=clock.now())

    assert at_once([look_then_send] * 2) == [None] * 2
    assert len(twilio.accepted) == 2


# A lease that ran out, and its nurse who types on


@pytest.fixture
def run_out(unit):
    call = make.a_call_with(make.a_nurse(unit), make.a_flare(make.a_patient(unit), reason="other", booked=False))
    contacts.dial(call, by=call.claimed_by)
    Callback.objects.filter(id=call.id).update(lease_until=clock.now() - timedelta(seconds=1))
    return call


def types_while_it_runs_back(call, *, locked=True):
    nurse = call.claimed_by
    said = at_once(
        [lambda: callbacks.keep_note(call, by=nurse, note="8 a day"), lambda: contacts.return_run_out(call.id)],
        meet=CALL,
        locked=locked,
    )
    assert not [each for each in said if isinstance(each, Exception)], said
    return Callback.objects.select_related("case").get(id=call.id)


def test_a_nurse_who_types_while_her_lease_runs_out_keeps_call_and_note(run_out):
    after = types_while_it_runs_back(run_out)
    assert (after.state, after.claimed_by) == (State.CLAIMED, run_out.claimed_by)
    assert "8 a day" in after.draft_note + after.handed_note
    assert policy.step_for(facts_of(after.case)) == (after.case.step, after.case.due)


def test_without_the_lock_the_sweeper_takes_call_and_note_away(run_out):
    """The control: the sweeper writes back what it read before she typed."""
    after = types_while_it_runs_back(run_out, locked=False)
    assert (after.state, after.claimed_by) == (State.WAITING, None)
    assert "8 a day" not in after.draft_note + after.handed_note


# A time that somebody looked at for ten minutes, and takes


@pytest.fixture
def looked_at(unit):
    [contact] = people_with_times(unit, 1)
    chosen = contacts.choose_time(contact.case, times_to_choose(contact.case)[0], by=contact.case.patient.user)
    Appointment.objects.filter(id=chosen.id).update(choice_until=clock.now() - timedelta(seconds=1))
    return chosen


def takes_while_it_lapses(chosen, *, locked=True):
    case, patient = chosen.case, chosen.case.patient.user
    said = at_once(
        [
            lambda: contacts.give_time(case, slot=chosen.slot, by=patient),
            lambda: clinic.lapse_choice(chosen.id, by=contacts.SWEEPER),
        ],
        meet=TIME,
        locked=locked,
    )
    assert isinstance(said[0], Appointment), said
    assert said[1] is None, said
    return Appointment.objects.filter(case=case).kept()


def test_a_time_that_is_taken_in_the_moment_in_which_it_lapses_is_theirs(looked_at):
    kept = takes_while_it_lapses(looked_at)
    assert [each.slot_id for each in kept] == [looked_at.slot_id]


def test_without_the_lock_the_sweeper_takes_it_away_after_it_was_said_to_be_theirs(looked_at):
    """The control."""
    assert not takes_while_it_lapses(looked_at, locked=False).exists()
