"""The rota a week at a time, one session of it, and its closing."""

import re
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from followup.clinic import queries as times
from followup.clinic import rota_queries as rota
from followup.clinic.models import Session, SessionKind
from followup.clinic.services import SlotTaken
from followup.contacts import services as contacts
from followup.contacts.closings import became, calls_laid_into
from followup.core import clock
from followup.core.errors import Invalid
from followup.core.hours import NeverOpen
from followup.desk import presenters
from followup.desk import sessions_words as words
from followup.desk.doors import note, show, staff_page
from followup.desk.sessions_forms import ReasonForm
from followup.people.access import may, unit_of
from followup.people.models import Unit

WEEK = timedelta(days=7)
WEEKS_AHEAD = 6
FARTHEST = 60
"""Weeks from today that the page shows, either way."""


@require_GET
@staff_page("give_times")
def sessions(request: HttpRequest) -> HttpResponse:
    unit, at = unit_of(request.user), clock.now()
    today = unit.hours.day_of(at)
    this_week = _monday_of(today)
    monday = _monday(request.GET.get("week", ""), this_week) or _monday_of(_next_day_with_hours(unit, at))
    days = [monday + timedelta(days=n) for n in range(7)]
    found = rota.sessions_between(unit, days[0], days[-1])
    names = {
        "today": today,
        "week": monday.isocalendar().week,
        "this_week": monday == this_week,
        "before": week_of(monday - WEEK),
        "after": week_of(monday + WEEK),
        "weeks": [week_items(this_week + WEEK * n, monday) for n in range(WEEKS_AHEAD + 1)],
        "next_weeks": [week_items(monday + WEEK * n, monday) for n in range(1, WEEKS_AHEAD + 1)],
        "gaps": [(gap, words.gap_words(gap)) for gap in rota.gaps(unit, days, found)],
        "may_plan": may(request.user, "manage_times"),
        "words": words,
        "this": week_of(monday),
        "now": week_of(this_week),
        **_grid(unit, days, found, at),
    }
    return show(request, "desk/sessions.html", here="sessions", zone=unit.zone, **names)


def week_of(day: date) -> str:
    """2026-W48."""
    year, week, _day = day.isocalendar()
    return f"{year}-W{week:02}"


def week_items(monday: date, shown: date) -> dict[str, Any]:
    said = _("Week %(week)s") % {"week": monday.isocalendar().week}
    return {"value": week_of(monday), "text": said, "monday": monday, "here": monday == shown}


def read_week(typed: str) -> date | None:
    """The Monday of 2026-W48."""
    found = re.fullmatch(r"(\d{4})-W(\d{2})", typed)
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        return None


def _monday(typed: str, this_week: date) -> date | None:
    monday = read_week(typed)
    return monday if monday and abs((monday - this_week).days) <= 7 * FARTHEST else None


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _next_day_with_hours(unit: Unit, at: datetime) -> date:
    """Today while there is an open hour left in it, else the next open day: on a Friday evening that is next week's Monday."""
    try:
        return unit.hours.day_of(unit.hours.next_opening(at))
    except NeverOpen:
        return unit.hours.day_of(at)


def _grid(unit: Unit, days: list[date], found: list[Session], at: datetime) -> dict[str, Any]:
    """The week as rows of people and columns of days; days on which nobody works and nothing is open are left out."""
    by_day: defaultdict[date, list[Session]] = defaultdict(list)
    cells: defaultdict[tuple[Any, date], list[words.Cell]] = defaultdict(list)
    people = {}
    for session in sorted(found, key=lambda each: (each.kind == SessionKind.CLINIC, each.person.name)):
        people[session.person_id] = session.person
    for session in found:
        day = unit.hours.day_of(session.starts_at)
        by_day[day].append(session)
        cells[session.person_id, day].append(words.cell_of(session, day=day, zone=unit.zone, at=at))
    shown = [day for day in days if by_day[day] or unit.hours.weekly.get(day.weekday())]
    rows = [(person, [cells[person.id, day] for day in shown]) for person in people.values()]
    columns = [
        {
            "day": day,
            "closed": not unit.hours.spans(day),
            "urgent": words.urgent_words(by_day[day], at),
            "cells": [(person, cell) for person in people.values() for cell in cells[person.id, day]],
        }
        for day in shown
    ]
    return {"rows": rows, "columns": columns, "first": days[0], "last": days[-1]}


@require_GET
@staff_page("give_times")
def session(request: HttpRequest, session_id) -> HttpResponse:
    return _session_page(request, times.session_for(request.user, session_id))


def _session_page(request: HttpRequest, shown: Session) -> HttpResponse:
    at, zone = clock.now(), shown.unit.zone
    day = shown.unit.hours.day_of(shown.starts_at)
    names = {
        "session": shown,
        "day": day,
        "week": week_of(day),
        "slots": rota.slots_of(shown),
        "after": became(shown) if shown.closed_at else [],
        "over": shown.ends_at <= at,
        "may_plan": may(request.user, "manage_times"),
        "words": words,
        "presenters": presenters,
        "at": at,
    }
    return show(request, "desk/sessions_one.html", here="sessions", zone=zone, **names)


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def close(request: HttpRequest, session_id) -> HttpResponse:
    """Who must be called stands there before anything is pressed."""
    shown = times.session_for(request.user, session_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            contacts.close_session(shown, by=request.user, why=form.cleaned_data["why"])
            note(request, _("The session is closed. This is what became of everybody who had a time."))
            return redirect("desk:session", shown.id)
        except Invalid as refused:
            form.take(refused)
        except (contacts.BookedMeanwhile, SlotTaken) as refused:
            form.add_error(None, str(refused))
    elif shown.closed_at:
        return redirect("desk:session", shown.id)
    patients = times.kept_in(shown)
    names = {
        "session": shown,
        "day": shown.unit.hours.day_of(shown.starts_at),
        "patients": patients,
        "heading": _heading(shown, len(patients)),
        "calls": len(calls_laid_into(shown)),
        "form": form,
        "words": words,
        "presenters": presenters,
        "at": clock.now(),
    }
    return show(
        request,
        "desk/sessions_close.html",
        here="sessions",
        zone=shown.unit.zone,
        status=422 if form.errors else 200,
        **names,
    )


def _heading(shown: Session, count: int) -> str:
    if not count:
        return _("Close this session?")
    return ngettext("%(count)s patient must be called", "%(count)s patients must be called", count) % {"count": count}
