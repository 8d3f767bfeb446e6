"""Times that move while others reach for them: what one looks at nobody else gets, and a move beside a confirming nurse leaves one time."""

import threading
from datetime import time, timedelta

from django.db import IntegrityError, connection, transaction

from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot, SlotKind
from followup.contacts import policy, queries
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of
from followup.core import clock
from followup.core.errors import Refused
from tests import factories as make
from tests.races.at_once import at_once

MANY = 6


EARLY = time(8)


def days_ahead(unit, count):
    """Open days, far enough ahead that a call can come before them."""
    day, found = unit.hours.day_of(clock.now()), []
    while len(found) < count:
        day = unit.hours.next_open_day(day + timedelta(days=1))
        found.append(day)
    return found


def people_with_times(unit, count):
    """Patients who need no time of the urgent kind, so that the worker beside us keeps none; revisit times for them."""
    make.urgent_times(unit, days_ahead(unit, 3)[2], count * 2, kind=SlotKind.REVISIT, first=EARLY)
    return [make.a_flare(make.a_patient(unit), reason="appointment") for _ in range(count)]


def test_a_time_that_many_look_at_is_kept_for_one(unit):
    told = people_with_times(unit, MANY)
    slot = Slot.objects.filter(unit=unit).order_by("starts_at").last()
    looked = at_once(
        [lambda each=each: contacts.choose_time(each.case, slot, by=each.case.patient.user) for each in told]
    )
    kinds = sorted(type(each).__name__ for each in looked)
    assert kinds == ["Appointment", *["SlotTaken"] * (MANY - 1)], looked
    chooser = next(each for each in looked if isinstance(each, Appointment))
    confirmed = at_once(
        [lambda each=each: contacts.give_time(each.case, slot=slot, by=each.case.patient.user) for each in told]
    )
    got = [each for each in confirmed if isinstance(each, Appointment)]
    assert [each.case_id for each in got] == [chooser.case_id], confirmed


def test_without_its_index_a_time_is_kept_for_two_who_look(unit):
    """The control: both find the time free before either has written; only the index stands between them."""
    told = people_with_times(unit, 2)
    slot = Slot.objects.filter(unit=unit).order_by("starts_at").last()
    both_have_looked = threading.Barrier(2)

    def look(each):
        free = slot in queries.times_to_choose(each.case)
        both_have_looked.wait(timeout=20)
        return free

    assert at_once([lambda each=each: look(each) for each in told]) == [True, True]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX one_live_appointment_per_slot")
        for each in told:
            clinic.hold_choice(slot, case=each.case, by=make.TESTS)
        assert Appointment.objects.filter(slot=slot, state="held").count() == 2
        transaction.set_rollback(True)


def test_a_patient_who_moves_while_the_nurse_confirms_has_one_time(unit):
    for _round in range(2):
        contact = people_with_times(unit, 1)[0]
        nurse, patient = make.a_nurse(unit), contact.case.patient
        first, second = queries.times_to_choose(contact.case)[:2]
        contacts.give_time(contact.case, slot=first, by=patient.user)
        contacts.choose_time(contact.case, second, by=patient.user)
        call = make.a_call_with(nurse, contact)
        answers = at_once(
            [
                lambda contact=contact, second=second, by=patient.user: contacts.give_time(
                    contact.case, slot=second, by=by
                ),
                lambda call=call, nurse=nurse: contacts.finish(call, by=nurse, outcome="clinic_time"),
                lambda contact=contact: contacts.move_kept(contact.case_id),
            ]
        )
        assert all(not isinstance(each, Exception) or isinstance(each, Refused) for each in answers), answers
        live = Appointment.objects.kept().get(case=contact.case)
        assert live.state == "booked"
        contact.case.refresh_from_db()
        assert policy.step_for(facts_of(contact.case)) == (contact.case.step, contact.case.due)


def chooses_beside_the_nurse(unit, *, locked=True):
    """A patient takes one time while the nurse confirms another. What each was told."""
    contact = people_with_times(unit, 1)[0]
    nurse, patient = make.a_nurse(unit), contact.case.patient
    first, second = queries.times_to_choose(contact.case)[:2]
    call = make.a_call_with(nurse, contact)
    said = at_once(
        [
            lambda: contacts.give_time(contact.case, slot=first, by=patient.user),
            lambda: contacts.finish(call, by=nurse, outcome="clinic_time", slot=second),
        ],
        meet='INSERT INTO "clinic_appointment"',
        locked=locked,
    )
    return contact.case, said


def test_a_patient_who_chooses_while_the_nurse_gives_another_time_has_one(unit, alone):
    case, said = chooses_beside_the_nurse(unit)
    assert all(not isinstance(each, Exception) or isinstance(each, Refused) for each in said), said
    assert Appointment.objects.filter(case=case).kept().count() == 1


def test_without_the_lock_one_of_them_is_shown_an_error(unit, alone):
    """The control: both find the case without a time, and only an index keeps it from having two."""
    case, said = chooses_beside_the_nurse(unit, locked=False)
    [broken] = [each for each in said if isinstance(each, IntegrityError)]
    assert "one_time_per_case" in str(broken)


def test_without_its_index_too_a_case_has_two_times(unit):
    """The control of that last guard, in a transaction that is undone."""
    case = people_with_times(unit, 1)[0].case
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX one_time_per_case")
        for slot in queries.times_to_choose(case)[:2]:
            Appointment.objects.create(unit=unit, slot=slot, case=case, patient=case.patient, state="held")
        assert Appointment.objects.filter(case=case).kept().count() == 2
        transaction.set_rollback(True)


def test_two_late_calls_that_move_to_one_time_do_not_share_it(unit):
    """Both held times are too early for their calls, and one later time is left."""
    day = days_ahead(unit, 3)[2]
    early = list(make.urgent_times(unit, day, 2, first=EARLY).slots.order_by("starts_at"))
    told = [make.a_flare(make.a_patient(unit), booked=False) for _ in early]
    for contact, slot in zip(told, early, strict=True):
        clinic.give(slot, case=contact.case, by=make.TESTS, only_hold=True)
    later = make.urgent_times(unit, day, 1, first=time(15)).slots.get()
    for contact in told:
        call = make.callback_of(contact)
        type(contact).objects.filter(id=contact.id).update(see_by=later.starts_at + timedelta(hours=1))
        type(call).objects.filter(id=call.id).update(due=later.starts_at - timedelta(hours=2))
    moved = at_once([lambda each=each: contacts.move_kept(each.case_id) for each in told])
    assert not [each for each in moved if isinstance(each, Exception)], moved
    live = Appointment.objects.kept().filter(case__in=[each.case_id for each in told])
    assert live.count() == 2
    assert live.filter(slot=later).count() == 1
