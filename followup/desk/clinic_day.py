"""Who comes to the clinic on a day, and whether they came; changing and cancelling a time for somebody."""

from collections import Counter
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.clinic import queries as times
from followup.clinic.models import Appointment, State
from followup.clinic.services import NoTimeWithinPromise, SlotTaken, TimeEnded
from followup.contacts import queries
from followup.contacts import services as contacts
from followup.core import clock
from followup.desk import presenters
from followup.desk.doors import note, show, staff_page
from followup.people.access import unit_of


@require_GET
@staff_page("give_times")
def clinic_day(request: HttpRequest) -> HttpResponse:
    unit, at = unit_of(request.user), clock.now()
    today = unit.hours.day_of(at)
    day = _day(request.GET.get("day", ""), today)
    rows = list(times.on_day(unit, day))
    unmarked = Counter(unit.hours.day_of(each.slot.starts_at) for each in queries.unmarked(unit))
    names = {
        "day": day,
        "week": day.isocalendar().week,
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "rows": rows,
        "unmarked": sorted(unmarked.items()),
        "unmarked_count": unmarked.total(),
        "closed": unit.hours.is_closed(day) or not unit.hours.spans(day),
        "words": presenters,
        "at": at,
    }
    return show(request, "desk/clinic_day.html", here="clinic_list", zone=unit.zone, **names)


def _day(typed: str, today: date) -> date:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return today
    return day if abs((day - today).days) <= 3660 else today


@require_POST
@staff_page("give_times")
def mark(request: HttpRequest, appointment_id) -> HttpResponse:
    appointment = times.appointment_for(request.user, appointment_id)
    state, name = request.POST.get("state", ""), appointment.patient.name
    day = appointment.unit.hours.day_of(appointment.slot.starts_at)
    try:
        marked = contacts.mark_visit(appointment, state, by=request.user)
        said = (
            _("%(name)s came.") if marked.state == State.ATTENDED else _("%(name)s did not come. A nurse rings them.")
        )
        note(request, said % {"name": name})
    except TimeEnded as refused:
        note(request, str(refused))
    return redirect(f"{reverse('desk:clinic_day')}?day={day.isoformat()}")


@require_http_methods(["GET", "POST"])
@staff_page("give_times")
def change(request: HttpRequest, appointment_id) -> HttpResponse:
    """Another time for somebody who is on the telephone. What is held stays held: the call decides."""
    appointment = times.appointment_for(request.user, appointment_id)
    wrong = ""
    if request.method == "POST":
        if not _is_coming(appointment):
            return _too_late(request, appointment)
        try:
            if request.POST.get("do") == "none":
                contacts.no_time_suits(appointment.case, by=request.user)
                note(request, _("Noted: no time suits %(name)s. The coordinator sees it.") % _named(appointment))
            else:
                _give(request, appointment)
            return redirect("desk:patient", appointment.patient_id)
        except (SlotTaken, NoTimeWithinPromise) as refused:
            wrong = str(refused)
        except contacts.RequestClosed as refused:
            note(request, str(refused))
            return redirect("desk:patient", appointment.patient_id)
    names = {"free": queries.times_for(appointment.case)}
    return _about(request, "desk/time_change.html", appointment, names, {"slot": wrong} if wrong else {})


def _give(request: HttpRequest, appointment: Appointment) -> None:
    typed = request.POST.get("slot", "")
    slot = next((each for each in queries.times_for(appointment.case) if str(each.id) == typed), None)
    if slot is None:
        raise SlotTaken(_("Choose a time.") if not typed else None)
    held = appointment.state == State.HELD
    given = contacts.give_time(appointment.case, slot=slot, by=request.user, for_patient=held)
    said = _("%(name)s has another time: %(time)s.")
    when = presenters.time_words(given.slot, at=clock.now(), zone=given.slot.unit.zone)
    note(request, said % {**_named(appointment), "time": when})


@require_http_methods(["GET", "POST"])
@staff_page("give_times")
def cancel(request: HttpRequest, appointment_id) -> HttpResponse:
    """Before a time is cancelled: whose it is, who cancels, and what follows."""
    appointment = times.appointment_for(request.user, appointment_id)
    how, why = request.POST.get("how", ""), request.POST.get("why", "").strip()[:200]
    wrong: dict[str, str] = {}
    if request.method == "POST":
        if how not in ("clinic", "call", "no_help"):
            wrong["how"] = _("Say who cancels.")
        if how == "clinic" and not why:
            wrong["why"] = _("Say why the clinic cancels: it stands in the journal.")
        if not wrong:
            return _cancel(request, appointment, how, why)
    return _about(request, "desk/time_cancel.html", appointment, {"how": how, "why": why}, wrong)


def _cancel(request: HttpRequest, appointment: Appointment, how: str, why: str) -> HttpResponse:
    clinics = how == "clinic"
    try:
        contacts.cancel_time(
            appointment,
            by=request.user,
            for_patient=not clinics,
            needs_help=how != "no_help",
            slot_goes=clinics,
            why=why,
        )
    except TimeEnded:
        return _too_late(request, appointment)
    said = {
        "clinic": _("Cancelled. %(name)s is told, and a nurse rings."),
        "call": _("Cancelled. A nurse rings %(name)s."),
        "no_help": _("Cancelled. %(name)s needs no help now."),
    }
    note(request, said[how] % _named(appointment))
    return redirect("desk:patient", appointment.patient_id)


def _is_coming(appointment: Appointment) -> bool:
    return appointment.state in (State.HELD, State.BOOKED) and appointment.slot.starts_at > clock.now()


def _too_late(request: HttpRequest, appointment: Appointment) -> HttpResponse:
    note(request, str(TimeEnded()))
    return redirect("desk:patient", appointment.patient_id)


def _named(appointment: Appointment) -> dict[str, str]:
    return {"name": appointment.patient.name}


def _about(
    request: HttpRequest, template: str, appointment: Appointment, names: dict, wrong: dict[str, str]
) -> HttpResponse:
    """A page about one coming time, with what is wrong above and beside its field."""
    if not _is_coming(appointment):
        return _too_late(request, appointment)
    about = {
        "appointment": appointment,
        "patient": appointment.patient,
        "owed": queries.standing(appointment.case).call_is_open,
        "words": presenters,
        "at": clock.now(),
        "errors": [{"text": said, "href": f"#{field}"} for field, said in wrong.items()],
        "problems": {field: {"text": said, "visuallyHiddenText": _("Error")} for field, said in wrong.items()},
    }
    return show(
        request,
        template,
        here="clinic_list",
        zone=appointment.unit.zone,
        status=422 if wrong else 200,
        **about,
        **names,
    )
