"""Telling another room that something happened, so that it is heard whatever process dies.

`put` writes a row with the change itself. After commit the worker is nudged; if the nudge is lost, a sweeper finds the row.
`handle` does the work and marks the row done in one transaction, so that a row is worked exactly once however often it is
delivered. A handler that fails is tried again with growing gaps; after `TRIES` a person sees it.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from followup.core import clock, crash, journal
from followup.core.models import Outbox
from followup.core.patience import Patience

log = logging.getLogger(__name__)

TRIES = 10
GRACE = timedelta(seconds=2)
"""How long the nudge after commit has before the sweeper looks."""

Handler = Callable[..., Any]

_handlers: dict[str, Handler] = {}
_nudge: Callable[[str, list[Any]], None] | None = None
_patience = Patience()


def put(topic: str, **payload: Any) -> Outbox:
    """Write down that `topic` ("room.what_happened") happened. `payload` holds ids as text and plain values."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An outbox row belongs in the transaction of what it tells of.")
    at = clock.now()
    row = Outbox.objects.create(topic=topic, payload=payload, created_at=at, due_at=at + GRACE)
    crash.commit("outbox.put")
    nudge_on_commit("outbox.work", [row.id])
    return row


def nudge_on_commit(task: str, ids: list[Any]) -> None:
    """Ask the worker, after commit, to do `task` for these ids. A broker that does not answer is logged and never shown."""
    transaction.on_commit(lambda: _try_to_nudge(task, ids))


def _try_to_nudge(task: str, ids: list[Any]) -> None:
    if _nudge is not None:
        _patience.call(f"nudging the worker for {task}", lambda: _nudge(task, ids))


def connect(nudge: Callable[[str, list[Any]], None], handlers: dict[str, Handler]) -> None:
    """The worker introduces itself: how it is nudged, and who hears which topic."""
    global _nudge
    _nudge = nudge
    _handlers.update(handlers)


def waiting(limit: int = 100) -> list[int]:
    """Ids of rows that are due and not done, oldest first."""
    rows = Outbox.objects.filter(done_at=None, gave_up_at=None, due_at__lte=clock.now())
    return list(rows.order_by("due_at", "id").values_list("id", flat=True)[:limit])


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


def handle(ids: Iterable[int]) -> None:
    for row_id in ids:
        _handle_one(row_id)


def _handle_one(row_id: int) -> None:
    if not _count_the_try(row_id):
        return
    try:
        with transaction.atomic():
            row = (
                Outbox.objects.select_for_update(skip_locked=True, no_key=True).filter(id=row_id, done_at=None).first()
            )
            if row is None:
                return
            _handlers[row.topic](**row.payload)
            row.done_at = clock.now()
            row.save(update_fields=["done_at"])
            crash.commit("outbox.work")
    except Exception as error:
        log.exception("outbox row %s failed", row_id)
        Outbox.objects.filter(id=row_id).update(trouble=type(error).__name__)


def _count_the_try(row_id: int) -> bool:
    """Count before trying: a try that kills its process is counted too."""
    with transaction.atomic():
        row = (
            Outbox.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(id=row_id, done_at=None, gave_up_at=None)
            .first()
        )
        if row is None:
            return False
        at = clock.now()
        if row.attempts >= TRIES:
            row.gave_up_at = at
            row.save(update_fields=["gave_up_at"])
            log.error("outbox row %s (%s) was given up after %s tries", row.id, row.topic, row.attempts)
            return False
        gap = timedelta(seconds=min(2**row.attempts * 2, 600))
        Outbox.objects.filter(id=row_id).update(attempts=F("attempts") + 1, due_at=at + gap)
        crash.commit("outbox.try")
        return True
