"""Who comes to the clinic on a day, and whether they came."""

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from followup.clinic import queries as times
from followup.clinic.models import State
from followup.clinic.services import TimeEnded
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
    names = {
        "day": day,
        "week": day.isocalendar().week,
        "today": today,
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "rows": rows,
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
