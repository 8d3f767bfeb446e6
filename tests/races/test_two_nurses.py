"""Promise 2: nobody is rung by two nurses."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import IntegrityError, connection, transaction

from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback, State
from followup.cases import services as cases
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.models import Entry
from tests import factories as make
from tests.house import until
from tests.races.at_once import at_once

NURSES = 8


def a_queue(unit, length):
    return [make.a_flare(make.a_patient(unit), booked=False) for _ in range(length)]


def test_nurses_who_take_at_once_never_get_the_same_patient(unit):
    nurses = [make.a_nurse(unit, f"Nurse {n}") for n in range(NURSES)]
    a_queue(unit, NURSES // 2)
    taken = at_once([lambda nurse=nurse: callbacks.claim_next(by=nurse) for nurse in nurses])
    assert not [each for each in taken if isinstance(each, Exception)]
    got = [each.patient_id for each in taken if each]
    assert len(got) == len(set(got)) == NURSES // 2
    assert Entry.objects.filter(unit_id=unit.id, verb="callback.claimed").count() == NURSES // 2


def test_the_most_urgent_are_taken_whoever_comes_first(unit, house):
    nurses = [make.a_nurse(unit) for _ in range(3)]
    with house.stopped("worker"):  # a call that it books in this very moment is passed over
        a_queue(unit, 3)
        worried = make.a_flare(make.a_patient(unit), booked=False, reason="other")
        taken = at_once([lambda nurse=nurse: callbacks.claim_next(by=nurse) for nurse in nurses])
    assert worried.case_id not in {each.case_id for each in taken}


def test_without_the_lock_both_nurses_read_the_same_first_callback(unit):
    """The control: choosing first and writing later, as the claim would without its lock, gives one patient to both."""
    a_queue(unit, 1)
    nurses = [make.a_nurse(unit) for _ in range(2)]
    both_have_chosen = threading.Barrier(2)

    def choose_then_write(nurse):
        chosen = Callback.objects.waiting().of_unit(unit).in_order().first()
        both_have_chosen.wait(timeout=20)
        chosen.state, chosen.claimed_by, chosen.lease_until = State.CLAIMED, nurse, clock.now()
        chosen.save()
        return chosen.patient_id

    taken = at_once([lambda nurse=nurse: choose_then_write(nurse) for nurse in nurses])
    assert taken[0] == taken[1], "the race this guards against did not happen"


def two_calls_of_one_patient(unit):
    """A contact and, beside it, a yearly review that is due for a call."""
    patient = make.a_patient(unit)
    make.a_flare(patient, booked=False)
    at = clock.now()
    with transaction.atomic():
        review = cases.open_case(patient=patient, kind="review", by=make.TESTS)
        callbacks.promise(case=review, reason="review", priority=5, not_before=at, due=at, by=make.TESTS)
    return patient


def test_a_patient_with_two_calls_is_rung_by_one_nurse(unit):
    patient = two_calls_of_one_patient(unit)
    nurses = [make.a_nurse(unit) for _ in range(4)]
    taken = at_once([lambda nurse=nurse: callbacks.claim_next(by=nurse) for nurse in nurses])
    assert not [each for each in taken if isinstance(each, Exception)]
    assert [each.patient_id for each in taken if each] == [patient.id]


def test_without_its_index_the_patient_would_be_rung_by_two(unit):
    """The control: with the index that guards the patient away (in a transaction that is undone), two claims stand."""
    two_calls_of_one_patient(unit)
    nurse = make.a_nurse(unit)
    claimed = {"state": State.CLAIMED, "claimed_by": nurse, "lease_until": clock.now()}

    def claim_both():
        return Callback.objects.of_unit(unit).update(**claimed)

    with transaction.atomic():
        try:
            with transaction.atomic():
                claim_both()
            refused = False
        except IntegrityError:
            refused = True
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX rung_by_one_nurse")
        assert claim_both() == 2
        transaction.set_rollback(True)
    assert refused


def test_two_who_take_over_while_the_holder_finishes_leave_the_call_with_one_or_finished(unit):
    """A call that ended stays ended; one that was taken over has one holder, and nothing that its first holder typed is lost."""
    holder, *others = [make.a_nurse(unit, f"Nurse {n}") for n in range(3)]
    for _round in range(6):
        contact = make.a_flare(make.a_patient(unit), booked=False)
        call = make.a_call_with(holder, contact)
        callbacks.keep_note(call, by=holder, note="8 a day")
        ends, *takes = at_once(
            [
                lambda call=call: contacts.finish(call, by=holder, outcome="all_well", note="8 a day"),
                *[
                    lambda nurse=nurse, call=call: contacts.take_over(call, by=nurse, why="on my line")
                    for nurse in others
                ],
            ]
        )
        after = Callback.objects.get(id=call.id)
        taken = Entry.objects.filter(subject_id=call.id, verb="callback.taken_over").count()
        refused = [each for each in (ends, *takes) if isinstance(each, Exception)]
        assert all(isinstance(each, callbacks.NotYours | callbacks.AlreadyEnded) for each in refused), refused
        if isinstance(ends, Exception):
            assert (after.state, taken) == (State.CLAIMED, 2)
            assert after.claimed_by in others
            assert "8 a day" in {left.text for left in after.left_notes.filter(by=holder)}
        else:
            assert (after.state, after.claimed_by) == (State.DONE, None)
            assert len(refused) + taken == 2


def test_who_ends_a_call_while_a_colleague_takes_it_is_told_who_has_it(unit):
    karin, maria = make.a_nurse(unit, "Karin"), make.a_nurse(unit, "Maria")
    with ThreadPoolExecutor(1) as karins_browser:
        a_queue(unit, 1)
        call = callbacks.claim_next(by=karin)
        Callback.objects.filter(id=call.id).update(lease_until=clock.now())
        with transaction.atomic():
            callbacks.claim_chosen(call, by=maria, why="Karin went home")
            ends = karins_browser.submit(outcome_of, lambda: callbacks.extend(call, by=karin))
            until(somebody_waits_for_us, what="Karin's browser waiting for the call")
        told = ends.result(20)
    assert isinstance(told, callbacks.NotYours)
    assert told.holder == maria.name


def outcome_of(act):
    try:
        return act()
    except Exception as error:
        return error
    finally:
        connection.close()


def somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return cursor.fetchone()[0]
