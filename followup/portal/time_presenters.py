"""What the pages about a clinic time say: days, times and the calendar file. Pure: rows in, words out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from icalendar import Calendar, Event

from followup.clinic.models import Appointment, Slot, State
from followup.core import words
from followup.people.models import Unit

NOON = time(12)
SHOWN_FIRST = 12
"""How many times of a day are shown before "Show more"."""


@dataclass(frozen=True)
class Choices:
    """The times of one day, as items of radios; `more` is how many are not shown yet."""

    morning: list[dict]
    afternoon: list[dict]
    more: int


def days_of(slots: list[Slot], unit: Unit) -> dict[date, list[Slot]]:
    """Free times by their day on the clinic's wall."""
    days: dict[date, list[Slot]] = {}
    for slot in slots:
        days.setdefault(slot.starts_at.astimezone(unit.zone).date(), []).append(slot)
    return days


def day_items(days: dict[date, list[Slot]]) -> list[dict]:
    return [
        {
            "value": day.isoformat(),
            "text": capfirst(words.day_name(day)),
            "hint": {"text": ngettext("%(count)s free time", "%(count)s free times", len(free)) % {"count": len(free)}},
        }
        for day, free in days.items()
    ]


def choices_of(free: list[Slot], unit: Unit, *, chosen: str = "", all_of_them: bool = False) -> Choices:
    shown = free if all_of_them else free[:SHOWN_FIRST]
    items = [(slot.starts_at.astimezone(unit.zone).time() < NOON, _item(slot, unit, chosen)) for slot in shown]
    return Choices(
        morning=[item for early, item in items if early],
        afternoon=[item for early, item in items if not early],
        more=len(free) - len(shown),
    )


def _item(slot: Slot, unit: Unit, chosen: str) -> dict:
    when = words.day_and_time(slot.starts_at, zone=unit.zone)
    said = ", ".join(filter(None, [capfirst(when), slot.place]))
    return {"value": str(slot.id), "text": said, "checked": str(slot.id) == chosen}


def until_words(choice_until: datetime, unit: Unit) -> str:
    return _("We keep this time for you until %(time)s while you decide.") % {
        "time": words.clock_time(choice_until, zone=unit.zone)
    }


def calendar_file(appointment: Appointment, *, changes: int, at: datetime) -> bytes:
    """An iCalendar file (RFC 5545) of one time: nothing in it says which kind of clinic it is.

    The UID is that of the case, so that a time that moves replaces the one before; `changes` is its SEQUENCE.
    """
    slot, zone = appointment.slot, appointment.slot.unit.zone
    event = Event()
    event.add("uid", f"{appointment.case_id}@followup")
    event.add("sequence", changes)
    event.add("dtstamp", at.astimezone(UTC))
    event.add("dtstart", slot.starts_at.astimezone(zone))
    event.add("dtend", slot.ends_at.astimezone(zone))
    event.add("summary", _("Appointment"))
    event.add("location", slot.place)
    event.add("status", "CANCELLED" if appointment.state == State.RELEASED else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", "-//Followup//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if appointment.state == State.RELEASED else "PUBLISH")
    calendar.add_component(event)
    calendar.add_missing_timezones(
        first_date=slot.starts_at.date() - timedelta(days=366), last_date=slot.starts_at.date() + timedelta(days=366)
    )
    return calendar.to_ical()
