"""The weekly template of a unit: the lines from which its sessions are laid."""

from collections.abc import Sequence
from datetime import datetime, time

from django.db import transaction
from django.utils.translation import gettext as _

from followup.clinic import template
from followup.clinic.models import SessionKind, SlotKind, TemplateLine
from followup.core import clock, journal
from followup.core.errors import Invalid
from followup.core.typed import storable
from followup.people.access import require
from followup.people.models import Role, Unit, User
from followup.people.queries import staff_of

LONGEST_ROOM = 60


def begin_the_week(unit: Unit) -> None:
    """Give the usual week to everybody who works here and never had a line."""
    known = set(TemplateLine.objects.filter(unit=unit).values_list("person_id", flat=True))
    nurses, clinicians = staff_of(unit, Role.NURSE), staff_of(unit, Role.CLINICIAN)
    lines = []
    for weekday, spans in sorted(unit.hours.weekly.items()):
        for nurse in nurses:
            for opens, closes in template.nurse_line_of(spans):
                kind = SessionKind.NURSE_LINE
                lines.append(_line(unit, nurse, kind, weekday, opens, closes, leads=True))
        slots = template.slots_of(spans)
        for place, clinician in enumerate(clinicians if slots else [], start=1):
            ends = template.after(slots[-1][1], template.SLOT_MINUTES)
            room = f"{'rum' if unit.language == 'sv' else 'room'} {place}"
            times = [[kind, f"{start:%H:%M}"] for kind, start in slots]
            lines.append(_line(unit, clinician, SessionKind.CLINIC, weekday, slots[0][1], ends, room=room, slots=times))
    TemplateLine.objects.bulk_create(line for line in lines if line.person_id not in known)


def _line(unit: Unit, person: User, kind: str, weekday: int, starts: time, ends: time, **more) -> TemplateLine:
    return TemplateLine(unit=unit, person=person, kind=kind, weekday=weekday, starts=starts, ends=ends, **more)


@transaction.atomic
def save_line(
    *,
    unit: Unit,
    by: User,
    person: User | None,
    kind: str,
    weekday: int | None,
    starts: time | None,
    ends: time | None,
    room: str = "",
    leads: bool = False,
    slots: Sequence[tuple[str, time]] = (),
    minutes: int = template.SLOT_MINUTES,
    line: TemplateLine | None = None,
) -> TemplateLine:
    """A new line, or `line` changed on its weekday. Sessions that are laid already stay as they are. The same said twice is one line.

    Raises `Invalid`.
    """
    require(by, "manage_times")
    weekday = line.weekday if line else weekday
    Unit.objects.select_for_update(no_key=True).get(id=unit.id)
    errors = check_hours(unit, person, kind, starts, ends, room, slots, minutes)
    if weekday not in range(7):
        errors["weekday"] = _("Choose a day.")
    if errors:
        raise Invalid(errors)
    columns = {
        "person": person,
        "kind": kind,
        "weekday": weekday,
        "starts": starts,
        "ends": ends,
        "room": storable(room).strip(),
        "leads": leads and kind == SessionKind.NURSE_LINE,
        "slots": [[each, f"{start:%H:%M}"] for each, start in sorted(slots, key=lambda slot: slot[1])],
        "slot_minutes": minutes,
    }
    others = TemplateLine.objects.filter(unit=unit, person=person, weekday=weekday, ended_at=None)
    for other in others.exclude(id=line.id if line else None):
        if line is None and all(getattr(other, name) == value for name, value in columns.items()):
            return other
        if other.starts < ends and starts < other.ends:
            raise Invalid({"starts": already_there(person, other.kind, other.starts, other.ends)})
    line = line or TemplateLine(unit=unit)
    for name, value in columns.items():
        setattr(line, name, value)
    line.save()
    journal.write("template.changed", by=by, unit_id=unit.id, subject_id=line.id, weekday=weekday)
    return line


@transaction.atomic
def remove_line(line: TemplateLine, *, by: User) -> TemplateLine:
    """No more sessions are laid from this line; those laid already stay. Said twice it is done once."""
    require(by, "manage_times")
    line = TemplateLine.objects.select_for_update(no_key=True).get(id=line.id)
    if line.ended_at is None:
        line.ended_at = clock.now()
        line.save(update_fields=["ended_at"])
        journal.write("template.removed", by=by, unit_id=line.unit_id, subject_id=line.id)
    return line


def check_hours(
    unit: Unit,
    person: User | None,
    kind: str,
    starts: time | None,
    ends: time | None,
    room: str,
    slots: Sequence[tuple[str, time]],
    minutes: int,
) -> dict[str, str]:
    """What is wrong with somebody's hours and the times in them, by field; a wrong time stands at the field of its kind."""
    errors: dict[str, str] = {}
    if person is None or person.unit != unit:
        errors["person"] = _("Choose a person.")
    if kind not in SessionKind.values:
        errors["kind"] = _("Choose nurse line or clinic.")
    if starts is None:
        errors["starts"] = _("Give a time of day, such as 08:00.")
    if ends is None:
        errors["ends"] = _("Give a time of day, such as 16:30.")
    if starts and ends and ends <= starts:
        errors["ends"] = _("The end must come after the start.")
    if len(room) > LONGEST_ROOM:
        errors["room"] = _("The name of the room is too long: use %(limit)s characters or fewer.") % {
            "limit": LONGEST_ROOM
        }
    if not 5 <= minutes <= 240:
        errors["minutes"] = _("A time lasts from 5 to 240 minutes.")
    if not errors and starts and ends:
        errors |= _check_slots(kind, starts, ends, slots, minutes)
    return errors


def _check_slots(
    kind: str, starts: time, ends: time, slots: Sequence[tuple[str, time]], minutes: int
) -> dict[str, str]:
    errors: dict[str, str] = {}
    if kind == SessionKind.CLINIC and not slots:
        errors[SlotKind.URGENT] = _("Give at least one time of some kind: without them nobody can be given one.")
    free_from = starts
    for each, start in sorted(slots, key=lambda slot: slot[1]):
        said = {"time": f"{start:%H:%M}"}
        if start < starts or _minutes(start) + minutes > _minutes(ends):
            errors[each] = _("%(time)s does not fit between start and end.") % said
        elif start < free_from:
            errors[each] = _("%(time)s begins before the time before it has ended.") % said
        free_from = template.after(start, minutes)
    return errors


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def already_there(person: User, kind: str, starts: time | datetime, ends: time | datetime) -> str:
    where = _("on the nurse line") if kind == SessionKind.NURSE_LINE else _("at the clinic")
    said = {"name": person.name, "where": where, "start": f"{starts:%H:%M}", "end": f"{ends:%H:%M}"}
    return _("%(name)s is %(where)s then, %(start)s to %(end)s. Nothing was saved.") % said
