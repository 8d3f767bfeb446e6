"""The weekly template on a page: day by day, a line at a time."""

from itertools import groupby
from typing import Any

from babel.dates import get_day_names
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from followup.clinic import rota_queries as rota
from followup.clinic import services as clinic
from followup.clinic.models import TemplateLine
from followup.core.errors import Invalid, Unknown
from followup.desk import sessions_words as words
from followup.desk.doors import note, show, staff_page
from followup.desk.sessions_changes import people_of, person_from
from followup.desk.sessions_forms import LineForm, initial_of
from followup.people.access import unit_of


def day_names() -> dict[int, str]:
    """Monday is 0."""
    return dict(get_day_names("wide", locale=(get_language() or "en").replace("-", "_")))


@require_GET
@staff_page("manage_times")
def week(request: HttpRequest) -> HttpResponse:
    unit = unit_of(request.user)
    by_day = {day: list(lines) for day, lines in groupby(rota.template_of(unit), key=lambda line: line.weekday)}
    days = [
        (day, name, by_day.get(day, []))
        for day, name in day_names().items()
        if by_day.get(day) or day in unit.hours.weekly
    ]
    return show(request, "desk/sessions_template.html", here="sessions", zone=unit.zone, days=days, words=words)


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def line(request: HttpRequest, line_id=None) -> HttpResponse:
    """A line is added, or changed; its weekday stays, for its sessions are counted by it."""
    unit = unit_of(request.user)
    shown = _live_line(request, line_id) if line_id else None
    people = people_of(unit)
    wanted = request.GET.get("weekday", "")
    initial = initial_of(shown) if shown else {"kind": "clinic", "minutes": "30", "weekday": wanted}
    form = LineForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            _line, changed, left = clinic.keep_line(
                unit=unit,
                by=request.user,
                line=shown,
                person=person_from(people, form.cleaned_data["person"]),
                weekday=form.cleaned_data["weekday"],
                leads=form.in_charge_too,
                also_laid=form.cleaned_data["also_laid"] == "yes",
                **form.said(),
            )
            note(request, _saved(_("The template is saved."), changed, left))
            return redirect("desk:sessions_template")
        except Invalid as refused:
            form.take(refused)
    names = {"form": form, "people": people, "line": shown, "days": day_names(), "words": words}
    status = 422 if form.errors else 200
    return show(request, "desk/sessions_line.html", here="sessions", status=status, zone=unit.zone, **names)


def _live_line(request: HttpRequest, line_id: Any) -> TemplateLine:
    found = rota.line_for(request.user, line_id)
    if found.ended_at:
        raise Unknown
    return found


def _saved(first: str, changed: int, left: int) -> str:
    said = [first]
    if changed:
        said.append(
            ngettext("%(count)s session was changed.", "%(count)s sessions were changed.", changed) % {"count": changed}
        )
    if left:
        said.append(
            ngettext(
                "%(count)s session has patients and stays as it was.",
                "%(count)s sessions have patients and stay as they were.",
                left,
            )
            % {"count": left}
        )
    return " ".join(said)


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def remove(request: HttpRequest, line_id) -> HttpResponse:
    shown = rota.line_for(request.user, line_id)
    if request.method == "POST":
        clinic.remove_line(shown, by=request.user)
        shown.refresh_from_db()
        changed, left = (
            clinic.bring_up_to_date(shown, by=request.user) if request.POST.get("also_laid") == "yes" else (0, 0)
        )
        gone = _("Removed from the template: %(name)s, %(day)s.") % {
            "name": shown.person.name,
            "day": day_names()[shown.weekday],
        }
        note(request, _saved(gone, changed, left))
        return redirect("desk:sessions_template")
    names = {"line": shown, "day_name": day_names()[shown.weekday], "words": words}
    return show(request, "desk/sessions_remove.html", here="sessions", zone=shown.unit.zone, **names)
