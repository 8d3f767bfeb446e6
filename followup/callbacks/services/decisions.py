"""Nobody answered the last try: a person decides, and until somebody has, the call stays where it is."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks import policy
from followup.callbacks.models import OPEN, Callback
from followup.callbacks.services.ground import AlreadyEnded, NotYours, locked, put_back, tell
from followup.core import clock
from followup.core.errors import Refused
from followup.people.access import require
from followup.people.models import User


class NothingToDecide(Refused):
    code = "nothing-to-decide"
    words = _("Somebody has already decided what happens with this call.")


@transaction.atomic
def ring_again(callback: Callback, *, by: User, start: datetime | None, why: str) -> Callback:
    """Back into the queue, not before `start`; the tries are counted anew from there. Raises `Invalid`, `NothingToDecide`."""
    callback = _open(callback, by)
    if callback.decide_since is None:
        if callback.not_before == start:  # said twice
            return callback
        raise NothingToDecide
    hours = callback.unit.hours
    policy.check_ring_again(hours, at=clock.now(), start=start, why=why)
    callback.not_before, callback.due = policy.window_from(hours, start)
    callback.window_start, callback.window_end = callback.not_before, callback.due
    callback.unanswered = 0
    callback.lifted_at = callback.decide_since = callback.letter_sent_at = None
    put_back(callback)
    callback.save()
    tell("callback.to_ring_again", callback, by=by, why=why, start=start.isoformat())
    return callback


@transaction.atomic
def letter_sent(callback: Callback, *, by: User) -> Callback:
    """A letter went out. It stays on the list, and is due for another look after the working days that the programme says."""
    callback = _open(callback, by)
    at = clock.now()
    if callback.letter_sent_at and callback.due > at:
        return callback
    if callback.decide_since is None:
        raise NothingToDecide
    wait = callback.case.programme.rules.queue.letter_wait_working_days
    callback.letter_sent_at, callback.due = at, callback.unit.hours.add_working_days(at, wait)
    put_back(callback)
    callback.save()
    tell("callback.letter_sent", callback, by=by, look_again=callback.due.isoformat())
    return callback


def _open(callback: Callback, by: User) -> Callback:
    require(by, "answer_calls")
    callback = locked(callback.id)
    if callback.state not in OPEN:
        raise AlreadyEnded
    if callback.is_held(clock.now()) and callback.claimed_by_id != by.id:
        raise NotYours(callback.claimed_by.name)
    return callback
