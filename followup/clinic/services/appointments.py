"""A time is held, given, let go. The database decides who got it: one live appointment per slot."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from followup.cases.models import Case
from followup.clinic.models import Appointment, Slot, SlotKind, State
from followup.core import clock, journal, outbox
from followup.core.errors import Refused
from followup.core.journal import Signs
from followup.core.statement import insist, one_line
from followup.people.models import User

CHOICE = timedelta(minutes=10)
"""How long a time is kept for somebody who is choosing on a page (experience 2.7)."""


class NoTimeWithinPromise(Refused):
    code = "no-time-within-promise"
    words = _("No free time is left before the promised day.")


class SlotTaken(Refused):
    code = "slot-taken"
    words = _("Somebody else has just taken this time. Choose another.")


class TimeEnded(Refused):
    code = "time-ended"
    words = _("This time is no longer kept.")


# One statement: the time that the case has already, else the earliest free slot, held, with its line in the journal. A slot that a
# neighbour is holding in this very moment is passed over ({locking} SKIP LOCKED); should that neighbour give up, the second look without
# SKIP LOCKED waits for it and finds the slot free. (OFFSET 0: slot after slot is looked up, not all appointments joined.)
_HOLD = """
WITH kept AS (
    SELECT * FROM clinic_appointment WHERE case_id = %(case)s AND state IN ('held', 'booked') AND choice_until IS NULL
), free AS (
    SELECT s.id FROM clinic_slot s JOIN clinic_session n ON n.id = s.session_id
     WHERE s.unit_id = %(unit)s AND {kind} AND s.closed_at IS NULL AND n.closed_at IS NULL
       AND s.starts_at >= %(earliest)s AND s.starts_at < %(before)s
       AND NOT EXISTS (SELECT FROM clinic_appointment a WHERE a.slot_id = s.id AND a.state <> 'released' OFFSET 0)
       AND NOT EXISTS (SELECT FROM kept)
     ORDER BY s.starts_at, s.id LIMIT 1 FOR NO KEY UPDATE OF s {locking}
), held AS (
    INSERT INTO clinic_appointment (id, created_at, unit_id, slot_id, case_id, patient_id, state, held_at, ended_why)
    SELECT %(id)s::uuid, %(at)s::timestamptz, %(unit)s::uuid, free.id, %(case)s::uuid, %(patient)s::uuid, 'held', %(at)s, ''
      FROM free
    RETURNING *
), noted AS ({journal})
SELECT {columns} FROM (SELECT * FROM kept UNION ALL SELECT * FROM held) a JOIN clinic_slot s ON s.id = a.slot_id
"""
_OF_A_KIND = "s.kind = %(kind)s"
_OR_FALLEN_FREE = "(s.kind = %(kind)s OR s.kind = 'urgent' AND s.starts_at < %(urgent_before)s)"


_OF_TIME, _OF_SLOT = Appointment._meta.concrete_fields, Slot._meta.concrete_fields


def _holds(kind: str) -> list[str]:
    columns = [f"a.{field.column}" for field in _OF_TIME] + [f"s.{field.column}" for field in _OF_SLOT]
    words = {"kind": kind, "columns": ", ".join(columns), "journal": journal.insert_from("held", "appointment.held")}
    return [one_line(_HOLD.format(locking=locking, **words)) for locking in ("SKIP LOCKED", "")]


_HOLDS, _HOLDS_FALLEN_FREE_TOO = _holds(_OF_A_KIND), _holds(_OR_FALLEN_FREE)


def hold_earliest(
    *,
    case: Case,
    earliest: datetime,
    before: datetime,
    by: Signs,
    kind: str = SlotKind.URGENT,
    urgent_before: datetime | None = None,
) -> Appointment:
    """Hold the earliest free time of a kind for a case; the time it holds already, if it has one. Raises `NoTimeWithinPromise`.

    `urgent_before`: free urgent times that start before then will do as well (`policy.others_may_use_urgent_until`).
    """
    values = {
        "id": uuid4(),
        "unit": case.unit_id,
        "kind": kind,
        "case": case.id,
        "patient": case.patient_id,
        "earliest": earliest,
        "before": before,
        "at": clock.now(),
        **({"urgent_before": urgent_before} if urgent_before else {}),
        **journal.insert_values(by),
    }
    for statement in _HOLDS_FALLEN_FREE_TOO if urgent_before else _HOLDS:
        row = insist(statement, values, point="clinic.hold", quicker=("one_live_appointment_per_slot",))
        if row:
            held = Appointment.from_db(connection.alias, [field.attname for field in _OF_TIME], row[: len(_OF_TIME)])
            held.slot = Slot.from_db(connection.alias, [field.attname for field in _OF_SLOT], row[len(_OF_TIME) :])
            return held
    raise NoTimeWithinPromise


@transaction.atomic
def hold_later(*, case: Case, earliest: datetime, before: datetime, why: str, by: Signs) -> Appointment:
    """Hold a later time in the place of the one that is held. Raises `NoTimeWithinPromise`: then the held one stays as it was."""
    held = Appointment.objects.select_for_update(no_key=True).filter(case=case, state=State.HELD).kept().first()
    if held is None:
        raise TimeEnded
    _end(held, State.RELEASED, why=why, by=by)
    return hold_earliest(case=case, earliest=earliest, before=before, by=by)


@transaction.atomic
def hold_choice(slot: Slot, *, case: Case, by: Signs) -> Appointment:
    """Keep a free time for ten minutes for somebody who is choosing; one that they looked at before is let go. Raises `SlotTaken`."""
    at = clock.now()
    for choice in _choices_of(case):
        if choice.slot_id == slot.id:
            choice.choice_until = at + CHOICE
            choice.save(update_fields=["choice_until"])
            return choice
        _end(choice, State.RELEASED, why="another choice", by=by)
    _free_to_give(slot, at)
    return _take(slot, case=case, by=by, state=State.HELD, held_at=at, choice_until=at + CHOICE)


@transaction.atomic
def give(slot: Slot, *, case: Case, by: Signs, only_hold: bool = False) -> Appointment:
    """Book this slot for a case, in the place of the time it held or had; `only_hold` keeps it for a decision. Raises `SlotTaken`."""
    before = Appointment.objects.select_for_update(no_key=True).filter(case=case).kept().first()
    if before and before.slot_id == slot.id:
        return before if only_hold or before.state == State.BOOKED else _book(before, by=by)
    # In the order of their ids: two cases that change places would each wait for the time that the other lets go.
    both = Slot.objects.filter(id__in=[slot.id, *([before.slot_id] if before else [])])
    # Read anew: it may have been closed while we waited.
    slot = {each.id: each for each in both.select_for_update(no_key=True).order_by("id")}[slot.id]
    chosen = None
    for choice in _choices_of(case):
        if choice.slot_id == slot.id:
            chosen = choice
        else:
            _end(choice, State.RELEASED, why="another choice", by=by)
    if before:
        _end(before, State.RELEASED, why="another time", by=by)
    at = clock.now()
    _free_to_give(slot, at)
    if chosen is None:
        kept = {"state": State.HELD, "held_at": at} if only_hold else {"state": State.BOOKED, "booked_at": at}
        return _take(slot, case=case, by=by, **kept)
    if not only_hold:
        return _book(chosen, by=by)
    chosen.choice_until = None
    chosen.save()
    _tell("appointment.held", chosen, by=by)
    return chosen


def _choices_of(case: Case) -> list[Appointment]:
    """What somebody is looking at for this case and has not chosen yet, locked."""
    rows = Appointment.objects.select_for_update(no_key=True).filter(case=case, state=State.HELD)
    return list(rows.exclude(choice_until=None))


def _free_to_give(slot: Slot, at: datetime) -> None:
    if slot.closed_at or slot.starts_at <= at:
        raise SlotTaken


def _take(slot: Slot, *, case: Case, by: Signs, **columns) -> Appointment:
    """A live appointment in this slot. The database says whether somebody was quicker: `SlotTaken`."""
    try:
        with transaction.atomic():
            taken = Appointment.objects.create(
                unit_id=slot.unit_id, slot=slot, case=case, patient_id=case.patient_id, **columns
            )
    except IntegrityError as error:
        if "one_live_appointment_per_slot" not in str(error):
            raise
        raise SlotTaken from error
    _tell("appointment.looked_at" if taken.choice_until else f"appointment.{taken.state}", taken, by=by)
    return taken


@transaction.atomic
def confirm(*, case: Case, by: Signs) -> Appointment:
    """Book the time that is held for a case; one that is booked stays so. Raises `TimeEnded` when there is none."""
    kept = Appointment.objects.select_for_update(no_key=True).filter(case=case).kept().first()
    if kept is None or kept.slot.starts_at <= clock.now():
        raise TimeEnded
    return kept if kept.state == State.BOOKED else _book(kept, by=by)


def _book(held: Appointment, *, by: Signs) -> Appointment:
    held.state, held.booked_at, held.choice_until = State.BOOKED, clock.now(), None
    held.save()
    _tell("appointment.booked", held, by=by)
    return held


@transaction.atomic
def release(*, case: Case, why: str, by: Signs, slot_goes: bool = False) -> Appointment | None:
    """Let go of the time that a case holds or has; None when there is none. `why` is a word such as `declined`.

    `slot_goes`: the time itself falls away, and nobody else is given it.
    """
    kept = Appointment.objects.select_for_update(no_key=True).filter(case=case).kept().first()
    if kept is None:
        return None
    if slot_goes:
        slot = Slot.objects.select_for_update(no_key=True).get(id=kept.slot_id)
        slot.closed_at = slot.closed_at or clock.now()
        slot.save(update_fields=["closed_at"])
        journal.write("slot.closed", by=by, unit_id=slot.unit_id, subject_id=slot.id, why=why)
    _end(kept, State.RELEASED, why=why, by=by, frees=not slot_goes)
    return kept


@transaction.atomic
def mark(appointment: Appointment, state: str, *, by: User) -> Appointment:
    """Say of a booked time whether the patient came: `attended` or `missed`. Said again, the first word stands."""
    appointment = Appointment.objects.select_for_update(no_key=True).get(id=appointment.id)
    if state not in (State.ATTENDED, State.MISSED):
        raise TimeEnded
    if appointment.state == state:
        return appointment
    if appointment.state != State.BOOKED:
        raise TimeEnded
    _end(appointment, state, why="", by=by)
    return appointment


@transaction.atomic
def lapse_choice(appointment_id: UUID, *, by: Signs) -> None:
    """Let go of a time that somebody looked at for longer than ten minutes."""
    row = (
        Appointment.objects.select_for_update(no_key=True)
        .filter(id=appointment_id, state=State.HELD, choice_until__lte=clock.now())
        .first()
    )
    if row:
        _end(row, State.RELEASED, why="expired", by=by)


def _end(appointment: Appointment, state: str, *, why: str, by: Signs, frees: bool = True) -> None:
    appointment.state, appointment.ended_at, appointment.ended_why, appointment.choice_until = (
        state,
        clock.now(),
        why,
        None,
    )
    appointment.save()
    _tell(f"appointment.{state}", appointment, by=by, reason=why)
    if state == State.RELEASED and frees:
        # Somebody who was refused a time is asked again.
        outbox.put("clinic.time_freed", unit_id=str(appointment.unit_id))


def _tell(verb: str, appointment: Appointment, *, by: Signs, **detail: str) -> None:
    journal.write(
        verb,
        by=by,
        patient_id=appointment.patient_id,
        unit_id=appointment.unit_id,
        case_id=appointment.case_id,
        subject_id=appointment.id,
        **detail,
    )
