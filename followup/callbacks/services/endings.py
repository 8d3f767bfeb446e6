"""A call ends once, with what it led to."""

from django.db import transaction

from followup.callbacks.models import AttemptResult, Callback, CallOutcome, State
from followup.callbacks.services.ground import put_back, tell
from followup.callbacks.services.holding import hold_on
from followup.core import clock
from followup.people.models import User


@transaction.atomic
def finish(callback: Callback, *, by: User, outcome: str, **said) -> CallOutcome:
    """The call is over, with its outcome. Refused while somebody else has the call, or when it has ended."""
    callback = hold_on(callback.id, by=by)
    if callback.tries.filter(number=callback.attempts, result=AttemptResult.DIALLED).update(
        result=AttemptResult.REACHED
    ):
        tell("callback.reached", callback, by=by)
    _end(callback, State.DONE)
    kept = CallOutcome.objects.create(callback=callback, outcome=outcome, by=by, at=clock.now(), **said)
    tell("callback.done", callback, by=by, outcome=outcome)
    return kept


def _end(callback: Callback, state: str) -> None:
    callback.draft_note = ""  # it stands in the outcome now
    put_back(callback)
    callback.state, callback.ended_at = state, clock.now()
    callback.save()
