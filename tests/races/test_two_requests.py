"""Promise 2 again: no clinic time is given twice, and no request is doubled."""

import threading
from datetime import timedelta

from django.db import connection, transaction

from followup.cases.models import Case
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make
from tests.house import until
from tests.races.at_once import at_once

MANY = 8


def tomorrow(unit):
    return unit.hours.next_open_day(unit.hours.day_of(clock.now()) + timedelta(days=1))


def open_cases(unit, count):
    """Requests for which the worker at our side keeps no time of its own accord."""
    return [make.a_flare(make.a_patient(unit), booked=False, reason="other").case for _ in range(count)]


def hold(case):
    at = clock.now()
    return clinic.hold_earliest(case=case, earliest=at, before=at + timedelta(days=14), by=make.TESTS)


def test_requests_that_want_a_time_at_once_never_share_one(unit):
    cases = open_cases(unit, MANY)
    make.urgent_times(unit, tomorrow(unit), MANY // 2)
    given = at_once([lambda case=case: hold(case) for case in cases])
    held = [each for each in given if isinstance(each, Appointment)]
    assert len({each.slot_id for each in held}) == len(held) == MANY // 2
    assert {type(each) for each in given if each not in held} == {clinic.NoTimeWithinPromise}


def test_who_is_beaten_to_one_time_after_another_gets_the_one_that_is_let_go(unit):
    """Nobody is told that nothing is left while the last time may still fall free: each is waited for."""
    *others, mine = open_cases(unit, 6)
    last = make.urgent_times(unit, tomorrow(unit), len(others)).slots.latest("starts_at")
    all_hold = threading.Barrier(len(others) + 1)

    def hold_until_somebody_waits(case):
        with transaction.atomic():
            held = hold(case)
            all_hold.wait(timeout=20)
            until(somebody_waits_for_us, what="somebody who waits for this time")
            transaction.set_rollback(held.slot_id == last.id)
        return held

    def hold_what_is_left():
        all_hold.wait(timeout=20)
        return hold(mine)

    *_, got = at_once([*(lambda case=case: hold_until_somebody_waits(case) for case in others), hold_what_is_left])
    assert isinstance(got, Appointment), got
    assert got.slot_id == last.id


def somebody_waits_for_us():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return cursor.fetchone()[0]


def test_a_time_chosen_by_two_is_given_to_one(unit):
    cases = open_cases(unit, 2)
    make.urgent_times(unit, tomorrow(unit), 1)
    slot = Slot.objects.get(unit=unit)
    given = at_once([lambda case=case: clinic.give(slot, case=case, by=make.TESTS) for case in cases])
    assert sorted(type(each).__name__ for each in given) == ["Appointment", "SlotTaken"]


def test_without_its_index_one_time_is_given_to_two(unit):
    """The control: two that look first and write later both find the time free; only the index stands between them."""
    cases = open_cases(unit, 2)
    make.urgent_times(unit, tomorrow(unit), 1)
    slot = Slot.objects.get(unit=unit)
    both_have_looked = threading.Barrier(2)

    def look_then_write(case):
        free = not Appointment.objects.filter(slot=slot).exists()
        both_have_looked.wait(timeout=20)
        return free

    assert at_once([lambda case=case: look_then_write(case) for case in cases]) == [True, True]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX one_live_appointment_per_slot")
        for case in cases:
            Appointment.objects.create(unit=unit, slot=slot, case=case, patient=case.patient, state="held")
        assert Appointment.objects.filter(slot=slot).count() == 2
        transaction.set_rollback(True)


def test_a_request_sent_many_times_at_once_is_one(unit):
    patient = make.a_patient(unit)

    def send():
        return contacts.receive(patient=patient, by=patient.user, reason="flare", message="Worse").id

    sent = at_once([send] * MANY)
    assert len(set(sent)) == 1, sent
    assert Case.objects.filter(patient=patient).count() == 1
    assert Case.objects.get(patient=patient).callbacks.count() == 1


def test_people_with_the_same_initials_who_send_at_once_are_all_received(unit):
    """Each case bears a code of its own on the board; two who draw the same one in the same moment must not cost a request."""
    patients = [make.a_patient(unit) for _ in range(MANY)]
    sent = at_once(
        [
            lambda patient=patient: contacts.receive(patient=patient, by=patient.user, reason="other")
            for patient in patients
        ]
    )
    assert not [each for each in sent if isinstance(each, Exception)], sent
    assert Case.objects.filter(unit=unit).values("code").distinct().count() == MANY
