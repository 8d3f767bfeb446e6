"""A session closes while its times are being given: whoever gets one is moved, or sees that it is closed; nobody is left in it."""

import threading
from datetime import timedelta

from django.db import connection, transaction

from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Session, Slot
from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make
from tests.house import until
from tests.races.at_once import at_once

MANY = 6


def tomorrow(unit):
    return unit.hours.next_open_day(unit.hours.day_of(clock.now()) + timedelta(days=1))


def waiting_cases(unit, count):
    """Requests that are kept no time by themselves: each of these tests gives the times itself."""
    return [make.a_flare(make.a_patient(unit), reason="other", booked=False).case for _ in range(count)]


def somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def left_in(session):
    return Appointment.objects.live().filter(slot__session=session).count()


def closed_by(eva, session):
    return lambda: contacts.close_session(session, by=eva, why="The doctor is ill")


def test_a_booking_that_waits_for_the_closing_sees_the_closed_time(unit):
    eva, [case] = make.a_coordinator(unit), waiting_cases(unit, 1)
    session = make.urgent_times(unit, tomorrow(unit), 1)
    slot = session.slots.get()
    given = []
    with transaction.atomic():
        clinic.stop_giving(session, by=eva)
        booking = threading.Thread(
            target=lambda: given.extend(at_once([lambda: clinic.give(slot, case=case, by=make.TESTS)]))
        )
        booking.start()
        until(somebody_waits_for_a_row, within=10, what="the booking waiting")
        clinic.mark_closed(session, by=eva, why="Ill")
    booking.join(20)
    assert isinstance(given[0], clinic.SlotTaken), given
    assert left_in(session) == 0


def test_without_the_second_look_a_closed_time_is_given(unit):
    """The control: who trusts the time as it was read before the wait gives it although it has closed."""
    eva, [case] = make.a_coordinator(unit), waiting_cases(unit, 1)
    session = make.urgent_times(unit, tomorrow(unit), 1)
    read_before = session.slots.get()
    closed_by(eva, session)()
    assert read_before.closed_at is None
    assert Slot.objects.get(id=read_before.id).closed_at
    with transaction.atomic():
        Appointment.objects.create(unit=unit, slot=read_before, case=case, patient=case.patient, state="held")
        assert left_in(session) == 1
        transaction.set_rollback(True)


def test_a_time_given_in_the_last_moment_is_moved_with_the_others(unit):
    """The booking holds the time when the closing has already looked who must be called."""
    eva, [case] = make.a_coordinator(unit), waiting_cases(unit, 1)
    session = make.urgent_times(unit, tomorrow(unit), 1)
    closed = []
    with transaction.atomic():
        clinic.give(session.slots.get(), case=case, by=make.TESTS)
        closing = threading.Thread(target=lambda: closed.extend(at_once([closed_by(eva, session)])))
        closing.start()
        until(somebody_waits_for_a_row, within=10, what="the closing waiting")
    closing.join(20)
    assert isinstance(closed[0], Session), closed
    assert left_in(session) == 0
    assert make.callback_of(case.contact).ended_at is None, "they are rung"


def test_many_bookings_and_two_closings_at_once_leave_nobody_behind(unit):
    eva, cases = make.a_coordinator(unit), waiting_cases(unit, MANY)
    day = tomorrow(unit)
    one, two = (make.urgent_times(unit, day, MANY // 2) for _ in range(2))
    slots = [*one.slots.order_by("starts_at"), *two.slots.order_by("starts_at")]
    acts = [
        lambda slot=slot, case=case: clinic.give(slot, case=case, by=make.TESTS)
        for slot, case in zip(slots, cases, strict=True)
    ]
    said = at_once([*acts, closed_by(eva, one), closed_by(eva, one), closed_by(eva, two)])
    for each in said:
        assert isinstance(each, Appointment | Session | clinic.SlotTaken), repr(each)
    assert left_in(one) == left_in(two) == 0
    for case in cases:
        assert make.callback_of(case.contact).ended_at is None
