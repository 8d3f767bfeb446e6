"""What was committed is heard, once, whatever fails on the way."""

import itertools
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction

from followup.core import clock, outbox
from followup.core.models import Outbox
from followup.core.patience import Patience
from tests.factories import MONDAY_MORNING
from worker.tasks.core import work

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


@pytest.fixture
def handed(monkeypatch):
    """The ids of each task that the worker is handed."""
    tasks: list[list[int]] = []
    monkeypatch.setattr(outbox, "_nudge", lambda task, ids, **_: tasks.append(ids))
    monkeypatch.setattr(outbox, "_patience", Patience())
    return tasks


def test_two_things_that_one_row_asks_of_the_worker_are_one_task(
    handed, monkeypatch, django_capture_on_commit_callbacks
):
    def queue_two_texts(**_):
        with django_capture_on_commit_callbacks(execute=True):
            outbox.nudge_on_commit("test.deliver", ["a"])
            outbox.nudge_on_commit("test.deliver", ["b"])

    monkeypatch.setitem(outbox._handlers, "test.happened", queue_two_texts)
    outbox.handle([happened()])
    assert handed == [["a", "b"]]


def test_a_lost_nudge_is_found_by_looking(heard, handed):
    row = happened()
    assert outbox.relay() == 0, "the nudge has a moment first"
    with clock.turned(MONDAY_MORNING + outbox.GRACE):
        assert outbox.relay() == 1
        assert handed == [[row]]
        outbox.handle([row])
    with clock.turned(MONDAY_MORNING + timedelta(minutes=1)):
        assert outbox.relay() == 0
    assert len(heard) == 1


def test_many_are_handed_on_in_tasks_of_a_hundred_and_by_the_next_sweep_not_once_more(handed, monkeypatch):
    monkeypatch.setattr(outbox, "A_LOOK", 200)
    rows = Outbox.objects.bulk_create([Outbox(topic="test.happened", due_at=MONDAY_MORNING) for _ in range(450)])
    assert outbox.relay() == 450
    assert sorted(map(len, handed)) == [50, 100, 100, 100, 100]
    assert sorted(sum(handed, [])) == [row.id for row in rows]
    assert not Outbox.objects.filter(attempts__gt=0).exists(), "to hand on is not to try"
    with clock.turned(MONDAY_MORNING + timedelta(seconds=5)):
        assert outbox.relay() == 0


def test_after_a_turn_the_rest_of_a_task_goes_to_the_end_of_the_line(heard, handed, monkeypatch):
    hands = itertools.count()
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=lambda: next(hands) * outbox.A_TURN * 0.6))
    rows = [happened() for _ in range(5)]
    work(ids=rows)
    assert len(heard) == 2
    assert handed == [rows[2:]]
    outbox.handle(handed.pop())
    assert len(heard) == 5, "without a turn, all"
    assert not handed


def test_what_was_lost_on_its_way_to_the_worker_is_handed_on_again(handed, monkeypatch):
    def away(*_, **__):
        raise ConnectionError

    row = happened()
    monkeypatch.setattr(outbox, "_nudge", away)
    with clock.turned(MONDAY_MORNING + outbox.GRACE) as at:
        assert outbox.relay() == 1
    monkeypatch.setattr(outbox, "_nudge", lambda task, ids, **_: handed.append(ids))
    monkeypatch.setattr(outbox, "_patience", Patience())
    with clock.turned(at + outbox.HANDED):
        outbox.relay()
    assert handed == [[row]]


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
        assert outbox.relay() == 0


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
