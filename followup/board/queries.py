"""Everyone's place in the process. The board, its counts, its stream and the API all read it here."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max

from followup.board import policy
from followup.board.policy import CLOSED, Mark, Place
from followup.cases.models import Case, Move
from followup.core import clock
from followup.people.models import Patient, Unit

STAYS_CLOSED = timedelta(hours=1)
"""A case that closed stays on the board for so long: whoever looked away sees how it ended, and the rest of the day stays short."""

_COLUMNS = (
    "id",
    "unit_id",
    "patient_id",
    "kind",
    "code",
    "step",
    "step_since",
    "due",
    "closed",
    "opened",
    "changed_at",
    "meeting",
    "shortage",
    "unit__timezone",
)
_WHO = ("given_name", "family_name", "phone", "texts", "email")
_NAMES = tuple(f"patient__{column}" for column in _WHO)
_BANDS = {"late": 0, "due": 1, "": 2}


@dataclass(frozen=True)
class Row:
    """One case on the board. `promise`: `late`, `due` or empty; `shortage`: why it is at risk; `name`, `reach`: where names are shown."""

    id: UUID
    unit_id: UUID
    patient_id: UUID
    kind: str
    step: str
    since: datetime
    due: datetime | None
    closed: datetime | None
    opened: datetime
    changed_at: datetime
    dot: str
    promise: str
    marks: tuple[Mark, ...]
    code: str
    meeting: bool
    shortage: str
    name: str = ""
    reach: str = ""

    @property
    def at_risk(self) -> bool:
        return bool(self.shortage)

    @property
    def to_decide(self) -> bool:
        """Nobody answered the last try, and nothing is promised until a person decides."""
        return policy.waits_for_a_decision(self.kind, self.step, self.due)

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Late, due today or to be decided, the rest, what is closed; in each the earliest promise first. Compares like its own text."""
        band = 3 if self.closed else 1 if self.to_decide else _BANDS[self.promise]
        due = self.due.isoformat() if self.due else "9999"
        return band, due, self.opened.isoformat(), str(self.id)

    def as_contract(self) -> dict[str, Any]:
        """The row as the API and the stream give it."""
        return {
            "id": str(self.id),
            "kind": self.kind,
            "step": self.step,
            "since": self.since.isoformat(),
            "due": _iso(self.due),
            "dot": self.dot,
            "marks": [{"step": mark.step, "dot": mark.dot, "at": _iso(mark.at)} for mark in self.marks],
            "code": self.code,
            "meeting": self.meeting,
            "at_risk": self.at_risk,
            "shortage": self.shortage or None,
            "closed": _iso(self.closed),
            **({"name": self.name} if self.name else {}),
        }


def cases_on(unit: Unit, kind: str | None = None, *, names: bool = False, at: datetime | None = None) -> list[Row]:
    """The board of a unit, sorted: what is open, and what closed within the last hour. Three reads, whatever the number of rows."""
    at = at or clock.now()
    of_kind = {"kind": kind} if kind else {}
    cases = Case.objects.of_unit(unit).filter(**of_kind)
    just_closed = at - STAYS_CLOSED
    # A case that closed changed then or later; by that column it is found without walking through the years behind it.
    closed = cases.filter(changed_at__gte=just_closed, closed__gte=just_closed)
    return _rows([*_values(cases.open(), names), *_values(closed, names)], at=at)


def rows_of(case_ids: Iterable[UUID], *, at: datetime | None = None) -> list[Row]:
    """These cases as they stand, of any unit, also those that have left the board. Two reads."""
    return _rows(_values(Case.objects.filter(id__in=list(case_ids)), names=False), at=at or clock.now())


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many are open, late, due today and at risk, of the rows of a board."""
    live = [row for row in rows if not row.closed]
    return {
        "open": len(live),
        "late": sum(row.promise == "late" for row in live),
        "due": sum(row.promise == "due" for row in live),
        "at_risk": sum(row.at_risk for row in live),
    }


def changed_since(units: Iterable[UUID], since: datetime) -> list[tuple[UUID, datetime]]:
    """Ids of the cases of these units that changed at `since` or later, each with the moment."""
    changed = Case.objects.filter(unit__in=list(units), changed_at__gte=since)
    return list(changed.values_list("id", "changed_at"))


def fell_due(units: Iterable[UUID], after: datetime, until: datetime) -> list[UUID]:
    """Open cases of these units whose promise passed in between: their mark changes although nothing happened."""
    open_cases = Case.objects.open().filter(unit__in=list(units), due__gte=after, due__lt=until)
    return list(open_cases.values_list("id", flat=True))


def _values(cases, names: bool) -> list[dict[str, Any]]:
    return list(cases.values(*_COLUMNS, *(_NAMES if names else ())))


def _rows(cases: list[dict[str, Any]], *, at: datetime) -> list[Row]:
    reached = _reached([case["id"] for case in cases])
    return sorted((_row(case, reached[case["id"]], at) for case in cases), key=lambda row: row.order)


def _reached(case_ids: list[UUID]) -> dict[UUID, dict[str, datetime]]:
    """When each case last came to each of its steps."""
    moves = Move.objects.filter(case__in=case_ids).values_list("case_id", "step_to").annotate(Max("at")).order_by()
    reached: dict[UUID, dict[str, datetime]] = defaultdict(dict)
    for case_id, step, moment in moves:
        reached[case_id][step] = moment
    return reached


def _row(case: dict[str, Any], reached: dict[str, datetime], at: datetime) -> Row:
    zone = ZoneInfo(case["unit__timezone"])
    place = Place(case["kind"], case["step"], case["due"], closed=case["step"] == CLOSED)
    marks = policy.dots(place, reached, at=at, zone=zone)
    return Row(
        id=case["id"],
        unit_id=case["unit_id"],
        patient_id=case["patient_id"],
        kind=case["kind"],
        step=case["step"],
        since=case["step_since"],
        due=case["due"],
        closed=case["closed"],
        opened=case["opened"],
        changed_at=case["changed_at"],
        dot=next((mark.dot for mark in marks if mark.step == place.step), "done"),
        promise=policy.promise(place, at=at, zone=zone),
        marks=marks,
        code=case["code"],
        meeting=case["meeting"],
        shortage=case["shortage"],
        **(_who(case) if _NAMES[0] in case else {}),
    )


def _who(case: dict[str, Any]) -> dict[str, str]:
    patient = Patient(**{column: case[f"patient__{column}"] for column in _WHO})
    return {"name": patient.name, "reach": patient.reach}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
