"""Two workers at once: a time that frees is kept for one, in order; staff are told once."""

import threading
from datetime import UTC, date, datetime

from django.db import transaction

from followup.cases import services as cases
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.contacts.models import Escalation
from followup.messages.models import Message
from tests import factories as make
from tests.house import until
from tests.races.at_once import at_once
from tests.races.test_in_between import somebody_waits_for_a_row

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)
MANY = 6


def test_a_time_that_frees_is_kept_for_the_first_in_order_however_many_ask(unit, turn, alone):
    turn(MONDAY)
    first, *others = [make.a_flare(make.a_patient(unit)) for _ in range(4)]
    make.urgent_times(unit, date(2027, 1, 19), 1)
    asked = at_once([lambda: contacts.ask_again(unit.id)] * MANY)
    assert not [each for each in asked if isinstance(each, Exception)], asked
    assert [row.case_id for row in Appointment.objects.filter(unit=unit).live()] == [first.case_id]


def test_what_cannot_wait_is_told_once_however_many_tell_it(unit, turn):
    turn(MONDAY)
    unit.on_call_email = "jour@example.org"
    unit.save()
    make.urgent_times(unit, date(2027, 1, 19), 1)
    contact = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_pain"]})
    told = at_once([lambda: contacts.escalate(contact.case_id, "red_flag")] * MANY)
    assert not [each for each in told if isinstance(each, Exception)], told
    assert Escalation.objects.filter(case=contact.case).count() == 1
    assert Message.objects.filter(case=contact.case, template="staff-escalation").count() == 1


def test_who_is_answered_between_the_reading_and_the_lock_is_kept_no_time(unit, turn, alone):
    """Whoever asks again has read that she was refused, waits for the nurse's hand, and finds her answered."""
    turn(MONDAY)
    nurse, contact, asked = make.a_nurse(unit), make.a_flare(make.a_patient(unit)), []
    call = make.a_call_with(nurse, contact)
    asks = threading.Thread(target=lambda: asked.extend(at_once([lambda: contacts.ask_again(unit.id)])))
    make.urgent_times(unit, date(2027, 1, 19), 1)
    with transaction.atomic():
        cases.lock(contact.case_id)
        asks.start()
        until(somebody_waits_for_a_row, within=10, what="the one who asks again waiting")
        contacts.finish(call, by=nurse, outcome="all_well")
    asks.join(20)
    assert asked == [0]
    assert not Appointment.objects.filter(unit=unit).live().exists()
