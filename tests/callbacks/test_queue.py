"""The call queue: order, leases, promises that pass."""

from datetime import timedelta

import pytest

from followup.callbacks import queries, services
from followup.callbacks.models import Callback
from followup.contacts import services as contacts
from followup.core import clock, outbox
from followup.core.errors import NotAllowed, Unknown
from followup.core.models import Entry, Outbox
from followup.messages.models import Message
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]


def later(**gap):
    return clock.turned(clock.now() + timedelta(**gap))


def test_calls_come_by_priority_then_promise_then_arrival(unit, nurse):
    other = make.a_flare(make.a_patient(unit), reason="other")
    with later(minutes=1):
        flare = make.a_flare(make.a_patient(unit))
    with later(minutes=2):
        second_flare = make.a_flare(make.a_patient(unit))
    with later(minutes=3):
        red_flag = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_bleed"]})
    with later(minutes=4):
        order = []
        while call := services.claim_next(by=nurse):
            order.append(call.case_id)
            services.seen(call, by=nurse)
    assert order == [each.case_id for each in (red_flag, flare, second_flare, other)]


def test_a_claim_whose_answer_was_lost_is_offered_again(unit, nurse):
    make.a_flare(make.a_patient(unit))
    make.a_flare(make.a_patient(unit))
    first = services.claim_next(by=nurse)
    assert services.claim_next(by=nurse) == first
    services.seen(first, by=nurse)
    assert services.claim_next(by=nurse) != first


def test_a_call_wished_for_later_is_not_offered_before(unit, nurse):
    make.a_flare(make.a_patient(unit), preferred={"not_before": "14:00"})
    assert services.claim_next(by=nurse) is None
    assert f"{queries.next_planned(unit).astimezone(unit.zone):%H:%M}" == "14:00"
    with later(hours=6):
        assert services.claim_next(by=nurse)


def test_a_nurse_of_another_unit_is_never_offered_it(unit):
    contact = make.a_flare(make.a_patient(unit))
    stranger = make.a_nurse(make.a_unit())
    assert services.claim_next(by=stranger) is None
    with pytest.raises(Unknown):
        queries.callback_for(stranger, make.callback_of(contact).id)


@pytest.mark.parametrize("who", [make.a_clinician, lambda unit: make.a_patient(unit).user])
def test_only_those_who_answer_calls_may_take_one(unit, who):
    make.a_flare(make.a_patient(unit))
    with pytest.raises(NotAllowed):
        services.claim_next(by=who(unit))


def test_a_lease_that_runs_out_puts_the_callback_back(unit, nurse):
    contact = make.a_flare(make.a_patient(unit))
    call = make.a_call_with(nurse, contact)
    contacts.dial(call, by=nurse)
    with later(minutes=16):
        assert queries.run_out() == [call.id]
        contacts.return_run_out(call.id)
    call.refresh_from_db()
    contact.case.refresh_from_db()
    assert (call.state, call.claimed_by, contact.case.step) == ("waiting", None, "call_booked")
    assert Entry.objects.filter(verb="callback.lease_ran_out", subject_id=call.id).exists()


def test_use_renews_the_lease(unit, nurse):
    call = make.a_call_with(nurse, make.a_flare(make.a_patient(unit)))
    with later(minutes=14):
        services.extend(call, by=nurse)
    with later(minutes=28):
        assert queries.run_out() == []
        contacts.return_run_out(call.id)
    assert Callback.objects.get(id=call.id).claimed_by == nurse


def test_a_lease_that_ran_out_may_be_claimed_before_the_sweeper_came(unit, nurse):
    contact = make.a_flare(make.a_patient(unit))
    make.a_call_with(nurse, contact)
    colleague = make.a_nurse(unit, "Maria")
    with later(minutes=16):
        assert services.claim_next(by=colleague).case_id == contact.case_id
        with pytest.raises(services.NotYours, match="Maria"):
            services.extend(make.callback_of(contact), by=nurse)


def test_a_call_that_rang_when_its_lease_ran_out_no_longer_rings_once_it_is_claimed_anew(unit, nurse):
    contact = make.a_flare(make.a_patient(unit))
    contacts.dial(make.a_call_with(nurse, contact), by=nurse)
    with later(minutes=16):
        assert services.claim_next(by=make.a_nurse(unit, "Maria"))
        [row] = Outbox.objects.filter(topic="callbacks.claimed_anew")
        outbox.handle([row.id])
    contact.case.refresh_from_db()
    assert contact.case.step == "call_booked"
    row.refresh_from_db()
    assert row.done_at


def test_taking_one_out_of_turn_asks_why(unit, nurse):
    call = make.callback_of(make.a_flare(make.a_patient(unit)))
    with pytest.raises(services.ReasonNeeded):
        services.claim_chosen(call, by=nurse, why=" ")
    services.claim_chosen(call, by=nurse, why="She is on the line")
    assert Entry.objects.get(verb="callback.claimed", subject_id=call.id).why == "She is on the line"


def test_giving_back_leaves_a_note_for_the_next(unit, nurse):
    call = make.a_call_with(nurse, make.a_flare(make.a_patient(unit)))
    contacts.give_back(call, by=nurse, note="Wants to be rung at work")
    call.refresh_from_db()
    assert (call.state, call.handed_note) == ("waiting", "Wants to be rung at work")


@pytest.mark.parametrize(
    ("reason", "flags", "before", "after"), [("other", [], 4, 3), ("flare", [], 2, 2), ("flare", ["rf_bleed"], 1, 1)]
)
def test_a_passed_promise_lifts_by_one_once_and_never_to_the_first(unit, reason, flags, before, after):
    call = make.callback_of(make.a_flare(make.a_patient(unit), reason=reason, answers={"red_flags": flags}))
    assert call.priority == before
    with clock.turned(call.due + timedelta(seconds=1)):
        assert queries.promise_passed() == [call.id]
        contacts.lift_passed(call.id)
        contacts.lift_passed(call.id)
        assert queries.promise_passed() == []
    call.refresh_from_db()
    assert call.priority == after


def test_a_patient_whose_call_is_late_is_told_so_once(unit):
    patient = make.a_patient(unit)
    call = make.callback_of(make.a_flare(patient))
    with clock.turned(call.due + timedelta(seconds=1)):
        contacts.lift_passed(call.id)
        contacts.lift_passed(call.id)
    told = Message.objects.filter(patient=patient, template="promise-late")
    assert sorted(told.values_list("channel", flat=True)) == ["email", "sms"]
    assert "4:30pm on Monday 23 November" in told.get(channel="sms").body


def test_the_numbers_of_the_queue(unit, nurse):
    make.a_call_with(nurse, make.a_flare(make.a_patient(unit)))
    late = make.a_flare(make.a_patient(unit))
    with clock.turned(make.callback_of(late).due + timedelta(minutes=5)):
        numbers = queries.numbers(unit, nurse)
    assert (numbers.waiting, numbers.late, numbers.mine) == (1, 2, 0)
    assert queries.numbers(unit, nurse).mine == 1
