"""The week of a unit before anybody changed it: who sits on the nurse line, which times a clinician's day has.

Pure: a weekday's opening hours in, lines out. From then on the week stands in rows (`TemplateLine`) that a coordinator changes.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from followup.clinic.models import SlotKind

SLOT_MINUTES = 30

CLINIC_DAY: tuple[tuple[str, time], ...] = (
    (SlotKind.REVISIT, time(9, 0)),
    (SlotKind.REVISIT, time(9, 40)),
    (SlotKind.URGENT, time(10, 20)),
    (SlotKind.REVISIT, time(11, 0)),
    (SlotKind.REVISIT, time(13, 0)),
    (SlotKind.URGENT, time(13, 40)),
    (SlotKind.URGENT, time(14, 20)),
    (SlotKind.PLANNING, time(15, 0)),
)
"""A clinician's times on an open day. Urgent ones stand on every day, morning and afternoon: the three days of a flare-up hold
only what was kept free before anyone asked."""

WEEKS = 6
"""How far ahead a rota is laid."""

LAST_MINUTE = time(23, 59)
Hours = tuple[time, time]


def slots_of(spans: Iterable[Hours]) -> list[tuple[str, time]]:
    """The clinic times (`kind, start`) of a weekday; only those that lie whole inside the opening hours."""
    inside = [(opens, until_midnight(closes)) for opens, closes in spans]
    return [
        (kind, start)
        for kind, start in CLINIC_DAY
        if any(opens <= start and after(start, SLOT_MINUTES) <= closes for opens, closes in inside)
    ]


def nurse_line_of(spans: Iterable[Hours]) -> list[Hours]:
    """Somebody answers for as long as the unit is open."""
    return [(opens, until_midnight(closes)) for opens, closes in spans]


def until_midnight(closes: time) -> time:
    return LAST_MINUTE if closes == time(0) else closes


def after(start: time, minutes: int) -> time:
    """So many minutes later on the same day; its last minute, where that is earlier."""
    moment = datetime.combine(date.min, start) + timedelta(minutes=minutes)
    return moment.time() if moment.date() == date.min else LAST_MINUTE
