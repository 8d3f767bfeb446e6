"""By when we ring: the window that is said, and what moves it nearer or further off."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks import policy
from followup.callbacks.models import OPEN, Callback, State
from followup.callbacks.services.ground import AlreadyEnded, NotYours, locked, put_back, tell
from followup.core import clock
from followup.core.errors import Refused
from followup.core.journal import Signs
from followup.people.access import require
from followup.people.models import User


@transaction.atomic(savepoint=False)
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


@transaction.atomic
def bring_forward(callback: Callback, *, by: Signs) -> Callback:
    """They missed our call and are free now: rung before anything else of its priority, also when a person was to decide.

    Said twice it is said once, until somebody has dialled again; while somebody rings, it changes nothing.
    """
    callback = locked(callback.id)
    if callback.state not in OPEN:
        raise AlreadyEnded
    at = clock.now()
    if callback.said_free_at or (callback.is_held(at) and callback.dialled_at):
        return callback
    soon, due = policy.window_from(callback.unit.hours, at)
    callback.not_before = min(callback.not_before, soon)
    # After the last try nothing was promised any more; a promise that still holds is only ever made shorter.
    callback.due = due if callback.decide_since else min(callback.due, due)
    if callback.window_start:
        callback.window_start, callback.window_end = callback.not_before, callback.due
    callback.said_free_at, callback.decide_since, callback.letter_sent_at = at, None, None
    callback.save()
    tell("callback.free_now", callback, by=by, due=callback.due.isoformat())
    return callback


class CannotWait(Refused):
    code = "cannot-wait"
    words = _("The most urgent calls are not put off.")


@transaction.atomic
def put_off(callback: Callback, *, by: User, start: datetime | None, why: str, agreed: bool) -> Callback:
    """Not before `start`, later the same day. The promise moves only if the patient `agreed` to that, and the journal says which.

    Raises `CannotWait` for priority 1, and `Invalid`.
    """
    require(by, "answer_calls")
    callback = locked(callback.id)
    if callback.state not in OPEN or callback.decide_since:
        raise AlreadyEnded
    at = clock.now()
    if callback.is_held(at) and callback.claimed_by_id != by.id:
        raise NotYours(callback.claimed_by.name)
    if callback.state == State.WAITING and start and callback.not_before == start:
        return callback
    if callback.priority == 1:
        raise CannotWait
    hours = callback.unit.hours
    policy.check_put_off(
        hours, at=at, not_before=callback.not_before, due=callback.due, start=start, why=why, agreed=agreed
    )
    callback.not_before = start
    if agreed:
        callback.due = max(callback.due, policy.window_from(hours, start)[1])
    if callback.window_start:
        callback.window_start, callback.window_end = start, callback.due
    callback.said_free_at = None
    put_back(callback)
    callback.save()
    tell("callback.put_off", callback, by=by, why=why, until=start.isoformat(), agreed=agreed)
    return callback
