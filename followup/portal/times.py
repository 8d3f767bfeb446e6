"""A patient's time at the clinic: choose another, say that none suits, give it back, put it into a calendar.

What is being looked at is a row (kept ten minutes), not something in the browser: the back button and a second tab find the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, wraps
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from followup.cases.queries import open_contact_of
from followup.clinic import queries as clinic_queries
from followup.clinic.models import Appointment, Slot, State
from followup.clinic.services import NoTimeWithinPromise, SlotTaken, TimeEnded
from followup.contacts import queries, services
from followup.core import clock
from followup.core.errors import Invalid
from followup.people.models import Patient
from followup.portal import time_presenters
from followup.portal.doors import patient_page
from followup.portal.presenters import time_and_place, what_to_bring
from followup.portal.standpoint import standpoint

KEPT_AFTER_CANCEL = timedelta(days=30)
"""How long a calendar may still fetch that its time was cancelled (RFC 5545, STATUS:CANCELLED)."""

page = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Choosing:
    """The open request of a patient, with the time they have and the times they may choose."""

    patient: Patient
    standing: queries.Standing
    at: datetime

    @property
    def time(self) -> Appointment | None:
        """The coming time that is kept or booked."""
        kept = self.standing.kept_time
        return kept if kept and kept.slot.starts_at > self.at else None

    @property
    def is_held(self) -> bool:
        """The call decides over it: nobody comes before."""
        return self.time is not None and self.time.state == State.HELD

    @cached_property
    def free(self) -> list[Slot]:
        """Times to choose from: for whoever has one to change, and whoever needs one."""
        wanted = self.time is not None or self.standing.case.shortage
        return queries.times_to_choose(self.standing.case) if wanted else []

    @property
    def days(self) -> dict[date, list[Slot]]:
        return time_presenters.days_of(self.free, self.patient.unit)

    @property
    def names(self) -> dict:
        """What every one of these pages may say."""
        return {
            "standing": self.standing,
            "here": standpoint(self.standing, self.at),
            "time": self.time,
            "said": time_and_place(self.time, self.at) if self.time else "",
            "is_held": self.is_held,
            "see_by": self.standing.contact.see_by,
            "bring": what_to_bring(self.standing.rules, self.time),
        }


def time_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page about the time of the open request; whoever has none goes home."""

    @patient_page
    @wraps(view)
    def guarded(request: HttpRequest, patient: Patient, *args, **kwargs) -> HttpResponse:
        case = open_contact_of(patient)
        if case is None:
            return redirect("portal:home")
        return view(request, Choosing(patient, queries.standing(case), clock.now()), *args, **kwargs)

    return guarded


@require_safe
@time_page
def time(request: HttpRequest, choosing: Choosing) -> HttpResponse:
    """Where and when, who, and what can be done about it."""
    return render(request, "portal/times/time.html", choosing.names | {"may_choose": bool(choosing.free)})


@page
@time_page
def day(request: HttpRequest, choosing: Choosing) -> HttpResponse:
    """Which day: only those with a free time."""
    if request.method != "POST":
        return _days(request, choosing, _("Choose a time again.") if "again" in request.GET else "")
    chosen = request.POST.get("day", "")
    if chosen in {each.isoformat() for each in choosing.days}:
        return redirect("portal:time_pick", chosen)
    return _days(request, choosing, _("Choose a day.") if not chosen else _("No time is free on that day any more."))


def _days(request: HttpRequest, choosing: Choosing, wrong: str = "") -> HttpResponse:
    names = {"items": time_presenters.day_items(choosing.days), **_problem("day", wrong if choosing.free else "")}
    return render(request, "portal/times/day.html", choosing.names | names, status=422 if names["errors"] else 200)


@page
@time_page
def pick(request: HttpRequest, choosing: Choosing, on: str) -> HttpResponse:
    """Which time of that day; it is kept for ten minutes from here."""
    if request.method != "POST":
        return _times(request, choosing, on)
    chosen = request.POST.get("slot", "")
    if not chosen:
        return _times(request, choosing, on, _("Choose a time."))
    try:
        services.choose_time(choosing.standing.case, _slot(choosing, chosen), by=request.user)
    except SlotTaken as taken:
        # Read anew: the list is as it is now.
        fresh = Choosing(choosing.patient, choosing.standing, clock.now())
        return _times(request, fresh, on, str(taken))
    except services.RequestClosed:
        return redirect("portal:home")
    return redirect("portal:time_check")


def _times(request: HttpRequest, choosing: Choosing, on: str, wrong: str = "") -> HttpResponse:
    free = {each.isoformat(): slots for each, slots in choosing.days.items()}.get(on, [])
    if not free:
        return _days(request, choosing, wrong or _("No time is free on that day any more."))
    choice = queries.choice_of(choosing.standing.case)
    names = {
        "on": date.fromisoformat(on),
        "choices": time_presenters.choices_of(
            free,
            choosing.patient.unit,
            chosen=str(choice.slot_id) if choice else "",
            all_of_them="more" in request.GET,
        ),
        **_problem("slot", wrong),
    }
    return render(request, "portal/times/pick.html", choosing.names | names, status=422 if wrong else 200)


def _slot(choosing: Choosing, typed: str) -> Slot:
    """The free time with that id; whatever else was sent is a time that is gone."""
    found = next((slot for slot in choosing.free if str(slot.id) == typed), None)
    if found is None:
        raise SlotTaken
    return found


@page
@time_page
def check(request: HttpRequest, choosing: Choosing) -> HttpResponse:
    """The new time beside the old one, and the button that makes the change. Pressed twice it is made once."""
    case, kept = choosing.standing.case, choosing.time
    if request.method == "POST":
        typed = request.POST.get("slot", "")
        try:
            if not (kept and str(kept.slot_id) == typed):
                services.give_time(case, slot=_slot(choosing, typed), by=request.user)
            return redirect("portal:time_done")
        except SlotTaken as taken:
            return _days(request, Choosing(choosing.patient, choosing.standing, clock.now()), str(taken))
        except NoTimeWithinPromise:
            return redirect("portal:time_none")
        except services.RequestClosed:
            return redirect("portal:home")
    choice = queries.choice_of(case)
    if choice is None:
        return redirect(f"{reverse('portal:time_day')}?again=yes")
    names = {
        "choice": choice,
        "new": time_and_place(choice, choosing.at),
        "until": time_presenters.until_words(choice.choice_until, choosing.patient.unit),
        "back": reverse(
            "portal:time_pick", args=[choosing.patient.unit.hours.day_of(choice.slot.starts_at).isoformat()]
        ),
    }
    return render(request, "portal/times/check.html", choosing.names | names)


@require_safe
@time_page
def done(request: HttpRequest, choosing: Choosing) -> HttpResponse:
    """The time is theirs: when, where, and how to give it back."""
    if choosing.time is None:
        return redirect("portal:home")
    return render(request, "portal/times/done.html", choosing.names)


@page
@time_page
def none_suits(request: HttpRequest, choosing: Choosing) -> HttpResponse:
    """No time suits, or none is free: they say when they could come, and a person finds one."""
    wrong, typed = "", request.POST.get("words", "")
    if request.method == "POST":
        try:
            services.no_time_suits(choosing.standing.case, by=request.user, words=typed)
            return redirect(f"{reverse('portal:time_none')}?asked=yes")
        except Invalid as invalid:
            wrong = invalid.errors["words"]
        except services.RequestClosed:
            return redirect("portal:home")
    asked = "asked" in request.GET and not wrong
    names = {"typed": typed, "any_free": bool(choosing.free), **_problem("words", wrong)}
    template = "portal/times/asked.html" if asked else "portal/times/none.html"
    return render(request, template, choosing.names | names, status=422 if wrong else 200)


@page
@patient_page
def cancel(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Give the time back: what that means, and whether they still need help."""
    case = open_contact_of(patient)
    choosing = Choosing(patient, queries.standing(case), clock.now()) if case else None
    if request.method == "POST":
        return _give_back(request, choosing)
    if choosing is None or choosing.time is None:
        return redirect("portal:home")
    return _ask_to_cancel(request, choosing)


def _give_back(request: HttpRequest, choosing: Choosing | None) -> HttpResponse:
    answer = request.POST.get("help", "")
    if answer not in ("yes", "no"):
        if choosing is None or choosing.time is None:
            return redirect("portal:home")
        return _ask_to_cancel(request, choosing, _("Say whether you still need help."))
    appointment = clinic_queries.appointment_for(request.user, _id(request.POST.get("time", "")))
    try:
        services.cancel_time(appointment, by=request.user, needs_help=answer == "yes")
    except TimeEnded:
        return redirect("portal:home")
    return redirect("portal:time_given_back")


def _id(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as no:
        raise Http404 from no


def _ask_to_cancel(request: HttpRequest, choosing: Choosing, wrong: str = "") -> HttpResponse:
    names = choosing.names | {"may_choose": bool(choosing.free), **_problem("help", wrong)}
    return render(request, "portal/times/cancel.html", names, status=422 if wrong else 200)


@require_safe
@patient_page
def given_back(request: HttpRequest, patient: Patient) -> HttpResponse:
    """The time is given back, and what happens now."""
    case = queries.latest_of(patient)
    if case is None:
        return redirect("portal:home")
    standing = queries.standing(case)
    names = {"standing": standing, "here": standpoint(standing, clock.now())}
    return render(request, "portal/times/given_back.html", names)


@require_safe
@patient_page
def calendar(request: HttpRequest, patient: Patient, appointment_id: UUID) -> HttpResponse:
    """The time as a file for the calendar of a telephone: the one that is booked for its request now, or that it was cancelled."""
    asked = clinic_queries.appointment_for(request.user, appointment_id)
    booked = Appointment.objects.filter(case=asked.case_id).exclude(booked_at=None).select_related("slot__unit")
    rows = list(booked.select_related("slot__session").order_by("booked_at"))
    if asked not in rows:
        raise Http404
    latest, at = rows[-1], clock.now()
    if latest.state == State.RELEASED and latest.ended_at < at - KEPT_AFTER_CANCEL:
        raise Http404
    # Each time that was booked, and each that was given back, is a change.
    changes = len(rows) - 1 + sum(row.state == State.RELEASED for row in rows)
    answer = HttpResponse(
        time_presenters.calendar_file(latest, changes=changes, at=at), content_type="text/calendar; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return answer


def _problem(field: str, words: str) -> dict:
    """What is wrong, for the summary above and beside the field."""
    if not words:
        return {"errors": [], "problem": None}
    return {
        "errors": [{"text": words, "href": f"#{field}"}],
        "problem": {"text": words, "visuallyHiddenText": _("Error")},
    }
