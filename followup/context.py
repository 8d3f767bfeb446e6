"""What every page knows: the clinic whose page it is, whether it is the demonstration, and the clinic's zone."""

import re
from dataclasses import dataclass
from datetime import time

from django.http import HttpRequest

from followup.core import words
from followup.people.models import Unit

OUR_COLOUR = "#0b5d57"


@dataclass(frozen=True)
class Clinic:
    """The clinic as its visitors meet it. `own_colour` is empty where the clinic keeps ours, `phone_link` where it has no number."""

    name: str
    place: str
    phone: str
    phone_link: str
    hours_text: str
    emergency_number: str
    advice_number: str
    own_colour: str


# What a fault page can still say when the database does not answer.
_last_seen: Clinic | None = None


def clinic(request: HttpRequest) -> dict[str, object]:
    """`clinic`, `demo` and `zone`: of the unit of whoever is signed in, before that of the first unit of this installation."""
    global _last_seen
    user = getattr(request, "user", None)
    unit = user.unit if user is not None and user.is_authenticated else None
    unit = unit or Unit.objects.order_by("created_at").first()
    if unit is None:
        return {"clinic": None, "demo": False, "zone": None}
    _last_seen = clinic_of(unit)
    return {"clinic": _last_seen, "demo": unit.demo, "zone": unit.zone}


def last_seen_clinic() -> Clinic | None:
    """The clinic this process showed last; asks nobody."""
    return _last_seen


def clinic_of(unit: Unit) -> Clinic:
    colour = unit.colour.lower()
    return Clinic(
        name=unit.name,
        place=unit.place,
        phone=words.clinic_number(unit.phone),
        phone_link="tel:" + re.sub(r"[^\d+]", "", unit.phone) if unit.phone else "",
        hours_text=words.opening_hours(_weekly(unit)),
        emergency_number=unit.emergency_number,
        advice_number=words.advice_line(unit.advice_number),
        own_colour=colour if colour != OUR_COLOUR and re.fullmatch(r"#[0-9a-f]{6}", colour) else "",
    )


def _weekly(unit: Unit) -> dict[int, list[tuple[time, time]]]:
    """The week as it is written down; `unit.hours` would fetch every closed day for a line at the foot of the page."""
    return {
        int(weekday): [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans]
        for weekday, spans in unit.weekly_hours.items()
    }
