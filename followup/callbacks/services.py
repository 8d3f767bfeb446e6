"""Verbs of the call queue. What a call means for its case is a verb of the room above (`contacts`); here a promise is made, taken, kept."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks import policy
from followup.callbacks.models import OPEN, Attempt, AttemptResult, Callback, CallOutcome, State
from followup.cases.models import Case
from followup.core import clock, journal, outbox
from followup.core.errors import Refused
from followup.core.journal import Signs
from followup.core.typed import storable
from followup.people.access import require, unit_of
from followup.people.models import User

LONGEST_NOTE = 4_000


class NotYours(Refused):
    """Somebody else holds it."""

    code = "claim-lost"
    words = _("A colleague has taken this call.")

    def __init__(self, holder: str = ""):
        self.holder = holder
        super().__init__(_("%(name)s has taken this call.") % {"name": holder} if holder else None)


class AlreadyEnded(Refused):
    code = "call-already-ended"
    words = _("This call has already been finished.")


class PatientOnTheLine(Refused):
    code = "patient-on-the-line"
    words = _("A colleague is already on the line with this person.")


class ReasonNeeded(Refused):
    code = "reason-needed"
    words = _("Say why you take this call out of its turn.")


@transaction.atomic
def promise(*, case: Case, reason: str, priority: int, not_before: datetime, due: datetime, by: Signs) -> Callback:
    """Put a call into the queue. The case must have no open one."""
    callback = Callback.objects.create(
        unit_id=case.unit_id,
        case=case,
        patient_id=case.patient_id,
        reason=reason,
        priority=priority,
        not_before=not_before,
        due=due,
        arrived_at=clock.now(),
    )
    _tell("callback.promised", callback, by=by, priority=priority, due=due.isoformat())
    return callback


# One statement: pick the first that may be rung, mark it claimed, write the journal. A lease that ran out may be claimed anew.
# A patient who is on the line with somebody is passed over. COALESCE looks into a lower priority only if the higher has none.
# With SKIP LOCKED a row that somebody holds in this very moment is passed over; it may only be in the hands of the worker that
# books it, so "nobody is waiting" is said only after a second look that waits.
_PICK = """
    (SELECT c.id FROM callbacks_callback c
      WHERE c.unit_id = %(unit)s AND c.priority = {priority} AND c.state IN ('waiting', 'claimed')
        AND (c.state = 'waiting' OR c.lease_until <= %(at)s)
        AND c.not_before <= %(at)s AND c.decide_since IS NULL
        AND NOT EXISTS (SELECT 1 FROM callbacks_callback o
                         WHERE o.patient_id = c.patient_id AND o.state = 'claimed' AND o.id <> c.id)
      ORDER BY c.due, c.arrived_at, c.id LIMIT 1 FOR NO KEY UPDATE OF c {locking})
"""
_CLAIM = """
WITH picked AS (
    SELECT COALESCE({picks}) AS id
), taken AS (
    UPDATE callbacks_callback c
       SET state = 'claimed', claimed_by_id = %(actor_id)s, claimed_at = %(at)s, lease_until = %(until)s,
           opened_at = NULL, dialled_at = NULL,
           handed_note = btrim(c.handed_note || E'\\n\\n' || c.draft_note, E'\\n'), draft_note = ''
      FROM picked WHERE c.id = picked.id
    RETURNING c.id, c.case_id, c.patient_id, c.unit_id
), noted AS ({journal})
SELECT id FROM taken
"""


def _claim_statement(locking: str) -> str:
    picks = ", ".join(_PICK.format(priority=priority, locking=locking) for priority in range(1, 6))
    return _CLAIM.format(picks=picks, journal=journal.insert_from("taken", "callback.claimed"))


_CLAIMS = (_claim_statement("SKIP LOCKED"), _claim_statement(""))


def claim_next(*, by: User) -> Callback | None:
    """The next call for this nurse, theirs for the length of a lease; None when nobody can be rung now.

    One that they claimed and never saw (the answer was lost on the way) is offered first.
    """
    require(by, "answer_calls")
    at = clock.now()
    unseen = (
        Callback.objects.filter(claimed_by=by, state=State.CLAIMED, opened_at=None, lease_until__gt=at)
        .order_by("claimed_at")
        .first()
    )
    if unseen:
        return unseen
    values = {"unit": unit_of(by).id, "at": at, "until": at + _lease(), **journal.insert_values(by)}
    for statement in _CLAIMS:
        claimed = _claim_with(statement, values)
        if claimed:
            callback = Callback.objects.select_related("case", "patient").get(id=claimed)
            _wake_its_case(callback)
            return callback
    return None


@transaction.atomic
def _wake_its_case(callback: Callback) -> None:
    """Claimed anew after a lease that ran out while it rang: nobody is on the line now, and the room above must hear of it."""
    if callback.case.step == "ringing":
        outbox.put("callbacks.claimed_anew", case_id=str(callback.case_id))


def _claim_with(statement: str, values: dict) -> UUID | None:
    for _again in range(3):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, values)
                row = cursor.fetchone()
                return row[0] if row else None
        except IntegrityError:  # another call of the same patient was claimed in this very moment
            continue
    return None


@transaction.atomic
def claim_chosen(callback: Callback, *, by: User, why: str) -> Callback:
    """Take this one out of its turn, with a reason; also take back or take over one whose lease has run out."""
    require(by, "answer_calls")
    callback = _locked(callback.id)
    at = clock.now()
    if callback.state not in OPEN:
        raise AlreadyEnded
    if callback.state == State.CLAIMED and callback.lease_until > at and callback.claimed_by_id != by.id:
        raise NotYours(callback.claimed_by.name)
    if callback.state == State.CLAIMED and callback.claimed_by_id == by.id and callback.lease_until > at:
        return callback
    if not why.strip():
        raise ReasonNeeded
    _hand_on(callback)
    callback.state, callback.claimed_by, callback.claimed_at = State.CLAIMED, by, at
    callback.lease_until, callback.opened_at, callback.dialled_at = at + _lease(), None, None
    try:
        with transaction.atomic():
            callback.save()
    except IntegrityError as error:
        raise PatientOnTheLine from error
    _tell("callback.claimed", callback, by=by, why=why)
    _wake_its_case(callback)
    return callback


@transaction.atomic
def extend(callback: Callback, *, by: User) -> Callback:
    """Use renews the lease. One that ran out is renewed too, while nobody else has it."""
    callback = hold_on(callback.id, by=by)
    callback.save()
    return callback


def hold_on(callback_id: UUID, *, by: User) -> Callback:
    """The callback, locked, if `by` has it or nobody has; the first step of everything a nurse does with a call. Renews the lease."""
    require(by, "answer_calls")
    callback = _locked(callback_id)
    if callback.state not in OPEN:
        raise AlreadyEnded
    at = clock.now()
    if callback.state == State.CLAIMED and callback.claimed_by_id != by.id and callback.lease_until > at:
        raise NotYours(callback.claimed_by.name)
    if callback.claimed_by_id != by.id:
        if (
            Callback.objects.filter(patient_id=callback.patient_id, state=State.CLAIMED)
            .exclude(id=callback.id)
            .exists()
        ):
            raise PatientOnTheLine
        _hand_on(callback)
        callback.claimed_at, callback.opened_at, callback.dialled_at = at, None, None
        _tell("callback.claimed", callback, by=by)
    callback.state, callback.claimed_by, callback.lease_until = State.CLAIMED, by, at + _lease()
    callback.opened_at = callback.opened_at or at
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
    callback.draft_note = _note(note)
    callback.save()
    return callback


@transaction.atomic
def dial(callback: Callback, *, by: User) -> Attempt:
    """Log that the nurse rings now. A second press while that try has no result is the same try."""
    callback = hold_on(callback.id, by=by)
    going_on = callback.tries.filter(by=by, result=AttemptResult.DIALLED, number=callback.attempts).first()
    callback.dialled_at = callback.dialled_at or clock.now()
    if going_on and going_on.at >= callback.claimed_at:
        callback.save()
        return going_on
    callback.attempts += 1
    callback.save()
    attempt = Attempt.objects.create(callback=callback, number=callback.attempts, by=by, at=clock.now())
    _tell("callback.dialled", callback, by=by, number=attempt.number)
    return attempt


@transaction.atomic
def give_back(callback: Callback, *, by: User, note: str = "") -> Callback:
    """Back into the queue, with a note for whoever comes next."""
    callback, note = hold_on(callback.id, by=by), _note(note)
    # The note of handing over begins as a copy of what was typed, or is written beside it.
    callback.draft_note = note if callback.draft_note.strip() in note else f"{callback.draft_note}\n\n{note}"
    _put_back(callback)
    callback.save()
    _tell("callback.given_back", callback, by=by)
    return callback


@transaction.atomic
def return_run_out(callback_id: UUID, *, by: Signs) -> Callback | None:
    """A lease that ran out puts the callback back; None when it was renewed or ended meanwhile."""
    callback = _locked(callback_id)
    if callback.state != State.CLAIMED or callback.lease_until > clock.now():
        return None
    _put_back(callback)
    callback.save()
    _tell("callback.lease_ran_out", callback, by=by)
    return callback


@transaction.atomic
def nobody_answered(callback: Callback, *, by: User, note: str = "") -> Callback:
    """Nobody answered: plan the next try, or after the last one leave it to a person. Nothing ends here.

    `note` goes to whoever tries next. Said again by the same nurse (a double press), it is the same try.
    """
    if _said_just_now(callback, by):
        return _locked(callback.id)
    callback = hold_on(callback.id, by=by)
    attempt = _try_of(callback, by)
    attempt.result = AttemptResult.NO_ANSWER
    attempt.save()
    callback.unanswered += 1
    at = clock.now()
    planned = policy.next_try(callback.case.programme.rules, callback.unit.hours, attempt=callback.unanswered, at=at)
    if planned:
        callback.not_before, callback.due = planned
        callback.window_start, callback.window_end = planned
        callback.lifted_at = None
    else:
        callback.decide_since = at
    callback.draft_note = _note(note) or callback.draft_note
    _put_back(callback)
    callback.save()
    _tell("callback.no_answer", callback, by=by, number=attempt.number, last=planned is None)
    return callback


@transaction.atomic
def finish(callback: Callback, *, by: User, outcome: str, **said) -> CallOutcome:
    """The call is over, with its outcome. Refused while somebody else has the call, or when it has ended."""
    callback = hold_on(callback.id, by=by)
    if callback.tries.filter(number=callback.attempts, result=AttemptResult.DIALLED).update(
        result=AttemptResult.REACHED
    ):
        _tell("callback.reached", callback, by=by)
    _end(callback, State.DONE)
    kept = CallOutcome.objects.create(callback=callback, outcome=outcome, by=by, at=clock.now(), **said)
    _tell("callback.done", callback, by=by, outcome=outcome)
    return kept


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
    _tell("callback.booked", callback, by=by)
    return callback


@transaction.atomic
def lift_passed(callback_id: UUID, *, by: Signs) -> Callback | None:
    """A passed promise raises the priority by one, once, never to 1: that is for red flags."""
    callback = _locked(callback_id)
    at = clock.now()
    if callback.state not in OPEN or callback.lifted_at or callback.due >= at:
        return None
    callback.lifted_at = at
    callback.priority = max(callback.priority - 1, 2) if callback.priority > 1 else 1
    callback.save()
    _tell("callback.lifted", callback, by=by, priority=callback.priority)
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
    callback = _locked(callback.id)
    callback.priority = min(callback.priority, priority or callback.priority)
    callback.not_before = min(callback.not_before, not_before or callback.not_before)
    if due and due < callback.due:
        callback.due = due
        callback.window_end = due if callback.window_end else None
    callback.decide_since = None
    callback.save()
    _tell("callback.hastened", callback, by=by, priority=callback.priority)
    return callback


def _locked(callback_id: UUID) -> Callback:
    rows = Callback.objects.select_for_update(of=("self",), no_key=True).select_related(
        "case__programme", "patient", "unit", "claimed_by"
    )
    return rows.get(id=callback_id)


def _said_just_now(callback: Callback, by: User) -> bool:
    """Whether this nurse has said of this call that nobody answered, and has not taken it anew."""
    if _locked(callback.id).state != State.WAITING:
        return False
    latest = callback.tries.order_by("-number").first()
    told = latest and latest.by_id == by.id and latest.result == AttemptResult.NO_ANSWER
    return bool(told and latest.at > clock.now() - _lease())


def _put_back(callback: Callback) -> None:
    callback.state, callback.claimed_by, callback.claimed_at, callback.lease_until = State.WAITING, None, None, None
    callback.opened_at = callback.dialled_at = None
    _hand_on(callback)


def _hand_on(callback: Callback) -> None:
    """What one holder has typed stands before the next, and is never taken for their own words."""
    callback.handed_note = "\n\n".join(filter(None, [callback.handed_note, callback.draft_note.strip()]))
    callback.draft_note = ""


def _end(callback: Callback, state: str) -> None:
    callback.draft_note = ""  # it stands in the outcome now
    _put_back(callback)
    callback.state, callback.ended_at = state, clock.now()
    callback.save()


def _try_of(callback: Callback, by: User) -> Attempt:
    """The try that has no result yet; one that was never logged as dialled counts all the same."""
    going_on = callback.tries.filter(result=AttemptResult.DIALLED, number=callback.attempts).first()
    if going_on:
        return going_on
    callback.attempts += 1
    return Attempt.objects.create(callback=callback, number=callback.attempts, by=by, at=clock.now())


def _note(typed: str) -> str:
    """As much of a note as is kept."""
    return storable(typed)[:LONGEST_NOTE]


def _lease() -> timedelta:
    return timedelta(seconds=settings.FOLLOWUP_LEASE_SECONDS)


def _tell(verb: str, callback: Callback, *, by: Signs, why: str = "", **detail) -> None:
    journal.write(
        verb,
        by=by,
        patient_id=callback.patient_id,
        unit_id=callback.unit_id,
        case_id=callback.case_id,
        subject_id=callback.id,
        why=why,
        **detail,
    )
