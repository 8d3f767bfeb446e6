"""Telling another room that something happened, so that it is heard whatever process dies.

`put` writes a row with the change itself. After commit the worker is nudged; if the nudge is lost, a sweeper finds the row.
`handle` does the work and marks the row done in one transaction, so that a row is worked exactly once however often it is
delivered. A handler that fails is tried again with growing gaps; after `TRIES` a person sees it.
"""

import json
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from followup.core import clock, crash, journal, trace
from followup.core.models import Outbox
from followup.core.patience import Patience
from followup.core.statement import part, run

log = logging.getLogger(__name__)

TRIES = 10
GRACE = timedelta(seconds=2)
"""How long the nudge after commit has before the sweeper looks."""
HANDED = timedelta(seconds=10)
"""How long the worker has for what the sweeper handed it."""
A_TASK, A_LOOK = 100, 1000
A_TURN = 0.5
"""Seconds that a task has the worker; behind a backlog the texts, which wait in another line, would not get a look for minutes."""

Handler = Callable[..., Any]

_handlers: dict[str, Handler] = {}
_nudge: Callable[..., None] | None = None
_patience = Patience()


def put(topic: str, **payload: Any) -> Outbox:
    """Write down that `topic` ("room.what_happened") happened. `payload` holds ids as text and plain values."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An outbox row belongs in the transaction of what it tells of.")
    at = clock.now()
    row = Outbox.objects.create(topic=topic, payload=payload, created_at=at, due_at=at + GRACE, trace=trace.current())
    crash.commit("outbox.put")
    nudge_on_commit("outbox.work", [row.id])
    return row


def nudge_on_commit(task: str, ids: list[Any], *, within: float | None = None) -> None:
    """Ask the worker, after commit, to do `task` for these ids. A broker that does not answer is logged and never shown.

    `within`: not at all, when the worker did not come to it within so many seconds.
    """
    transaction.on_commit(lambda: _try_to_nudge(task, ids, within=within))


def _try_to_nudge(task: str, ids: list[Any], within: float | None = None) -> None:
    held_back = _held_back.get()
    if held_back is not None:
        held_back.setdefault((task, within), []).extend(ids)
    elif _nudge is not None:
        _patience.call(f"nudging the worker for {task}", lambda: _nudge(task, ids, within=within))


_held_back: ContextVar[dict[tuple[str, float | None], list[Any]] | None] = ContextVar("held_back", default=None)


@contextmanager
def one_nudge_for_each_task() -> Iterator[None]:
    """What the block asks of the worker, once it committed, is asked at its end: two texts of one change are one task."""
    held_back: dict[tuple[str, float | None], list[Any]] = {}
    token = _held_back.set(held_back)
    try:
        yield
    finally:
        _held_back.reset(token)
    for (task, within), ids in held_back.items():
        _try_to_nudge(task, ids, within=within)


def connect(nudge: Callable[..., None], handlers: dict[str, Handler]) -> None:
    """The worker introduces itself: how it is nudged, and who hears which topic."""
    global _nudge
    _nudge = nudge
    _handlers.update(handlers)


# Counted, or given up where it was tried often enough. One that a neighbour has in hand is left to it.
_TRY = """
WITH mine AS (
    SELECT id, attempts >= %(tries)s AS enough FROM outbox
     WHERE id = %(id)s AND done_at IS NULL AND gave_up_at IS NULL FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE outbox o SET attempts = o.attempts + CASE WHEN enough THEN 0 ELSE 1 END,
                    due_at = %(at)s::timestamptz + interval '1 second' * least(2 * 2 ^ o.attempts, 600),
                    gave_up_at = CASE WHEN enough THEN %(at)s::timestamptz END
  FROM mine WHERE o.id = mine.id RETURNING enough, topic, attempts, trace
"""
# Marked first, in the transaction of the work: both stand or neither.
_DONE = """
UPDATE outbox SET done_at = %(at)s
 WHERE id = (SELECT id FROM outbox WHERE id = %(id)s AND done_at IS NULL FOR NO KEY UPDATE SKIP LOCKED)
RETURNING topic, payload, trace
"""
_HAND_ON = """
WITH due AS (
    SELECT id FROM outbox WHERE done_at IS NULL AND gave_up_at IS NULL AND due_at <= %(at)s
     ORDER BY due_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE outbox o SET due_at = %(again)s FROM due WHERE o.id = due.id RETURNING o.id
"""


def relay() -> int:
    """Hand the worker all that is due and not done, in tasks of up to a hundred; returns how many rows.

    What was handed on is not due again for a while: the next sweep does not hand it on once more, and what was lost with the broker is
    found then. The try is counted where the work is done.
    """
    handed = 0
    while ids := _due():
        for first in range(0, len(ids), A_TASK):
            _try_to_nudge("outbox.work", ids[first : first + A_TASK])
        handed += len(ids)
    return handed


def _due() -> list[int]:
    at = clock.now()
    rows = run(_HAND_ON, {"at": at, "again": at + HANDED, "limit": A_LOOK}, point="outbox.relay")
    return sorted(row_id for (row_id,) in rows)


def given_up() -> QuerySet[Outbox]:
    """What was tried too often: a person must look. The oldest first."""
    return Outbox.objects.filter(gave_up_at__isnull=False, done_at=None).order_by("gave_up_at", "id")


@transaction.atomic
def try_again(row_id: int, *, by: journal.Signs) -> None:
    """A person has what was given up tried anew, from the first try. Said twice it is done once."""
    row = Outbox.objects.select_for_update(no_key=True).get(id=row_id)
    if row.gave_up_at is None or row.done_at:
        return
    row.gave_up_at, row.attempts, row.due_at = None, 0, clock.now()
    row.save(update_fields=["gave_up_at", "attempts", "due_at"])
    journal.write("outbox.tried_again", by=by, topic=row.topic, row=row.id)
    nudge_on_commit("outbox.work", [row.id])


def handle(ids: Iterable[int], *, turn: float = math.inf) -> None:
    """Work these rows. What is left of them after a turn of so many seconds goes to the end of the worker's line."""
    rows, ends = deque(ids), time.monotonic() + turn
    while rows:
        with trace.scope():
            _handle_one(rows.popleft())
        if rows and time.monotonic() > ends:
            _try_to_nudge("outbox.work", list(rows))
            return


def _handle_one(row_id: int) -> None:
    if not _count_the_try(row_id):
        return
    try:
        with one_nudge_for_each_task(), transaction.atomic():
            marked = part(_DONE, {"id": row_id, "at": clock.now()})
            if not marked:
                return
            topic, payload, its_trace = marked[0]
            trace.go_on(its_trace)
            _handlers[topic](**json.loads(payload))
            crash.commit("outbox.work")
        log.info("outbox row worked", extra={"row": row_id, "topic": topic})
    except Exception as error:
        log.exception("outbox row %s failed", row_id)
        Outbox.objects.filter(id=row_id).update(trouble=type(error).__name__)


def _count_the_try(row_id: int) -> bool:
    """Count before trying: a try that kills its process is counted too."""
    counted = run(_TRY, {"id": row_id, "at": clock.now(), "tries": TRIES}, point="outbox.try")
    if not counted:
        return False
    given_up, topic, tries, its_trace = counted[0]
    if given_up:
        trace.go_on(its_trace)
        log.error("outbox row %s (%s) was given up after %s tries", row_id, topic, tries)
    return not given_up
