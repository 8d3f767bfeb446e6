"""What was committed is heard, once, whatever fails on the way."""

from datetime import timedelta

import pytest
from django.db import transaction

from followup.core import clock, outbox
from followup.core.models import Outbox
from tests.factories import MONDAY_MORNING

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def monday():
    with clock.turned(MONDAY_MORNING):
        yield


@pytest.fixture
def heard(monkeypatch):
    """A room that listens to `test.happened`; what it hears is kept, and `heard.trouble` makes it fail."""

    class Heard(list):
        trouble: Exception | None = None

    heard = Heard()

    def listen(**payload):
        heard.append(payload)
        if heard.trouble:
            raise heard.trouble

    monkeypatch.setitem(outbox._handlers, "test.happened", listen)
    return heard


def happened() -> int:
    with transaction.atomic():
        return outbox.put("test.happened", thing="1").id


def test_a_row_belongs_in_the_transaction_of_what_it_tells_of(monkeypatch):
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="transaction"):
        outbox.put("test.happened")


def test_what_is_rolled_back_did_not_happen():
    with pytest.raises(ValueError, match="no"), transaction.atomic():
        outbox.put("test.happened")
        raise ValueError("no")
    assert not Outbox.objects.exists()


def test_delivered_twice_it_is_done_once(heard):
    row = happened()
    outbox.handle([row, row])
    outbox.handle([row])
    assert heard == [{"thing": "1"}]
    assert Outbox.objects.get(id=row).done_at == clock.now()


def test_a_lost_nudge_is_found_by_looking(heard):
    row = happened()
    assert outbox.waiting() == [], "the nudge has a moment first"
    with clock.turned(MONDAY_MORNING + outbox.GRACE):
        assert outbox.waiting() == [row]
        outbox.handle(outbox.waiting())
        assert outbox.waiting() == []
    assert len(heard) == 1


def test_one_that_fails_is_tried_again_with_growing_gaps_and_keeps_no_half_work(heard):
    heard.trouble = ValueError("not today")
    row = happened()
    gaps = []
    for _ in range(4):
        at = Outbox.objects.get(id=row).due_at
        with clock.turned(at):
            outbox.handle([row])
            gaps.append(Outbox.objects.get(id=row).due_at - at)
    assert gaps == [timedelta(seconds=seconds) for seconds in (2, 4, 8, 16)]
    kept = Outbox.objects.get(id=row)
    assert (kept.attempts, kept.trouble, kept.done_at) == (4, "ValueError", None)
    heard.trouble = None
    outbox.handle([row])
    assert Outbox.objects.get(id=row).done_at


def test_after_the_last_try_it_is_a_persons(heard):
    heard.trouble = ValueError("never")
    row = happened()
    for _ in range(outbox.TRIES + 3):
        with clock.turned(Outbox.objects.get(id=row).due_at):
            outbox.handle([row])
    assert len(heard) == outbox.TRIES
    assert [each.id for each in outbox.given_up()] == [row]
    with clock.turned(MONDAY_MORNING + timedelta(days=30)):
        assert outbox.waiting() == []


def test_a_topic_that_nobody_hears_is_not_taken_for_done():
    with transaction.atomic():
        row = outbox.put("test.unheard").id
    outbox.handle([row])
    assert Outbox.objects.get(id=row).trouble == "KeyError"


def test_a_handler_that_fails_leaves_nothing_of_its_work(monkeypatch):
    def half(**_):
        Outbox.objects.create(topic="half.work", due_at=clock.now())
        raise ValueError("after the first half")

    monkeypatch.setitem(outbox._handlers, "test.happened", half)
    outbox.handle([happened()])
    assert not Outbox.objects.filter(topic="half.work").exists()


def test_one_that_fails_does_not_keep_the_next_waiting(heard, monkeypatch):
    def fail(**_):
        raise ValueError("no")

    monkeypatch.setitem(outbox._handlers, "test.fails", fail)
    with transaction.atomic():
        first, second = outbox.put("test.fails").id, outbox.put("test.happened", thing="2").id
    outbox.handle([first, second])
    assert heard == [{"thing": "2"}]
