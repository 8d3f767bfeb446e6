"""A call in the hands of a nurse: kept by use, given back, lost when its lease runs out."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks.models import OPEN, Callback, LeftNote, State
from followup.callbacks.services.ground import (
    AlreadyEnded,
    NotYours,
    PatientOnTheLine,
    as_kept,
    claim_for,
    hand_on,
    keep_under_name,
    lease,
    locked,
    put_back,
    tell,
    wake_its_case,
)
from followup.core import clock, crash
from followup.core.errors import Refused
from followup.core.journal import Signs
from followup.people.access import may, require, unit_of
from followup.people.models import User


def hold_on(callback_id: UUID, *, by: User) -> Callback:
    """The callback, locked, if `by` has it or nobody has; the first step of everything a nurse does with a call. Renews the lease."""
    require(by, "answer_calls")
    callback = locked(callback_id)
    if callback.state not in OPEN:
        raise AlreadyEnded
    at = clock.now()
    if callback.is_held(at) and callback.claimed_by_id != by.id:
        raise NotYours(callback.claimed_by.name)
    if callback.claimed_by_id != by.id:
        if (
            Callback.objects.filter(patient_id=callback.patient_id, state=State.CLAIMED)
            .exclude(id=callback.id)
            .exists()
        ):
            raise PatientOnTheLine
        hand_on(callback)
        callback.claimed_at = at
        callback.turn = callback.opened_at = callback.dialled_at = callback.handed_by = None
        tell("callback.claimed", callback, by=by)
        wake_its_case(callback)
    callback.state, callback.claimed_by, callback.lease_until = State.CLAIMED, by, at + lease()
    callback.opened_at = callback.opened_at or at
    return callback


@transaction.atomic
def extend(callback: Callback, *, by: User) -> Callback:
    """Use renews the lease. One that ran out is renewed too, while nobody else has it."""
    callback = hold_on(callback.id, by=by)
    callback.save()
    return callback


@transaction.atomic
def seen(callback: Callback, *, by: User) -> None:
    """Its holder has the call page before them."""
    Callback.objects.filter(id=callback.id, claimed_by=by, state=State.CLAIMED, opened_at=None).update(
        opened_at=clock.now()
    )


@transaction.atomic
def keep_note(callback: Callback, *, by: User, note: str) -> Callback:
    """Keep what the holder has typed so far, and renew the lease; it is handed on should the call go back before its outcome."""
    callback = hold_on(callback.id, by=by)
    callback.draft_note = as_kept(note)
    callback.save()
    crash.commit("callbacks.note")
    return callback


@transaction.atomic
def give_back(callback: Callback, *, by: User, note: str = "") -> Callback:
    """Back into the queue, with a note for whoever comes next."""
    callback = _handed_back(callback, by=by, note=note)
    callback.save()
    tell("callback.given_back", callback, by=by)
    return callback


def _handed_back(callback: Callback, *, by: User, note: str) -> Callback:
    callback, note = hold_on(callback.id, by=by), as_kept(note)
    # The note of handing over begins as a copy of what was typed, or is written beside it.
    callback.draft_note = note if callback.draft_note.strip() in note else f"{callback.draft_note}\n\n{note}".strip()
    put_back(callback)
    return callback


@transaction.atomic
def return_run_out(callback_id: UUID, *, by: Signs) -> Callback | None:
    """A lease that ran out puts the callback back; None when it was renewed or ended meanwhile."""
    callback = locked(callback_id)
    if callback.state != State.CLAIMED or callback.lease_until > clock.now():
        return None
    put_back(callback)
    callback.save()
    tell("callback.lease_ran_out", callback, by=by)
    return callback


@transaction.atomic
def leave_note(callback: Callback, *, by: User, note: str) -> LeftNote | None:
    """What somebody types on while a colleague has the call, or when it is over: nothing that was written is lost."""
    require(by, "answer_calls")
    callback = locked(callback.id)
    is_new = not callback.left_notes.filter(by=by).exists()
    left = keep_under_name(callback, by=by, note=note)
    if left and is_new:
        tell("callback.note_left", callback, by=by)
    return left


class NotAColleague(Refused):
    code = "not-a-colleague"
    words = _("Choose a colleague who answers calls here.")


@transaction.atomic
def hand_over(callback: Callback, *, to: User, note: str, by: User) -> Callback:
    """Give a call to a named colleague, with a note: theirs under a lease of its own, and offered first when they take their next.

    Not opened, it runs back into the queue. Said twice, it is handed over once.
    """
    if to.id == by.id or not may(to, "answer_calls") or unit_of(to).id != callback.unit_id:
        raise NotAColleague
    now_theirs = locked(callback.id)
    if now_theirs.is_held(clock.now()) and now_theirs.claimed_by_id == to.id and now_theirs.opened_at is None:
        return now_theirs
    callback = _handed_back(callback, by=by, note=note)
    claim_for(callback, to)
    callback.handed_by = by
    callback.save()
    tell("callback.handed_over", callback, by=by, to=str(to.id))
    return callback
