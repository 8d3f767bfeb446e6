"""One case from the board: moved by hand, marked for a planning meeting, opened again; and what was agreed, on paper."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.cases import services as cases
from followup.cases.models import Case
from followup.cases.queries import case_for
from followup.contacts import services as contacts
from followup.contacts.agreed import agreement_for
from followup.context import clinic_of
from followup.core import clock
from followup.core.errors import Invalid, Refused
from followup.desk import presenters
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import MoveForm, ReopenForm
from followup.people import access
from followup.people.queries import clinicians_of


@require_http_methods(["GET", "POST"])
@staff_page("move_cases")
def case(request: HttpRequest, case_id) -> HttpResponse:
    """Move by hand, where the flow allows a move from here, and the mark for a planning meeting."""
    found = case_for(request.user, case_id)
    form = MoveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and _moved(request, found, form):
        note(request, _("Moved: %(name)s.") % {"name": found.patient.name})
        return redirect("desk:board")
    if request.method == "GET":
        access.open_record(found.patient, by=request.user, where="record")
    moves = [{"value": each, "text": presenters.step_name(each)} for each in contacts.moves_by_hand(found)]
    names = _about(found) | {"form": form, "moves": moves}
    return show(request, "desk/case.html", here="board", status=422 if form.errors else 200, **names)


def _moved(request: HttpRequest, found: Case, form: MoveForm) -> bool:
    form.is_valid()
    said = form.cleaned_data
    if not said["move"]:
        form.add_error("move", _("Choose where to move it."))
        return False
    try:
        contacts.move_by_hand(found, said["move"], by=request.user, why=said["why"])
    except Invalid as refused:
        form.take(refused)
    except Refused as refused:
        form.add_error("move", str(refused))
    found.refresh_from_db()
    return not form.errors


@require_POST
@staff_page("move_cases")
def meeting(request: HttpRequest, case_id) -> HttpResponse:
    found = case_for(request.user, case_id)
    wanted = request.POST.get("wanted") == "1"
    cases.want_meeting(found.id, wanted, by=request.user)
    said = _("Marked: a planning meeting would help.") if wanted else _("The mark is taken away.")
    note(request, said)
    return redirect("desk:case", found.id)


@require_http_methods(["GET", "POST"])
@staff_page("reopen")
def reopen(request: HttpRequest, case_id) -> HttpResponse:
    """A finished request goes to a clinician after all."""
    found = case_for(request.user, case_id)
    if request.POST.get("do") == "close":
        return _closed_again(request, found)
    form = ReopenForm(request.POST if request.method == "POST" else None)
    clinicians = list(clinicians_of(found.unit))
    if request.method == "POST" and _reopened(request, found, form, clinicians):
        note(request, _("Opened again: the request of %(name)s is with a clinician.") % {"name": found.patient.name})
        return redirect("desk:patient", found.patient_id)
    if request.method == "GET":
        access.open_record(found.patient, by=request.user, where="record")
    anybody = {"value": "", "text": _("Whoever is free"), "checked": not form.typed("to")}
    names = _about(found) | {
        "form": form,
        "to": [anybody, *({"value": str(each.id), "text": each.name} for each in clinicians)],
        "refused": "" if found.closed else str(contacts.NotFinished()),
        "slip": not found.closed and contacts.question_of_reopening(found, by=request.user) is not None,
    }
    return show(request, "desk/reopen.html", here="patients", status=422 if form.errors else 200, **names)


def _closed_again(request: HttpRequest, found: Case) -> HttpResponse:
    try:
        contacts.close_again(found, by=request.user)
        note(request, _("Closed again: the request of %(name)s.") % {"name": found.patient.name})
    except contacts.NotOneSlip as refused:
        note(request, str(refused))
    return redirect("desk:patient", found.patient_id)


def _reopened(request: HttpRequest, found: Case, form: ReopenForm, clinicians: list) -> bool:
    form.is_valid()
    said = form.cleaned_data
    to = next((each for each in clinicians if each.id == said["to"]), None)
    try:
        contacts.reopen(found, by=request.user, why=said["why"], to=to)
    except Invalid as refused:
        form.take(refused)
    except Refused as refused:
        form.add_error(None, str(refused))
    return not form.errors


def _about(found: Case) -> dict:
    at, zone = clock.now(), found.unit.zone
    contact = getattr(found, "contact", None)
    return {
        "case": found,
        "patient": found.patient,
        "born": presenters.born(found.patient),
        "facts": presenters.facts_of(found.patient),
        "reason": presenters.reason_words(found.programme.rules, contact.reason) if contact else "",
        "step": presenters.step_words(found),
        "since": presenters.near(found.step_since, at=at, zone=zone),
        "outcome": presenters.outcome_words(found.programme.rules, found.outcome) if found.outcome else "",
        "zone": zone,
        "at": at,
    }


@require_GET
@staff_page("see_patients")
def agreed(request: HttpRequest, outcome_id) -> HttpResponse:
    """What was agreed, as the patient reads it and in their language, for whoever gets it on paper."""
    agreement = agreement_for(request.user, outcome_id)
    patient = agreement.case.patient
    access.open_record(patient, by=request.user, where="record")
    with translation.override(patient.language):
        names = {"agreed": agreement, "clinic": clinic_of(agreement.case.unit), "at": clock.now()}
        names["zone"] = agreement.case.unit.zone
        page = mark_safe(render_to_string("portal/_agreement.html", names))  # noqa: S308  a template of ours
        heading = _("What we agreed")
    back = reverse("desk:patient", args=[patient.id])
    return show(request, "desk/agreed.html", here="patients", page=page, heading=heading, patient=patient, back=back)
