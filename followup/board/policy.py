"""Which mark a case bears in each column of the board. Pure: values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache

from followup.cases.flows import FLOWS

CLOSED = "closed"

PATIENTS_MOVE = {("contact", "clinic_time")}
"""Steps in which the next thing to do is the patient's: here, to come."""
ON_THE_LINE = {("contact", "ringing"), ("review", "ringing")}
"""Steps in which somebody is being rung at this moment."""
WHOLE_DAY = {("contact", "clinic_time")}
"""Steps whose promise is a visit: it is late when its day has passed and nobody said how it went, not while it goes on."""


@dataclass(frozen=True)
class Place:
    """Where a case stands. `due` is None where nothing is promised."""

    kind: str
    step: str
    due: datetime | None
    closed: bool = False


@dataclass(frozen=True)
class Mark:
    """One column: `at` is when the case last came to that step, None for one that it never came to."""

    step: str
    dot: str
    at: datetime | None


@cache
def columns(kind: str) -> tuple[str, ...]:
    """The steps that are columns: all of the flow but the end, where a case leaves the board."""
    return tuple(step for step in FLOWS[kind].steps if step != CLOSED)


def waits_for_a_decision(kind: str, step: str, due: datetime | None) -> bool:
    """A call after its last try: the case promises nothing until a person has decided (`contacts.policy.step_for`)."""
    return (kind, step) == ("contact", "unreached") and due is None


def promise(place: Place, *, at: datetime, zone: tzinfo) -> str:
    """`late` when what we owe has passed, `due` when it falls due on the unit's own day of `at`, else nothing."""
    if place.closed or place.due is None:
        return ""
    today, its_day = at.astimezone(zone).date(), place.due.astimezone(zone).date()
    whole_day = (place.kind, place.step) in WHOLE_DAY
    if its_day < today if whole_day else place.due < at:
        return "late"
    return "due" if its_day == today else ""


def dot(place: Place, *, at: datetime, zone: tzinfo) -> str:
    """The mark of the step where a case is. A call that is going on needs nobody to chase it, so it is `active` even when it came late."""
    here = (place.kind, place.step)
    if place.closed:
        return "done"
    if here in ON_THE_LINE:
        return "active"
    return promise(place, at=at, zone=zone) or ("patient" if here in PATIENTS_MOVE else "clinic")


def dots(place: Place, reached: Mapping[str, datetime], *, at: datetime, zone: tzinfo) -> tuple[Mark, ...]:
    """One mark for each column. `reached` says when the case last came to each step it has been at.

    What lies before the present step is `done`, or `dropped` where the case went past it; what lies behind is `not_yet`, even where it
    has been there in an earlier round.
    """
    steps = columns(place.kind)
    here = len(steps) if place.closed else steps.index(place.step)
    marks = []
    for number, step in enumerate(steps):
        been = reached.get(step)
        if number < here:
            marks.append(Mark(step, "done" if been else "dropped", been))
        elif number == here:
            marks.append(Mark(step, dot(place, at=at, zone=zone), been))
        else:
            marks.append(Mark(step, "not_yet", None))
    return tuple(marks)
