"""By when we ring: the window that is said, and what moves it nearer or further off."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from followup.callbacks import policy
from followup.callbacks.models import OPEN, Callback
from followup.callbacks.services.ground import locked, tell
from followup.core import clock
from followup.core.journal import Signs


@transaction.atomic
def lay_window(callback: Callback, *, nurse_hours: list[policy.Window], by: Signs) -> Callback:
    """Say when the patient can expect the call."""
    start, end = policy.lay_window(
        earliest=max(callback.not_before, clock.now()),
        due=callback.due,
        nurse_hours=nurse_hours,
        hours=callback.unit.hours,
    )
    callback.window_start, callback.window_end = start, end
    callback.save(update_fields=["window_start", "window_end"])
    tell("callback.booked", callback, by=by)
    return callback


@transaction.atomic
def lift_passed(callback_id: UUID, *, by: Signs) -> Callback | None:
    """A passed promise raises the priority by one, once, never to 1: that is for red flags."""
    callback = locked(callback_id)
    at = clock.now()
    if callback.state not in OPEN or callback.lifted_at or callback.due >= at:
        return None
    callback.lifted_at = at
    callback.priority = max(callback.priority - 1, 2) if callback.priority > 1 else 1
    callback.save()
    tell("callback.lifted", callback, by=by, priority=callback.priority)
    return callback


@transaction.atomic
def hasten(
    callback: Callback,
    *,
    by: Signs,
    priority: int | None = None,
    not_before: datetime | None = None,
    due: datetime | None = None,
) -> Callback:
    """What is more urgent than it was: only ever earlier, only ever more urgent."""
    callback = locked(callback.id)
    callback.priority = min(callback.priority, priority or callback.priority)
    callback.not_before = min(callback.not_before, not_before or callback.not_before)
    if due and due < callback.due:
        callback.due = due
        callback.window_end = due if callback.window_end else None
    callback.decide_since = None
    callback.save()
    tell("callback.hastened", callback, by=by, priority=callback.priority)
    return callback
