"""The time that is kept moves with a late call, and is never gone without a word."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Case, Shortage
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, SlotKind
from followup.contacts import policy
from followup.contacts.services.booking import keep_a_time
from followup.contacts.services.ground import SWEEPER, settle, tell_of_time
from followup.core import clock
from followup.core.journal import Signs


@transaction.atomic
def move_kept(case_id: UUID | str, *, by: Signs = SWEEPER) -> Appointment | None:
    """Move the held time of a case to a later one when it starts before the call that decides can be over.

    Is there no later one inside the promise it stays, and a person is told as it draws near; once it has begun it ends, and the case is
    at risk. Returns the time that is held now. Safe to repeat: a time that still suits is left alone.
    """
    case = cases.lock(case_id)
    held = Appointment.objects.filter(case=case, state="held").kept().select_related("slot").first()
    if held is None:
        return None
    callback, at = calls.open_of_case(case.id), clock.now()
    begun = held.slot.starts_at <= at
    if not begun and not (
        callback and policy.starts_too_soon(case.programme.rules, held.slot.starts_at, callback.due, at)
    ):
        return held
    moved = _later(case, callback, at, by=by)
    if moved:
        cases.touch(case)
        tell_of_time(case, "time-moved", moved, by=by, answers_them=False)
        return moved
    return _passed(case, callback, by=by) if begun else held


def _later(case: Case, callback: Callback | None, at: datetime, *, by: Signs) -> Appointment | None:
    """The earliest later time that leaves room for the call, else for a call in this very hour."""
    see_by, rules = case.contact.see_by, case.programme.rules
    for earliest in policy.hold_again_from(rules, case.unit.hours, callback.due if callback else None, at):
        if see_by is None or see_by <= earliest:
            continue
        # Looked at first: without any free time nothing is let go and taken back every few seconds.
        if not times.free_slots(case.unit, kind=SlotKind.URGENT, start=earliest, end=see_by).exists():
            continue
        try:
            return clinic.hold_later(case=case, earliest=earliest, before=see_by, why="the call is late", by=by)
        except clinic.NoTimeWithinPromise:
            continue
    return None


def _passed(case: Case, callback: Callback | None, *, by: Signs) -> Appointment | None:
    """The kept time has begun and nobody has spoken with them: it is over, and a person decides what happens."""
    clinic.release(case=case, why="time passed", by=by)
    kept = keep_a_time(case, case.contact, callback, by=by) if callback else None
    if kept is None:
        cases.put_at_risk(case, case.shortage or Shortage.NOTHING_TO_HOLD, by=by)
    settle(case, by=by)
    return kept
