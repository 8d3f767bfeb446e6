"""What a coordinator adds to the rota or takes from it: a session, a week, a single time."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from followup.cases.queries import case_for
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Slot
from followup.core.errors import Invalid, Refused, Unknown
from followup.desk import sessions_words as words
from followup.desk.doors import note, show, staff_page
from followup.desk.sessions import read_week, week_of
from followup.desk.sessions_forms import ReasonForm, SessionForm, TimeForm, day_parts, initial_time
from followup.people.access import unit_of
from followup.people.models import STAFF, Unit, User
from followup.people.queries import staff_of


def people_of(unit: Unit) -> list[User]:
    """Whoever can be put on the rota."""
    return [person for role in STAFF for person in staff_of(unit, role)]


def person_from(people: list[User], typed: Any) -> User | None:
    return next((each for each in people if each.id == typed), None)


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def add(request: HttpRequest) -> HttpResponse:
    """`?day=` and `?case=` come from a request at risk: the day is filled in, and the way leads back to it."""
    unit = unit_of(request.user)
    people = people_of(unit)
    day = _day(request.GET.get("day", ""))
    case = _case(request)
    initial = {"kind": "clinic", "minutes": "30"} | (day_parts(day) if day else {})
    form = SessionForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            added = clinic.plan_session(
                unit=unit,
                by=request.user,
                person=person_from(people, form.cleaned_data["person"]),
                day=form.cleaned_data["day"],
                in_charge=form.in_charge_too,
                **form.said(),
            )
            note(request, _("The session is added. Whoever waits for a time is asked for again."))
            return redirect("desk:ways_out", case.id) if case else redirect("desk:session", added.id)
        except Invalid as refused:
            form.take(refused)
    names = {"form": form, "people": people, "words": words, "case": case, "day": day}
    status = 422 if form.errors else 200
    return show(request, "desk/sessions_add.html", here="sessions", status=status, zone=unit.zone, **names)


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


def _case(request: HttpRequest):
    wanted = request.GET.get("case", "")
    try:
        return case_for(request.user, wanted) if wanted else None
    except Unknown:
        return None


@require_POST
@staff_page("manage_times")
def copy(request: HttpRequest) -> HttpResponse:
    source, target = (read_week(request.POST.get(name, "")) for name in ("week", "to"))
    if source is None or target is None or source == target or abs((target - source).days) > 366:
        raise Unknown
    laid = clinic.copy_week(unit=unit_of(request.user), source=source, target=target, by=request.user)
    said = ngettext("%(count)s session copied.", "%(count)s sessions copied.", laid) % {"count": laid}
    left = _("Closed days, and people who are somewhere already, are left as they are.")
    nothing = _("Nothing was copied: the clinic is closed on those days, or everybody is somewhere already.")
    note(request, f"{said} {left}" if laid else nothing)
    return redirect(f"{reverse('desk:sessions')}?week={week_of(target)}")


@require_http_methods(["GET", "POST"])
@staff_page("overbook")
def open_time(request: HttpRequest) -> HttpResponse:
    """A time outside the template, with a reason. `?session=` fills in its person and day."""
    unit = unit_of(request.user)
    people = people_of(unit)
    wanted = request.GET.get("session", "")
    shown = times.session_for(request.user, wanted) if _is_id(wanted) else None
    initial = {"kind": "urgent", "minutes": "30"} | initial_time(shown)
    form = TimeForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and (opened := _opened(request, unit, people, form)):
        note(request, _("The time is open. Whoever waits for one is asked for again."))
        return redirect("desk:session", opened.session_id)
    names = {"form": form, "people": people, "words": words, "session": shown}
    status = 422 if form.errors else 200
    return show(request, "desk/sessions_open.html", here="sessions", status=status, zone=unit.zone, **names)


def _is_id(typed: str) -> bool:
    return bool(TimeForm.base_fields["person"].clean(typed))


def _opened(request: HttpRequest, unit: Unit, people: list[User], form: TimeForm) -> Slot | None:
    said = form.cleaned_data
    person = person_from(people, said["person"])
    if person is None:
        form.add_error("person", _("Choose a person."))
    if said["day"] is None:
        form.add_error("day", _("Give a day from today on, such as 26 11 2026."))
    if said["start"] is None:
        form.add_error("start", _("Give a time of day, such as 14:30."))
    if form.errors or person is None:
        return None
    starts_at = datetime.combine(said["day"], said["start"], unit.zone)
    try:
        return clinic.open_slot(
            unit=unit,
            person=person,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=said["minutes"]),
            kind=said["kind"],
            why=said["why"],
            room=said["room"],
            by=request.user,
        )
    except Invalid as refused:
        form.take(refused)
        return None


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def turn_urgent(request: HttpRequest, slot_id) -> HttpResponse:
    return _with_a_reason(
        request,
        times.slot_for(request.user, slot_id),
        clinic.turn_urgent,
        heading=_("Turn this revisit time into an urgent one?"),
        button=_("Make it urgent"),
        done=_("The time is urgent now. Whoever waits for one is asked for again."),
    )


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def close_time(request: HttpRequest, slot_id) -> HttpResponse:
    return _with_a_reason(
        request,
        times.slot_for(request.user, slot_id),
        clinic.close_slot,
        heading=_("Close this time?"),
        button=_("Close the time"),
        done=_("The time is closed: nobody is given it."),
    )


def _with_a_reason(request: HttpRequest, slot: Slot, verb: Any, **said: str) -> HttpResponse:
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            verb(slot, by=request.user, why=form.cleaned_data["why"])
            note(request, said["done"])
            return redirect("desk:session", slot.session_id)
        except Invalid as refused:
            form.take(refused)
        except Refused as refused:
            form.add_error(None, str(refused))
    names = {"slot": slot, "form": form, "words": words, **said}
    status = 422 if form.errors else 200
    return show(request, "desk/sessions_why.html", here="sessions", status=status, zone=slot.unit.zone, **names)
