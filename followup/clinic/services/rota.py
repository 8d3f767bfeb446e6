"""Who works when, and which times can be given."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction

from followup.clinic import template
from followup.clinic.models import Session, SessionKind, Slot, TemplateLine
from followup.clinic.services.closing import one_change_at_a_time
from followup.clinic.services.openings import time_freed
from followup.clinic.services.week import begin_the_week
from followup.core import clock, journal
from followup.core.journal import Signs, System
from followup.people.models import Role, Unit, User
from followup.people.queries import staff_of

ROTA = System("rota")
Times = Sequence[tuple[str, datetime, datetime]]


@transaction.atomic
def add_session(
    *,
    unit: Unit,
    person: User,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    by: Signs,
    room: str = "",
    in_charge: bool = False,
    slots: Times | None = None,
) -> Session:
    """Put a person on the rota, with the times (`kind, start, end`) that can be given in it."""
    session = add(
        unit=unit,
        person=person,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        room=room,
        in_charge=in_charge,
        slots=slots or [],
        by=by,
    )
    if slots:
        time_freed(unit)
    return session


def add(*, by: Signs, slots: Times, **columns: Any) -> Session:
    """`add_session` without a word to those who wait for a time: whoever adds many says it once."""
    session = Session.objects.create(**columns)
    Slot.objects.bulk_create(
        Slot(session=session, unit_id=session.unit_id, kind=kind, starts_at=start, ends_at=end)
        for kind, start, end in slots
    )
    journal.write("session.added", by=by, unit_id=session.unit_id, subject_id=session.id, kind=session.kind)
    return session


def lay_out_everywhere(*, by: Signs = ROTA) -> int:
    """Keep the rota of every unit laid out ahead; how many sessions are new. Done each night."""
    return sum(lay_out(unit, by=by) for unit in Unit.objects.all())


@transaction.atomic
def lay_out(unit: Unit, *, by: Signs, weeks: int = template.WEEKS) -> int:
    """Lay the unit's weekly template, from today `weeks` ahead; how many sessions are new.

    Safe to repeat: a session that stands is left alone, also one that was closed, and a day with a nurse in charge keeps her. Nobody is put
    where they are already; on closed days nobody is put anywhere.
    """
    one_change_at_a_time(unit)
    begin_the_week(unit)
    today = unit.hours.day_of(clock.now())
    standing = Standing(unit, today)
    by_weekday: dict[int, list[TemplateLine]] = {}
    for line in lines_of(unit):
        by_weekday.setdefault(line.weekday, []).append(line)
    laid = 0
    for day in (today + timedelta(days=ahead) for ahead in range(weeks * 7 + 1)):
        if unit.hours.spans(day):
            lines = by_weekday.get(day.weekday(), [])
            laid += sum(lay_line(line, day, lines, standing, by=by) is not None for line in lines)
    if laid:
        time_freed(unit)
    return laid


def lines_of(unit: Unit) -> list[TemplateLine]:
    """The lines of those who still work here, in the order in which they came."""
    staff = [person.id for role in (Role.NURSE, Role.CLINICIAN, Role.COORDINATOR) for person in staff_of(unit, role)]
    lines = TemplateLine.objects.filter(unit=unit, ended_at=None, person__in=staff).select_related("person", "unit")
    return sorted(lines, key=lambda line: (staff.index(line.person_id), line.weekday, line.starts))


class Standing:
    """What stands on the rota of a unit from a day on."""

    def __init__(self, unit: Unit, day: date):
        start = datetime.combine(day, time(), unit.zone)
        self.unit = unit
        self.laid: set[tuple] = set()
        self.begun: set[tuple] = set()
        self.open: dict[Any, list[tuple[datetime, datetime]]] = {}
        self.led: list[tuple[datetime, datetime]] = []
        for session in Session.objects.filter(unit=unit, ends_at__gt=start):
            self.note(session)

    def note(self, session: Session) -> None:
        if session.line_id:
            self.laid.add((session.line_id, self.unit.hours.day_of(session.starts_at)))
        self.begun.add((session.person_id, session.starts_at))
        if session.closed_at is None:
            self.open.setdefault(session.person_id, []).append((session.starts_at, session.ends_at))
            if session.in_charge:
                self.led.append((session.starts_at, session.ends_at))

    def forget(self, session: Session) -> None:
        """It is replaced: what it kept clear is free."""
        self.laid.discard((session.line_id, self.unit.hours.day_of(session.starts_at)))
        self.begun.discard((session.person_id, session.starts_at))

    def has(self, line: TemplateLine, day: date, starts_at: datetime, ends_at: datetime) -> bool:
        return (
            (line.id, day) in self.laid
            or (line.person_id, starts_at) in self.begun
            or _overlaps(self.open.get(line.person_id, []), starts_at, ends_at)
        )


def lay_line(
    line: TemplateLine, day: date, lines_of_day: list[TemplateLine], standing: Standing, *, by: Signs
) -> Session | None:
    """One line on one day; None where it stands already."""
    zone = line.unit.zone
    starts_at, ends_at = (datetime.combine(day, clock_time, zone) for clock_time in (line.starts, line.ends))
    if standing.has(line, day, starts_at, ends_at):
        return None
    leads = line.person_id == _leader(lines_of_day, day) and not _overlaps(standing.led, starts_at, ends_at)
    session = add(
        unit=line.unit,
        person=line.person,
        kind=line.kind,
        starts_at=starts_at,
        ends_at=ends_at,
        room=line.room,
        in_charge=leads and line.kind == SessionKind.NURSE_LINE,
        line=line,
        slots=times_on(line, day),
        by=by,
    )
    standing.note(session)
    return session


def times_on(line: TemplateLine, day: date) -> list[tuple[str, datetime, datetime]]:
    """The times of a line on a day."""
    length = timedelta(minutes=line.slot_minutes)
    starts = [(kind, datetime.combine(day, time.fromisoformat(at), line.unit.zone)) for kind, at in line.slots]
    return [(kind, start, start + length) for kind, start in starts]


def _leader(lines: list[TemplateLine], day: date) -> Any:
    """They take turns in being the nurse in charge, day by day."""
    nurses = list(dict.fromkeys(line.person_id for line in lines if line.leads))
    return nurses[day.toordinal() % len(nurses)] if nurses else None


def _overlaps(spans: list[tuple[datetime, datetime]], start: datetime, end: datetime) -> bool:
    return any(begin < end and start < until for begin, until in spans)
