"""What a coordinator does with the rota by hand: a session more, a week like another, laid sessions brought up to the template."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from followup.clinic import template
from followup.clinic.models import Appointment, Session, SessionKind, Slot, TemplateLine
from followup.clinic.services.closing import one_change_at_a_time
from followup.clinic.services.openings import time_freed
from followup.clinic.services.rota import Standing, add, lay_line, lay_out, lines_of
from followup.clinic.services.week import already_there, check_hours, save_line
from followup.core import clock, journal
from followup.core.errors import Invalid
from followup.core.typed import storable
from followup.people.access import require
from followup.people.models import Unit, User

FARTHEST = timedelta(days=366)


@transaction.atomic
def plan_session(
    *,
    unit: Unit,
    by: User,
    person: User | None,
    kind: str,
    day: date | None,
    starts: time | None,
    ends: time | None,
    room: str = "",
    in_charge: bool = False,
    slots: Sequence[tuple[str, time]] = (),
    minutes: int = template.SLOT_MINUTES,
) -> Session:
    """A session on one day, with times (`kind, start`) of `minutes` each. Refused where the person has another; said twice it is one.

    Raises `Invalid`, one line for each field.
    """
    require(by, "manage_times")
    one_change_at_a_time(unit)
    errors = check_hours(unit, person, kind, starts, ends, room, slots, minutes)
    today = unit.hours.day_of(clock.now())
    if day is None or not today <= day <= today + FARTHEST:
        errors["day"] = _("Give a day from today on, such as 26 11 2026.")
    if errors:
        raise Invalid(errors)
    starts_at, ends_at = (datetime.combine(day, at, unit.zone) for at in (starts, ends))
    if ends_at <= clock.now():
        raise Invalid({"ends": _("This time has passed.")})
    for other in Session.objects.filter(person=person, closed_at=None, starts_at__lt=ends_at, ends_at__gt=starts_at):
        if (other.kind, other.starts_at, other.ends_at) == (kind, starts_at, ends_at):
            return other
        local = [moment.astimezone(unit.zone) for moment in (other.starts_at, other.ends_at)]
        raise Invalid({"starts": already_there(person, other.kind, *local)})
    length = timedelta(minutes=minutes)
    spans = [(each, start := datetime.combine(day, at, unit.zone), start + length) for each, at in slots]
    session = add(
        unit=unit,
        person=person,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        room=storable(room).strip(),
        in_charge=in_charge and kind == SessionKind.NURSE_LINE,
        slots=spans,
        by=by,
    )
    if spans:
        time_freed(unit)
    return session


@transaction.atomic
def copy_week(*, unit: Unit, source: date, target: date, by: User) -> int:
    """Lay the sessions of the week that begins on `source` into the week that begins on `target`; how many are new.

    Days on which the unit is closed and people who are somewhere already are left out; so is the past.
    """
    require(by, "manage_times")
    one_change_at_a_time(unit)
    standing, laid, at = Standing(unit, target), 0, clock.now()
    begins = datetime.combine(source, time(), unit.zone)
    ends = datetime.combine(source + timedelta(days=7), time(), unit.zone)
    shown = Session.objects.filter(unit=unit, closed_at=None, starts_at__gte=begins, starts_at__lt=ends)
    moved = Moved(unit, target - source)
    for session in shown.select_related("person").order_by("starts_at", "id"):
        starts_at, ends_at = moved(session.starts_at), moved(session.ends_at)
        spans = standing.open.get(session.person_id, [])
        busy = any(start < ends_at and starts_at < end for start, end in spans)
        if busy or starts_at <= at or not unit.hours.spans(unit.hours.day_of(starts_at)):
            continue
        # Where one time lay over another, the planned one is copied.
        slots = session.slots.filter(closed_at=None).order_by("starts_at", "opened_why").distinct("starts_at")
        copied = add(
            unit=unit,
            person=session.person,
            kind=session.kind,
            starts_at=starts_at,
            ends_at=ends_at,
            room=session.room,
            in_charge=session.in_charge,
            slots=[(slot.kind, moved(slot.starts_at), moved(slot.ends_at)) for slot in slots],
            by=by,
        )
        standing.note(copied)
        laid += 1
    if laid:
        time_freed(unit)
    return laid


class Moved:
    """The same time of day in another week, over a change of the clock too."""

    def __init__(self, unit: Unit, by: timedelta):
        self.zone, self.by = unit.zone, by

    def __call__(self, at: datetime) -> datetime:
        local = at.astimezone(self.zone)
        return datetime.combine(local.date() + self.by, local.time(), self.zone)


@transaction.atomic
def keep_line(*, unit: Unit, by: User, also_laid: bool, **said: Any) -> tuple[TemplateLine, int, int]:
    """`save_line`, and the sessions that follow from it. `also_laid`: those of the line that are laid already too, where nobody has a time.

    Returns the line, how many laid sessions were changed, and how many were left because somebody has a time there.
    """
    line = save_line(unit=unit, by=by, **said)
    changed, left = bring_up_to_date(line, by=by) if also_laid else (0, 0)
    lay_out(unit, by=by)
    return line, changed, left


@transaction.atomic
def bring_up_to_date(line: TemplateLine, *, by: User) -> tuple[int, int]:
    """Lay the coming sessions of a line anew, as the line stands now: those in which nobody has a time.

    Returns how many were changed, and how many were left because somebody has a time there. What a person closed stays closed.
    """
    require(by, "manage_times")
    unit = line.unit
    one_change_at_a_time(unit)
    coming = Session.objects.filter(line=line, closed_at=None, starts_at__gt=clock.now())
    sessions = list(coming.select_for_update(no_key=True).order_by("id"))
    slots = Slot.objects.filter(session__in=sessions).select_for_update().order_by("id")
    session_of = {slot.id: slot.session_id for slot in slots}
    live = Appointment.objects.live().filter(slot__in=session_of)
    has_patients = {session_of[slot_id] for slot_id in live.values_list("slot_id", flat=True)}
    free = [session for session in sessions if session.id not in has_patients]
    for session in free:
        _take_away(session, by=by)
    if line.ended_at is None:
        standing, lines = Standing(unit, unit.hours.day_of(clock.now())), lines_of(unit)
        for session in free:
            standing.forget(session)
        for week in sorted({_monday(unit, session) for session in free}):
            day = week + timedelta(days=line.weekday)
            of_day = [each for each in lines if each.weekday == line.weekday]
            if unit.hours.spans(day) and datetime.combine(day, line.starts, unit.zone) > clock.now():
                lay_line(line, day, of_day, standing, by=by)
        time_freed(unit)
    return len(free), len(has_patients)


def _take_away(session: Session, *, by: User) -> None:
    """Nobody has a time there. Where nobody ever had, nothing is left of it; else it stays for the record, closed and off its line."""
    journal.write("session.replaced", by=by, unit_id=session.unit_id, subject_id=session.id)
    if Appointment.objects.filter(slot__session=session).exists():
        at = clock.now()
        session.slots.filter(closed_at=None).update(closed_at=at)
        session.closed_at, session.line = at, None
        session.save(update_fields=["closed_at", "line"])
    else:
        session.delete()


def _monday(unit: Unit, session: Session) -> date:
    day = unit.hours.day_of(session.starts_at)
    return day - timedelta(days=day.weekday())
