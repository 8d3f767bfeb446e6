"""Two workers send at once: the provider gets no more texts in a second than the sender may send."""

import pytest
from django.db import connection, transaction

from followup.core import clock
from followup.messages import services
from followup.messages.models import Turn
from followup.messages.services import claims, delivery
from tests import factories as make
from tests.messages.conftest import tell
from tests.races.at_once import at_once

pytestmark = pytest.mark.usefixtures("live_database", "alone")


@pytest.fixture
def queued(unit, twilio, settings):
    """Twelve texts, half of them with each of two workers; three may be sent in this second, in which the clock stands."""
    settings.FOLLOWUP_SMS_PER_SECOND = 3
    patient = make.a_patient(unit)
    ids = [tell(patient, f"{unit.id} {number}", channels=["sms"])[0].id for number in range(12)]
    with clock.turned(clock.now()) as at:
        Turn.objects.all().delete()
        claims._number_the_turns("sms", 3, at)
        yield ids[::2], ids[1::2]


def takes(message_id):
    """A claim that is not committed before the other one has looked."""

    def act():
        with transaction.atomic():
            claimed = delivery._claim(message_id)
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'has looked'")
        return claimed.turn[0] if claimed else None

    return act


def test_two_workers_together_send_no_more_than_may_be_sent(queued, twilio):
    each = [lambda ids=ids: services.deliver_all(ids) for ids in queued]
    assert at_once(each, meet="UPDATE message_turn") == [None, None]
    assert len(twilio.accepted) == 3


def test_two_claims_never_have_one_turn(queued, settings):
    settings.FOLLOWUP_SMS_PER_SECOND = 1
    turns = at_once([takes(ids[0]) for ids in queued], meet="has looked")
    assert sorted(turns, key=str) == [1, None]


def test_without_locks_on_the_turns_they_have_the_same_one(queued, settings, monkeypatch):
    settings.FOLLOWUP_SMS_PER_SECOND = 1
    lock = "ORDER BY t.number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
    plainly = {key: text.replace(lock, "ORDER BY t.number LIMIT 1") for key, text in claims._STATEMENTS.items()}
    monkeypatch.setattr(claims, "_STATEMENTS", plainly)
    assert at_once([takes(ids[0]) for ids in queued], meet="has looked") == [1, 1]
