"""Finding a patient, the whole record on one page, and a request entered for somebody on the telephone or on paper."""

from datetime import datetime

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases.models import Case
from followup.cases.queries import cases_of, open_contact_of
from followup.cases.services import NotInAProgramme
from followup.clinic import queries as times
from followup.contacts import services as contacts
from followup.contacts.models import Addition, Contact
from followup.contacts.policy import SOONER, may_reopen
from followup.core import clock, words
from followup.core.errors import Invalid
from followup.desk import presenters
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import RequestForm
from followup.messages.queries import told_to
from followup.people import access, queries
from followup.people.models import Patient, User
from followup.programmes.schema import Rules
from followup.programmes.texts import text

A_PAGE, CASES_A_PAGE = 50, 10
CHANNELS = ("phone", "paper", "email", "sms")
WRONG = {
    "reason": gettext_lazy("Choose why they get in touch."),
    "days_left": gettext_lazy("Say for how many days the medicine lasts, as a number from 0 to 365."),
    "sooner": gettext_lazy("Say whether the visit should be sooner."),
}
"""What the room says to a patient, said to a nurse."""


@require_GET
@staff_page("see_patients")
def search(request: HttpRequest) -> HttpResponse:
    typed = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = queries.search(typed, by=request.user).prefetch_related("cases")
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    at, rings = clock.now(), access.may(request.user, "answer_calls")
    owed = calls.open_of_patients([each.id for each in page]) if rings else {}
    rows = [
        {
            "patient": each,
            "born": words.day(each.born_on),
            "reach": presenters.reach(each),
            "open": _open_words(each, owed.get(each.id), request.user, at=at),
            "call": presenters.way_to_call(owed[each.id], request.user, at=at) if each.id in owed else None,
        }
        for each in page
    ]
    names = {"typed": typed, "page": page, "rows": rows, "channel": _channel_of(request), "words": presenters}
    return show(request, "desk/patients.html", here="patients", **names)


def _channel_of(request: HttpRequest) -> str:
    """How what is to be logged came to us, if the way here says so."""
    wished = request.GET.get("channel", "")
    return wished if wished in CHANNELS else ""


def _open_words(patient: Patient, callback: Callback | None, user: User, *, at: datetime) -> str:
    """What is open, and who has it: feels worse, waiting; or that a colleague is on the call now."""
    if callback:
        return f"{presenters.reason_of(callback)}, {presenters.where_call_is(callback, user, at=at)}"
    open_cases = [case for case in patient.cases.all() if case.closed is None]
    return ", ".join(presenters.step_words(case) for case in open_cases)


@require_GET
@staff_page("see_patients")
def record(request: HttpRequest, patient_id) -> HttpResponse:
    patient = access.patient_for(request.user, patient_id)
    access.open_record(patient, by=request.user, where="record")
    at, zone = clock.now(), patient.unit.zone
    enrolment = queries.enrolment_of(patient)
    cases = cases_of(patient).select_related("programme", "contact").prefetch_related("contact__additions")
    number = _page_asked_for(request)
    found = list(cases[(number - 1) * CASES_A_PAGE : number * CASES_A_PAGE + 1])
    found, is_more = found[:CASES_A_PAGE], len(found) > CASES_A_PAGE
    led_to: dict = {}
    for kept in calls.outcomes_of_cases([case.id for case in found]):
        led_to.setdefault(kept.callback.case_id, []).append(kept)
    names = {
        "patient": patient,
        "born": presenters.born(patient),
        "facts": presenters.facts_of(patient),
        "enrolment": enrolment,
        "rules": enrolment.programme.rules if enrolment else None,
        "page": {"number": number, "earlier": number - 1, "later": number + 1 if is_more else 0},
        "cases": [_case(case, led_to, at=at, zone=zone) for case in found],
        "callback": _open_call(patient) if access.may(request.user, "answer_calls") else None,
        "appointments": list(times.all_of(patient)),
        "told": list(told_to(patient)[:20]),
        "words": presenters,
        "at": at,
    }
    return show(request, "desk/patient.html", here="patients", zone=zone, **names)


def _page_asked_for(request: HttpRequest) -> int:
    """From 1: a record has no last page until one gets there, since counting would cost as much as reading."""
    asked = request.GET.get("page", "")
    return max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1


def _words_added(contact: Contact) -> list[Addition]:
    return [each for each in contact.additions.all() if each.text]


def _case(case: Case, led_to: dict, *, at, zone) -> dict:
    contact: Contact | None = getattr(case, "contact", None)
    rules = case.programme.rules
    return {
        "case": case,
        "reason": presenters.reason_words(rules, contact.reason) if contact else case.get_kind_display(),
        "message": contact.message if contact else "",
        "added": sorted(_words_added(contact), key=lambda each: each.at) if contact else [],
        "step": presenters.step_words(case),
        "stand": presenters.due_stand(case.due, at=at, zone=zone) if case.due and not case.closed else None,
        "outcome": presenters.outcome_words(rules, case.outcome) if case.outcome else "",
        "may_reopen": contact is not None and may_reopen(case.closed, at=at),
        "reopened": case.came_here_by_reopening(),
        "agreed": [(presenters.near(kept.at, at=at, zone=zone), kept.id) for kept in led_to.get(case.id, [])],
        "shortage": presenters.shortage_words(case.shortage)[0],
        "moves": [
            (presenters.near(move.at, at=at, zone=zone), presenters.step_name(move.step_to))
            for move in case.moves.all()
        ],
    }


def _open_call(patient: Patient) -> Callback | None:
    case = open_contact_of(patient)
    return calls.open_of_case(case.id) if case else None


@require_http_methods(["GET", "POST"])
@staff_page("enter_requests")
def enter(request: HttpRequest, patient_id) -> HttpResponse:
    """One page for everything a patient would answer by themselves."""
    patient = access.patient_for(request.user, patient_id)
    enrolment = queries.enrolment_of(patient)
    if enrolment is None:
        note(request, str(NotInAProgramme()))
        return redirect("desk:patient", patient.id)
    initial = {"channel": _channel_of(request) or "phone"}
    form = RequestForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        answer = _receive(request, patient, form)
        if answer:
            return answer
    elif request.method == "GET":
        access.open_record(patient, by=request.user, where="request page")
    callback = _open_call(patient) if access.may(request.user, "answer_calls") else None
    names = {
        "patient": patient,
        "born": presenters.born(patient),
        "options": _options(enrolment.programme.rules, form),
        "words": presenters,
        "open_case": open_contact_of(patient),
        "callback": callback,
        "whose": presenters.where_call_is(callback, request.user, at=clock.now()) if callback else "",
        "taken": callback is not None and callback.is_held(clock.now()) and callback.claimed_by_id != request.user.id,
        "booked": times.booked_for(patient)[:1],
        "asks": _asks(enrolment.programme.rules),
        "form": form,
        "may_take": access.may(request.user, "answer_calls"),
        "at": clock.now(),
    }
    status = 422 if form.errors else 200
    return show(request, "desk/request.html", here="patients", status=status, zone=patient.unit.zone, **names)


def _asks(rules: Rules) -> dict[str, str]:
    """Which reasons each further question belongs to, in words."""
    return {
        question: _("If the reason is: %(reasons)s.")
        % {"reasons": ", ".join(text(reason.label) for reason in rules.reasons if question in reason.asks)}
        for question in ("since", "medicine", "days_left")
    }


def _options(rules: Rules, form: RequestForm) -> dict[str, list[dict]]:
    flags = form.typed("red_flags")
    return {
        "channel": [{"value": each, "text": capfirst(presenters.channel_words(each))} for each in CHANNELS],
        "red_flags": [
            {"value": each.id, "text": text(each.ask), "checked": each.id in flags} for each in rules.red_flags
        ],
        "reason": [{"value": each.id, "text": text(each.label)} for each in rules.reasons],
        "since": [{"value": each.id, "text": text(each.label)} for each in rules.since],
        "sooner": [{"value": each, "text": presenters.sooner_words(each)} for each in SOONER],
        "voicemail": [{"value": "yes", "text": _("Yes")}, {"value": "no", "text": _("No")}],
    }


def _receive(request: HttpRequest, patient: Patient, form: RequestForm) -> HttpResponse | None:
    said = form.cleaned_data
    if said["channel"] not in CHANNELS:
        form.add_error("channel", _("Choose how the request came to us."))
        return None
    request_of_theirs = {
        "patient": patient,
        "by": request.user,
        "reason": said["reason"],
        "message": said["message"],
        "answers": form.answers,
        "preferred": form.preferred,
        "channel": said["channel"],
    }
    takes = request.POST.get("do") if access.may(request.user, "answer_calls") else ""
    try:
        if takes in ("take", "take_over"):
            return _taken(request, contacts.log_call(**request_of_theirs, over=takes == "take_over"))
        return _received(request, contacts.receive(**request_of_theirs))
    except Invalid as refused:
        form.take(refused, WRONG)
    except NotInAProgramme as refused:
        form.add_error(None, str(refused))
    return None


def _received(request: HttpRequest, contact: Contact) -> HttpResponse:
    note(request, _saved(contact.case))
    return redirect("desk:patient", contact.case.patient_id)


def _taken(request: HttpRequest, callback: Callback) -> HttpResponse:
    """To the call page, with the call taken; or to the question whether a colleague's call is to be taken over."""
    note(request, _saved(callback.case))
    if callback.claimed_by_id == request.user.id:
        return redirect("desk:call", callback.id)
    return redirect("desk:take_over", callback.id)


def _saved(case: Case) -> str:
    said = {"name": case.patient.name, "reference": case.reference}
    return _("Saved: the request of %(name)s has reference %(reference)s.") % said
