"""The queue: a call is promised, and a nurse takes the next one or a chosen one."""

from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from followup.callbacks.models import OPEN, Callback
from followup.callbacks.services.ground import (
    AlreadyEnded,
    NotYours,
    PatientOnTheLine,
    ReasonNeeded,
    claim_for,
    hand_on,
    keep_under_name,
    lease,
    locked,
    tell,
    wake_its_case,
)
from followup.cases.models import Case
from followup.core import clock, journal
from followup.core.journal import Signs
from followup.core.statement import insist, one_line
from followup.people.access import require, unit_of
from followup.people.models import User


@transaction.atomic(savepoint=False)
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
    tell("callback.promised", callback, by=by, priority=priority, due=due.isoformat())
    return callback


# One statement: the call that this nurse claimed and never saw, or opened this moment, else the first that may be rung, marked claimed,
# with its line in the journal. Two presses at once look before either has written: both ask for the same turn, one is refused it by an
# index, and looks again. A patient who is on the line with somebody is passed over. Each level of priority is looked into only if those
# above have none, and only if something there may be rung yet: calls for later may stand in its front. In its level a lease that ran out
# goes first: somebody had that call already. No more than the one call is locked, or a colleague would pass over what nobody takes.
# (OFFSET 0 keeps the planner from joining: it would look twice, and read all that is claimed to answer for one patient.) With SKIP LOCKED
# a row that somebody holds in this very moment is passed over; it may only be in the hands of the worker that books it, so "nobody is
# waiting" is said only after a second look that waits.
_PICK = """
    SELECT c.id FROM callbacks_callback c
     WHERE c.unit_id = %(unit)s AND c.priority = level AND {state} AND c.not_before <= %(at)s AND c.decide_since IS NULL
       AND NOT EXISTS (SELECT FROM callbacks_callback o
                        WHERE o.patient_id = c.patient_id AND o.state = 'claimed' AND o.id <> c.id OFFSET 0)
     ORDER BY c.due, c.arrived_at, c.id LIMIT 1 FOR NO KEY UPDATE OF c {locking}"""
_RUN_OUT = "c.state = 'claimed' AND c.lease_until <= %(at)s"
_WAITING = """c.state = 'waiting'
       AND (SELECT min(r.not_before) FROM callbacks_callback r
             WHERE r.unit_id = %(unit)s AND r.priority = level AND r.state = 'waiting' AND r.decide_since IS NULL) <= %(at)s"""
_CLAIM = """
WITH unseen AS (
    SELECT c.* FROM callbacks_callback c
     WHERE c.claimed_by_id = %(actor_id)s AND c.state = 'claimed' AND c.lease_until > %(at)s
       AND (c.opened_at IS NULL OR c.opened_at > %(just_now)s AND c.lease_until = c.claimed_at + %(lease)s)
     ORDER BY c.claimed_at LIMIT 1
), picked AS (
    SELECT first.id
      FROM (SELECT level FROM generate_series(1, 5) level WHERE NOT EXISTS (SELECT FROM unseen) ORDER BY level) levels,
           LATERAL (SELECT COALESCE(({run_out}), ({waiting})) AS id OFFSET 0) first
     WHERE first.id IS NOT NULL ORDER BY level LIMIT 1
), taken AS (
    UPDATE callbacks_callback c
       SET state = 'claimed', claimed_by_id = %(actor_id)s, claimed_at = %(at)s, lease_until = %(at)s + %(lease)s,
           turn = 1 + (SELECT COALESCE(max(o.turn), 0) FROM callbacks_callback o
                        WHERE o.claimed_by_id = %(actor_id)s AND o.state = 'claimed'),
           opened_at = NULL, dialled_at = NULL, handed_by_id = NULL,
           handed_note = btrim(c.handed_note || E'\\n\\n' || c.draft_note, E'\\n'), draft_note = ''
      FROM picked WHERE c.id = picked.id
    RETURNING c.*
), noted AS ({journal})
SELECT {columns}, EXISTS (SELECT FROM taken t JOIN cases_case k ON k.id = t.case_id WHERE k.step = 'ringing') AS wakes
  FROM (SELECT * FROM unseen UNION ALL SELECT * FROM taken) mine
"""
_COLUMNS = [field.column for field in Callback._meta.concrete_fields]
_NAMES = [field.attname for field in Callback._meta.concrete_fields]


def _claim_statement(locking: str) -> str:
    return one_line(
        _CLAIM.format(
            run_out=_PICK.format(state=_RUN_OUT, locking=locking),
            waiting=_PICK.format(state=_WAITING, locking=locking),
            journal=journal.insert_from("taken", "callback.claimed"),
            columns=", ".join(_COLUMNS),
        )
    )


_CLAIMS = (_claim_statement("SKIP LOCKED"), _claim_statement(""))


def claim_next(*, by: User, just_opened: timedelta = timedelta()) -> Callback | None:
    """The next call for this nurse, theirs for the length of a lease; None when nobody can be rung now.

    One that they claimed and never saw (the answer was lost on the way) is offered first; so is one that they opened within
    `just_opened` and have not used: its page was still on the way when they pressed again.
    """
    require(by, "answer_calls")
    at = clock.now()
    values = {"unit": unit_of(by).id, "at": at, "just_now": at - just_opened, "lease": lease()}
    values |= journal.insert_values(by)
    for statement in _CLAIMS:
        row = insist(statement, values, point="callbacks.claim", quicker=("rung_by_one_nurse", "taken_one_by_one"))
        if row:
            callback = Callback.from_db(connection.alias, _NAMES, row[:-1])
            if row[-1]:
                wake_its_case(callback)
            return callback
    return None


@transaction.atomic
def claim_chosen(callback: Callback, *, by: User, why: str) -> Callback:
    """Take this one out of its turn, with a reason; also take back or take over one whose lease has run out."""
    callback = _open(callback, by)
    if callback.is_held(clock.now()):
        if callback.claimed_by_id != by.id:
            raise NotYours(callback.claimed_by.name)
        return callback
    if not why.strip():
        raise ReasonNeeded
    hand_on(callback)
    return _give_to(callback, by, verb="callback.claimed", why=why)


@transaction.atomic
def take_over(callback: Callback, *, by: User, why: str) -> Callback:
    """Take a call that a colleague has now, with a reason: the patient is on the line with `by`, or the colleague has gone.

    What the colleague has typed stands before the new holder under its writer's name.
    """
    callback = _open(callback, by)
    if not callback.is_held(clock.now()) or callback.claimed_by_id == by.id:
        return claim_chosen(callback, by=by, why=why)
    if not why.strip():
        raise ReasonNeeded
    colleague = callback.claimed_by
    keep_under_name(callback, by=colleague, note=callback.draft_note)
    callback.draft_note = ""
    return _give_to(callback, by, verb="callback.taken_over", why=why, holder=str(colleague.id))


def _open(callback: Callback, by: User) -> Callback:
    require(by, "answer_calls")
    callback = locked(callback.id)
    if callback.state not in OPEN:
        raise AlreadyEnded
    return callback


def _give_to(callback: Callback, by: User, *, verb: str, why: str, **detail: str) -> Callback:
    claim_for(callback, by)
    try:
        with transaction.atomic():
            callback.save()
    except IntegrityError as error:
        raise PatientOnTheLine from error
    tell(verb, callback, by=by, why=why, **detail)
    wake_its_case(callback)
    return callback
