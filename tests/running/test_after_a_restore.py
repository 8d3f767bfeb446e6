"""A backup is of a moment, and the clinic went on after it: what it still had to send may have been sent."""

from datetime import timedelta

import pytest

from followup.core import clock
from followup.messages import queries as messages
from followup.messages.models import Message, State
from followup.running import restore
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_messages_still_to_be_sent_are_in_doubt_after_a_restore():
    make.a_flare(make.a_patient(make.a_unit()))
    Message.objects.update(due_at=clock.now() - timedelta(hours=1))
    later, *due = Message.objects.order_by("id")
    Message.objects.filter(id=later.id).update(due_at=clock.now() + timedelta(days=1))
    assert restore.doubt_messages() == len(due) > 0
    # Nothing is sent blindly: the provider is asked about each, as about one whose sender died.
    assert messages.to_send() == []
    assert set(messages.stuck()) == {each.id for each in due}
    later.refresh_from_db()
    assert later.state == State.QUEUED
