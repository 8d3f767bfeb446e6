"""The board on a desk and on the wall. Both are the same rows in another size."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from followup.board import door, presenter, queries
from followup.board.presenter import Line
from followup.core import clock, heartbeats
from followup.core.hours import NeverOpen
from followup.desk.doors import show, staff_page
from followup.desk.presenters import reach_words
from followup.people import access
from followup.people.models import Role, Unit
from followup.people.signin.sessions import not_a_use

KIND = "contact"
WALL_ROWS = 18
FILTERS: dict[str, Callable[[Line], bool]] = {
    "late": lambda line: line.row.promise == "late",
    "due": lambda line: line.row.promise == "due",
    "at_risk": lambda line: line.row.at_risk,
}


@require_GET
@staff_page("see_board")
def board(request: HttpRequest) -> HttpResponse:
    if request.user.role == Role.WALL:
        return redirect("wall")
    names = _with_names(request)
    page = _board(door.board_of(request.user), at=clock.now(), names=names)
    chosen = request.GET.get("show") if request.GET.get("show") in FILTERS else ""
    lines = [line for line in page["lines"] if not chosen or FILTERS[chosen](line)]
    choices = _choices(page["counts"], chosen)
    return show(
        request,
        "desk/board.html",
        here="board",
        **page | {"lines": lines},
        chosen=chosen,
        choices=choices,
        names=names,
        rows_at=reverse("desk:board_row", args=[_ANY]),
        empty_sentence=_nobody(chosen),
    )


@not_a_use
@require_GET
@staff_page("see_board")
def row(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """One row as it stands, for a board that is open, and the counts that go with it. A row that left the board is not in the answer."""
    if request.user.role == Role.WALL:
        raise Http404
    page = _board(door.board_of(request.user), at=clock.now(), names=_with_names(request))
    chosen = FILTERS.get(request.GET.get("show", ""), lambda line: True)
    lines = [line for line in page["lines"] if line.row.id == case_id and chosen(line)]
    choices = _choices(page["counts"], request.GET.get("show", ""))
    return render(request, "desk/board_row.html", page | {"lines": lines, "choices": choices})


@not_a_use
@require_GET
@staff_page("see_board")
def wall(request: HttpRequest) -> HttpResponse:
    """The wall screen: codes only, nothing to press, asleep while the clinic is closed."""
    door.require_key_alive(request)
    unit, at = door.board_of(request.user), clock.now()
    if asleep := _asleep(unit, at):
        return render(request, "wall/asleep.html", asleep | {"at": at})
    page = _board(unit, at=at)
    closes = unit.hours.close_of(unit.hours.day_of(at))
    rows_at = reverse("wall_row", args=[_ANY])
    return render(request, "wall/board.html", page | {"rows_at": rows_at, "wall_rows": WALL_ROWS, "closes": closes})


@not_a_use
@require_GET
@staff_page("see_board")
def wall_row(request: HttpRequest, case_id: UUID) -> HttpResponse:
    door.require_key_alive(request)
    page = _board(door.board_of(request.user), at=clock.now())
    lines = [line for line in page["lines"] if line.row.id == case_id]
    return render(request, "wall/row.html", page | {"lines": lines})


_ANY = UUID(int=0)
"""Stands in an address where the browser puts the id of a row."""


def _board(unit: Unit, *, at: datetime, names: bool = False) -> dict[str, Any]:
    rows = queries.cases_on(unit, KIND, names=names, at=at)
    ages = heartbeats.ages()
    return {
        "kind": KIND,
        "at": at,
        "titles": presenter.titles(KIND),
        "lines": presenter.lines(rows, at=at, zone=unit.zone),
        "counts": queries.counts(rows),
        "legend": presenter.LEGEND,
        "silent_since": _silent_since(ages, at),
        "any": str(_ANY),
        "reach_words": reach_words,
    }


def _silent_since(ages: dict[str, float | None], at: datetime) -> datetime | None:
    """Since when a background process has been silent for too long, None when all are well. One never heard of is silent from now."""
    limit = heartbeats.SILENT_AFTER.total_seconds()
    silent = [age or 0 for age in ages.values() if age is None or age > limit]
    return datetime.fromtimestamp(at.timestamp() - max(silent), tz=at.tzinfo) if silent else None


def _with_names(request: HttpRequest) -> bool:
    return request.GET.get("names") == "1" and access.may(request.user, "see_patients")


def _choices(counts: dict[str, int], chosen: str) -> list[dict[str, Any]]:
    """The counts, each of them also what one can choose to see."""
    names = {"late": _("Late"), "due": _("Due today"), "at_risk": _("At risk")}
    everything = {"id": "open", "text": _("Open"), "value": counts["open"], "href": "?"}
    parts = [{"id": id, "text": name, "value": counts[id], "href": f"?show={id}"} for id, name in names.items()]
    return [each | {"here": each["id"] == (chosen or "open")} for each in (everything, *parts)]


def _nobody(chosen: str) -> str:
    if chosen == "late":
        return _("Nothing is late.")
    if chosen == "due":
        return _("Nothing is due today.")
    if chosen == "at_risk":
        return _("No promise is at risk.")
    return _("Nobody in this process.")


def _asleep(unit: Unit, at: datetime) -> dict[str, Any] | None:
    """Until when the clinic is closed (`opens` None: nobody knows); None on a working day, over lunch too."""
    today = unit.hours.day_of(at)
    opened, closes = unit.hours.open_of(today), unit.hours.close_of(today)
    if opened and closes and opened <= at < closes:
        return None
    try:
        return {"opens": unit.hours.next_opening(at)}
    except NeverOpen:
        return {"opens": None}
