"""The board in words: headings, what each mark says aloud, and the few letters that fit beside it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from babel.dates import format_date
from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation import gettext_lazy as _

from followup.board import policy
from followup.board.policy import Mark
from followup.board.queries import Row
from followup.cases.models import Shortage
from followup.core import words

TITLES = {
    "contact": {
        "received": _("Received"),
        "call_booked": _("Call booked"),
        "ringing": _("Ringing"),
        "unreached": _("Not reached"),
        "with_clinician": _("With clinician"),
        "clinic_time": _("Clinic time"),
    }
}
SHORTAGES: dict[str, Any] = {
    Shortage.NOTHING_TO_HOLD: _("No time left to keep"),
    Shortage.NEEDS_A_TIME: _("Needs a time"),
}
SHORTAGES_FROM_AFAR: dict[str, Any] = {
    Shortage.NOTHING_TO_HOLD: _("No time left"),
    Shortage.NEEDS_A_TIME: _("Needs a time"),
}
LEGEND = (
    ("done", _("done")),
    ("patient", _("patient’s move")),
    ("clinic", _("clinic’s move")),
    ("active", _("a nurse is calling")),
    ("due", _("due today")),
    ("late", _("late")),
    ("not_yet", _("not yet")),
)


@dataclass(frozen=True)
class Cell:
    """One mark: `label` is read aloud, `beside` printed; `late_since` set where `beside` grows with time."""

    step: str
    title: str
    dot: str
    label: str
    beside: str
    here: bool
    late_since: datetime | None = None


@dataclass(frozen=True)
class Line:
    """One row as the page shows it. `alike`: another row bears the same initials."""

    row: Row
    alike: bool
    cells: tuple[Cell, ...]
    here: Cell | None
    at_risk: str
    at_risk_short: str

    @property
    def order(self) -> str:
        return " ".join(map(str, self.row.order))


def titles(kind: str) -> list[str]:
    return [str(TITLES[kind][step]) for step in policy.columns(kind)]


def lines(rows: Iterable[Row], *, at: datetime, zone: tzinfo) -> list[Line]:
    rows = list(rows)
    initials = Counter(_initials(row.code) for row in rows)
    return [_line(row, initials[_initials(row.code)] > 1, at, zone) for row in rows]


def _initials(code: str) -> str:
    return code.split(" ")[0]


def _line(row: Row, alike: bool, at: datetime, zone: tzinfo) -> Line:
    cells = tuple(_cell(row, mark, at, zone) for mark in row.marks)
    return Line(
        row=row,
        alike=alike,
        cells=cells,
        here=next((cell for cell in cells if cell.here), None),
        at_risk=str(SHORTAGES[row.shortage]) if row.shortage else "",
        at_risk_short=str(SHORTAGES_FROM_AFAR[row.shortage]) if row.shortage else "",
    )


def _cell(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> Cell:
    here = mark.step == row.step
    title = str(TITLES[row.kind][mark.step])
    says = _SAYS[mark.dot](row, mark, at, zone)
    return Cell(
        step=mark.step,
        title=title,
        dot=mark.dot,
        label=f"{title}, {says}",
        beside=_beside(row, mark, at, zone),
        here=here,
        late_since=row.due if mark.dot == "late" else None,
    )


# What a mark says aloud


def _done(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    return gettext("done on %(when)s") % {"when": _in_full(mark.at, zone)} if mark.at else gettext("done")


def _late(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    return gettext("late by %(long)s, promised by %(when)s") % {
        "long": words.duration(at - row.due),
        "when": _in_full(row.due, zone),
    }


def _due(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    said = gettext("today at %(time)s") if _is_visit(row) else gettext("due today by %(time)s")
    return said % {"time": words.clock24(row.due, zone=zone)}


def _clinic(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    if row.to_decide:
        return gettext("a person decides what happens")
    if row.due is None:
        return gettext("the clinic’s move")
    return gettext("the clinic’s move, promised by %(when)s") % {"when": _in_full(row.due, zone)}


def _patient(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    if row.due is None:
        return gettext("the patient’s move")
    return gettext("the patient comes on %(when)s") % {"when": _in_full(row.due, zone)}


def _active(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    return gettext("a nurse has been calling since %(time)s") % {"time": words.clock24(row.since, zone=zone)}


_SAYS = {
    "done": _done,
    "late": _late,
    "due": _due,
    "clinic": _clinic,
    "patient": _patient,
    "active": _active,
    "not_yet": lambda *_: gettext("not yet"),
    "dropped": lambda *_: gettext("not needed"),
}


def _is_visit(row: Row) -> bool:
    return (row.kind, row.step) in policy.WHOLE_DAY


def _in_full(moment: datetime, zone: tzinfo) -> str:
    day = format_date(moment.astimezone(zone).date(), "d MMMM", locale=_locale())
    return f"{day} {words.clock24(moment, zone=zone)}"


# The few letters beside it


def _beside(row: Row, mark: Mark, at: datetime, zone: tzinfo) -> str:
    if mark.dot == "done":
        return _day_or_time(mark.at, at, zone) if mark.at else ""
    if mark.dot == "late":
        return how_late(at - row.due)
    if mark.dot == "active":
        return words.clock24(row.since, zone=zone)
    if mark.dot == "clinic" and row.to_decide:
        return gettext("to decide")
    if mark.dot in ("due", "clinic", "patient") and row.due:
        return _coming(row.due, at, zone)
    return ""


def how_late(length: timedelta) -> str:
    """22 min, 3 h, 6 d: rounded down, and short enough for a column. `board.js` says it alike."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return pgettext("how late, in minutes", "%(n)s min") % {"n": minutes}
    if minutes < 48 * 60:
        return pgettext("how late, in hours", "%(n)s h") % {"n": minutes // 60}
    return pgettext("how late, in days", "%(n)s d") % {"n": minutes // (24 * 60)}


def _day_or_time(moment: datetime, at: datetime, zone: tzinfo) -> str:
    there = moment.astimezone(zone)
    return (
        words.clock24(moment, zone=zone) if there.date() == at.astimezone(zone).date() else f"{there.day}/{there.month}"
    )


def _coming(moment: datetime, at: datetime, zone: tzinfo) -> str:
    """14:10 today, Mon 10:00 within the week, 30/11 after it."""
    there = moment.astimezone(zone)
    ahead = (there.date() - at.astimezone(zone).date()).days
    if ahead <= 0:
        return words.clock24(moment, zone=zone)
    if ahead < 7:
        return f"{format_date(there.date(), 'EEE', locale=_locale())} {words.clock24(moment, zone=zone)}"
    return f"{there.day}/{there.month}"


def _locale() -> str:
    return "sv_SE" if (get_language() or "en").startswith("sv") else "en_GB"
