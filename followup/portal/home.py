"""The first page, the patient's home, and where they are."""

from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from followup.callbacks import queries as calls
from followup.cases.queries import open_contact_of
from followup.clinic import queries as times
from followup.contacts import queries as contacts
from followup.contacts import services
from followup.contacts.agreed import agreement_for
from followup.core import clock
from followup.people.models import Patient, Unit
from followup.people.queries import enrolment_of, programme_at
from followup.portal.doors import patient_page
from followup.portal.emergencies import emergency_words
from followup.portal.presenters import now_at, reason_of, time_and_place
from followup.portal.standpoint import standpoint


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What this is and where to go from here; a patient who has signed in goes home."""
    if request.user.is_authenticated and request.user.as_patient:
        return redirect("portal:home")
    unit = Unit.objects.order_by("created_at").first()
    return render(
        request,
        "portal/landing.html",
        {
            "now": now_at(unit, clock.now()) if unit else "",
            # Whoever tries the demonstration needs somebody to be.
            # nosemgrep
            "guest": Patient.objects.filter(unit=unit).order_by("user__username").first()
            if unit and unit.demo
            else None,
        },
    )


@require_safe
@patient_page
def home(request: HttpRequest, patient: Patient) -> HttpResponse:
    """What should I do, what happens next, how do I reach you."""
    at = clock.now()
    case = open_contact_of(patient)
    standing = contacts.standing(case) if case else None
    latest = calls.latest_outcome_of(patient)
    if latest and case and latest.callback.case_id != case.id:
        latest = None  # What was agreed another time would read as the answer to what is open now.
    visit = _next_visit(patient, besides=standing)
    return render(
        request,
        "portal/home.html",
        {
            "patient": patient,
            "standing": standing,
            "here": standpoint(standing, at) if standing else None,
            "took_back": standing is not None and standing.took_back,
            "reason": reason_of(standing.rules, standing.contact.reason) if standing else "",
            "visit": time_and_place(visit, at) if visit else "",
            "agreed": agreement_for(request.user, latest.id) if latest else None,
        },
    )


@require_safe
@patient_page
def where(request: HttpRequest, patient: Patient) -> HttpResponse:
    """The patient's own view of the board, for reading at leisure and for printing."""
    at = clock.now()
    case = contacts.latest_of(patient)
    standing = contacts.standing(case) if case else None
    enrolment = enrolment_of(patient)
    rules = enrolment.programme.rules if enrolment else None
    visit = _next_visit(patient, besides=standing)
    return render(
        request,
        "portal/where.html",
        {
            "at": at,
            "standing": standing,
            "here": standpoint(standing, at) if standing else None,
            "reason": reason_of(standing.rules, standing.contact.reason) if standing else "",
            "visit": time_and_place(visit, at) if visit else "",
            "enrolment": enrolment,
            "plan": next((group for group in rules.groups if group.id == enrolment.group), None) if rules else None,
        },
    )


@require_POST
@patient_page
def free_now(request: HttpRequest, patient: Patient) -> HttpResponse:
    """“I missed your call, I am free now.” Where no call is owed any more, the page behind says how things stand."""
    with suppress(services.NothingOpen):
        services.say_free(patient=patient, by=request.user)
    return redirect("portal:where" if request.POST.get("page") == "where" else "portal:home")


@require_safe
def emergency(request: HttpRequest) -> HttpResponse:
    """The signs for which nobody should wait: public, without anything personal, made to be printed and shown."""
    unit = Unit.objects.order_by("created_at").first()
    programme = programme_at(unit) if unit else None
    words = emergency_words(programme.rules, unit) if programme else None
    return render(request, "portal/emergency.html", {"emergency": words})


def _next_visit(patient: Patient, besides: contacts.Standing | None):
    """The next time that is booked; the one of the open request is told with it."""
    told = besides.kept_time.id if besides and besides.kept_time else None
    return next((time for time in times.booked_for(patient) if time.id != told), None)
