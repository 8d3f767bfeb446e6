"""Trying to reach somebody: a try is dialled, and when nobody answers the next one is planned or a person decides."""

from django.db import transaction

from followup.callbacks import policy
from followup.callbacks.models import Attempt, AttemptResult, Callback, State
from followup.callbacks.services.ground import as_kept, lease, locked, put_back, tell
from followup.callbacks.services.holding import hold_on
from followup.core import clock
from followup.people.models import User


@transaction.atomic
def dial(callback: Callback, *, by: User) -> Attempt:
    """Log that the nurse rings now. A second press while that try has no result is the same try."""
    callback = hold_on(callback.id, by=by)
    going_on = callback.tries.filter(by=by, result=AttemptResult.DIALLED, number=callback.attempts).first()
    callback.dialled_at, callback.said_free_at = callback.dialled_at or clock.now(), None
    if going_on and going_on.at >= callback.claimed_at:
        callback.save()
        return going_on
    callback.attempts += 1
    callback.save()
    attempt = _new_try(callback, by)
    tell("callback.dialled", callback, by=by, number=attempt.number)
    return attempt


@transaction.atomic
def nobody_answered(callback: Callback, *, by: User, note: str = "") -> Callback:
    """Nobody answered: plan the next try, or after the last one leave it to a person. Nothing ends here.

    `note` goes to whoever tries next. Said again by the same nurse (a double press), it is the same try.
    """
    if _said_just_now(callback, by):
        return locked(callback.id)
    callback = hold_on(callback.id, by=by)
    attempt = _try_of(callback, by)
    attempt.result = AttemptResult.NO_ANSWER
    attempt.save()
    callback.unanswered += 1
    callback.said_free_at = None
    at = clock.now()
    planned = policy.next_try(callback.case.programme.rules, callback.unit.hours, attempt=callback.unanswered, at=at)
    if planned:
        callback.not_before, callback.due = planned
        callback.window_start, callback.window_end = planned
        callback.lifted_at = None
    else:
        callback.decide_since, callback.letter_sent_at = at, None
    callback.draft_note = as_kept(note) or callback.draft_note
    put_back(callback)
    callback.save()
    tell("callback.no_answer", callback, by=by, number=attempt.number, last=planned is None)
    return callback


def _said_just_now(callback: Callback, by: User) -> bool:
    """Whether this nurse has said of this call that nobody answered, and has not taken it anew."""
    if locked(callback.id).state != State.WAITING:
        return False
    latest = callback.tries.order_by("-number").first()
    told = latest and latest.by_id == by.id and latest.result == AttemptResult.NO_ANSWER
    return bool(told and latest.at > clock.now() - lease())


def _try_of(callback: Callback, by: User) -> Attempt:
    """The try that has no result yet; one that was never logged as dialled counts all the same."""
    going_on = callback.tries.filter(result=AttemptResult.DIALLED, number=callback.attempts).first()
    if going_on:
        return going_on
    callback.attempts += 1
    return _new_try(callback, by)


def _new_try(callback: Callback, by: User) -> Attempt:
    return Attempt.objects.create(
        callback=callback, number=callback.attempts, by=by, at=clock.now(), promised_at=callback.due
    )
