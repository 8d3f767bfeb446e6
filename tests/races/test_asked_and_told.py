"""Two workers at once: a time that frees is kept for one, in order; staff are told once."""

from datetime import UTC, date, datetime

from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.contacts.models import Escalation
from followup.messages.models import Message
from tests import factories as make
from tests.races.at_once import at_once

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)
MANY = 6


def test_a_time_that_frees_is_kept_for_the_first_in_order_however_many_ask(unit, turn):
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
