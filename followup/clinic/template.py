"""The week of a unit before anybody changed it: who sits on the nurse line, which times a clinician's day has.

Pure: opening hours in, spans out. A coordinator's own templates come on top of this.
"""

from datetime import date, datetime, time, timedelta

from followup.clinic.models import SlotKind
from followup.core.hours import OpeningHours, Span

SLOT = timedelta(minutes=30)

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


def slots_of(hours: OpeningHours, day: date) -> list[tuple[str, datetime, datetime]]:
    """The clinic times (`kind, start, end`) of a day; only those that lie whole inside the opening hours."""
    spans = hours.spans(day)
    found = []
    for kind, clock in CLINIC_DAY:
        starts = datetime.combine(day, clock, hours.zone)
        if any(opens <= starts and starts + SLOT <= closes for opens, closes in spans):
            found.append((kind, starts, starts + SLOT))
    return found


def nurse_line_of(hours: OpeningHours, day: date) -> list[Span]:
    """Somebody answers for as long as the unit is open."""
    return hours.spans(day)
