"""A patient gets in touch: the questions, the emergency page, the check, what was sent, and adding to it."""

import json
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from followup.cases.models import Case
from followup.cases.queries import open_contact_of
from followup.cases.services import NotInAProgramme
from followup.clinic import queries as times
from followup.contacts import queries, services
from followup.contacts.models import Contact
from followup.context import clinic_of
from followup.core import clock, words
from followup.core.errors import Invalid
from followup.people import phones
from followup.people.models import Patient
from followup.people.queries import enrolment_of
from followup.people.signin.sessions import not_a_use
from followup.portal import flow
from followup.portal.doors import patient_page
from followup.portal.emergencies import emergency_words
from followup.portal.presenters import answers_of, closed_now, filled, reason_of, time_and_place
from followup.portal.standpoint import standpoint
from followup.programmes import text
from followup.programmes.schema import Rules

page = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Telling:
    """What a patient has typed so far, and the request that is open, if any."""

    patient: Patient
    case: Case | None
    contact: Contact | None
    rules: Rules
    draft: flow.Draft
    visit: str

    @property
    def is_sent(self) -> bool:
        return self.contact is not None and self.contact.sent_at is not None

    @property
    def pages(self) -> list[flow.Page]:
        return flow.in_order(visit_is_booked=bool(self.visit))

    @property
    def unanswered(self) -> flow.Page | None:
        return flow.first_unanswered(self.draft, self.pages)


def _telling(patient: Patient) -> Telling:
    case = open_contact_of(patient)
    enrolment = enrolment_of(patient)
    if enrolment is None and case is None:
        raise NotInAProgramme
    visit = next(iter(times.booked_for(patient)), None)
    return Telling(
        patient=patient,
        case=case,
        contact=case.contact if case else None,
        rules=(case or enrolment).programme.rules,
        draft=queries.draft_of(patient),
        visit=time_and_place(visit, clock.now()) if visit else "",
    )


def telling_page(view):
    """A page of the flow; somebody who is in no programme is told to ring."""

    @patient_page
    def guarded(request: HttpRequest, patient: Patient, *args, **kwargs) -> HttpResponse:
        try:
            telling = _telling(patient)
        except NotInAProgramme:
            return render(request, "portal/tell/not_here.html")
        return view(request, telling, *args, **kwargs)

    return guarded


@page
@telling_page
def start(request: HttpRequest, telling: Telling) -> HttpResponse:
    """The open request, to be added to; without one, the first question."""
    if not telling.is_sent:
        return redirect("portal:question", "now")
    errors: dict[str, str] = {}
    if request.method == "POST":
        kind = "feels_better" if "feels_better" in request.POST else "words"
        said = "" if kind == "feels_better" else request.POST.get("text", "")
        try:
            services.add(patient=telling.patient, by=request.user, text=said, kind=kind)
            return redirect(f"{reverse('portal:tell_us')}?saved={kind}")
        except Invalid as invalid:
            errors = invalid.errors
        except services.NothingOpen:
            return redirect("portal:home")
    standing = queries.standing(telling.case)
    saved = {
        "words": _("We have added it to your request."),
        "reach": _("We have noted how to reach you."),
        "feels_better": _("Good to hear. We have noted it, and the nurse still calls you."),
        "red_flags": _("We have added it to your request. The call to you has become more urgent."),
    }
    context = {
        "standing": standing,
        "here": standpoint(standing, clock.now()),
        "reason": reason_of(standing.rules, standing.contact.reason),
        "told": answers_of(standing),
        "is_ill": _is_ill(standing),
        "typed": request.POST.get("text", ""),
        "saved": saved.get(request.GET.get("saved", "")) if request.method != "POST" else None,
    }
    return _show(request, "open", context, errors)


@page
@telling_page
def question(request: HttpRequest, telling: Telling, name: str) -> HttpResponse:
    """One question: what was typed is shown, checked, kept, and leads to the next."""
    asked = flow.PAGES.get(name)
    if asked is None:
        raise Http404
    if telling.is_sent and asked is not flow.NOW:
        return redirect("portal:tell_us")
    if asked not in telling.pages:
        return redirect("portal:question", flow.WHAT.name)
    missing = telling.unanswered
    if not telling.is_sent and missing and telling.pages.index(missing) < telling.pages.index(asked):
        return redirect("portal:question", missing.name)
    if request.method != "POST":
        return _ask(request, telling, asked, telling.draft)
    draft = asked.read(request.POST, telling.draft, telling.rules)
    errors = {
        name: words
        for name, words in flow.errors_in(draft, telling.rules, telling.patient).items()
        if name in asked.fields
    }
    if errors:
        return _ask(request, telling, asked, draft, errors)
    if not telling.is_sent:
        services.save_draft(patient=telling.patient, answers=draft)
    if asked is flow.NOW:
        return _after_the_signs(request, telling, draft["answers"]["red_flags"])
    return _onwards(request, telling, asked)


def _after_the_signs(request: HttpRequest, telling: Telling, red_flags: list[str]) -> HttpResponse:
    """A sign that cannot wait makes a promise to ring before anything is sent; taken back, it leaves a note."""
    before = telling.draft.get("answers", {}).get("red_flags", [])
    urgent = telling.rules.shows_emergency_page(red_flags)
    if urgent or (red_flags and telling.is_sent):
        services.warn(patient=telling.patient, red_flags=red_flags, by=request.user)
    elif telling.rules.shows_emergency_page(before):
        services.take_back(patient=telling.patient, by=request.user)
    if urgent:
        return redirect("portal:tell_emergency")
    if telling.is_sent:
        return redirect(f"{reverse('portal:tell_us')}{'?saved=red_flags' if red_flags else ''}")
    return _onwards(request, telling, flow.NOW)


def _onwards(request: HttpRequest, telling: Telling, asked: flow.Page) -> HttpResponse:
    """The next question. Whoever came to change one answer goes back to the check, unless new questions follow from it."""
    if request.GET.get("then") == "check" and asked is not flow.WHY:
        return redirect("portal:check")
    pages = telling.pages
    after = pages[pages.index(asked) + 1 :]
    return redirect("portal:question", after[0].name) if after else redirect("portal:check")


def _ask(
    request: HttpRequest, telling: Telling, asked: flow.Page, draft: flow.Draft, errors: dict[str, str] | None = None
):
    pages, at = telling.pages, clock.now()
    place = pages.index(asked)
    changing = request.GET.get("then") == "check"
    back = (
        reverse("portal:check")
        if changing
        else reverse("portal:question", args=[pages[place - 1].name])
        if place
        else ""
    )
    reason = next((each for each in telling.rules.reasons if each.id == draft.get("reason")), None)
    answers = draft.get("answers", {})
    context = {
        "back": back or reverse("portal:tell_us" if telling.is_sent else "portal:home"),
        "rules": telling.rules,
        "reason": reason,
        "asks": list(reason.asks) if reason else [],
        "message": draft.get("message", ""),
        # "None of these" is about this moment and never ticked for anybody.
        "answers": {name: "" if value == flow.UNANSWERED else value for name, value in answers.items()},
        "preferred": _preferred(telling.patient, draft),
        "visit": telling.visit,
        "closed_now": closed_now(telling.patient.unit, at),
        "is_sent": telling.is_sent,
    }
    return _show(request, asked.name, context, errors)


def _preferred(patient: Patient, draft: flow.Draft) -> dict:
    """How to reach this person: as typed, else as we know them."""
    known = {
        "phone": patient.phone_shown or (phones.shown(patient.phone) if patient.phone else ""),
        "voicemail": patient.voicemail,
        "interpreter": patient.interpreter,
    }
    return {
        name: "" if value == flow.UNANSWERED else value for name, value in (known | draft.get("preferred", {})).items()
    }


@require_safe
@telling_page
def emergency(request: HttpRequest, telling: Telling) -> HttpResponse:
    """The emergency page of somebody who ticked a sign: the card, and what has already happened."""
    standing = queries.standing(telling.case) if telling.case else None
    context = {
        "emergency": emergency_words(telling.rules, telling.patient.unit),
        "here": standpoint(standing, clock.now()) if standing else None,
        "onwards": reverse(
            "portal:tell_us" if telling.is_sent else "portal:question", args=None if telling.is_sent else ["why"]
        ),
    }
    return render(request, "portal/tell/emergency.html", context)


@page
@telling_page
def check(request: HttpRequest, telling: Telling) -> HttpResponse:
    """Everything on one page, and the button that sends it. Pressed twice it finds the same request."""
    if telling.is_sent:
        return redirect("portal:sent")
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            if services.send_draft(patient=telling.patient, by=request.user):
                return redirect("portal:sent")
            return redirect("portal:home")
        except Invalid as invalid:
            errors = invalid.errors
    missing = telling.unanswered
    if missing and not errors:
        return redirect("portal:question", missing.name)
    context = {
        "back": reverse("portal:question", args=[telling.pages[-1].name]),
        "rows": _rows(telling),
        "closed_now": closed_now(telling.patient.unit, clock.now()),
        "errors": [{"text": words, "href": _where_asked(name)} for name, words in errors.items()],
    }
    return render(request, "portal/tell/check.html", context, status=422 if errors else 200)


def _where_asked(name: str) -> str:
    return f"{reverse('portal:question', args=[flow.page_of(name).name])}?then=check#{flow.input_of(name)}"


def _rows(telling: Telling) -> list[dict[str, str]]:
    """The lines of the check: question, answer, and where it is changed."""
    draft, rules = telling.draft, telling.rules
    answers, preferred = draft.get("answers", {}), draft.get("preferred", {})
    asks = next((each.asks for each in rules.reasons if each.id == draft.get("reason")), [])
    signs = [text(flag.ask) for flag in rules.red_flags if flag.id in answers.get("red_flags", [])]
    since = next((text(each.label) for each in rules.since if each.id == answers.get("since")), "")
    sooner = {"yes": _("Yes, sooner"), "no": _("No, keep it"), "nurse": _("Let the nurse decide")}
    wish = flow.time_of_day(preferred.get("not_before", ""))
    lines = [
        ("now", _("Signs that cannot wait"), "\n".join(signs) or _("None of these")),
        ("why", _("Why you get in touch"), reason_of(rules, draft.get("reason", ""))),
        *([("visit", _("Your booked visit"), sooner.get(answers.get("sooner"), ""))] if telling.visit else []),
        *([("what", _("Which medicine"), answers.get("medicine") or _("Not answered"))] if "medicine" in asks else []),
        *(
            [("what", _("Days of medicine left"), answers.get("days_left") or _("Not answered"))]
            if "days_left" in asks
            else []
        ),
        ("what", _("In your own words"), draft.get("message") or _("Nothing written")),
        *([("what", _("Since when"), since or _("Not answered"))] if "since" in asks else []),
        ("reach", _("We call you on"), preferred.get("phone", "")),
        (
            "reach",
            _("Best time"),
            _("After %(time)s") % {"time": words.clock_time(wish)} if wish else _("As soon as possible"),
        ),
        (
            "reach",
            _("Voicemail"),
            _("You may leave a message") if preferred.get("voicemail") else _("Do not leave a message"),
        ),
        *([("reach", _("Interpreter"), _("I need an interpreter"))] if preferred.get("interpreter") else []),
    ]
    return [
        {"key": key, "value": value, "href": f"{reverse('portal:question', args=[name])}?then=check"}
        for name, key, value in lines
    ]


@require_safe
@telling_page
def sent(request: HttpRequest, telling: Telling) -> HttpResponse:
    """We have your request: when we call, the time that is kept, what to do until then."""
    if not telling.is_sent:
        return redirect("portal:home" if telling.case is None else "portal:tell_us")
    clinic = clinic_of(telling.patient.unit)
    context = _booking(telling)
    # What to do while waiting is about illness: whoever needs a prescription reads only where to ring.
    context["waiting"] = filled(telling.rules.while_waiting.text, clinic) if _is_ill(context["standing"]) else ""
    return render(request, "portal/tell/sent.html", context)


@not_a_use
@require_safe
@telling_page
def booking(request: HttpRequest, telling: Telling) -> HttpResponse:
    """The part of that page that changes while the booking is made; it asks by itself every few seconds."""
    if not request.htmx:
        return redirect("portal:sent")
    if not telling.is_sent:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("portal:home")})
    context = _booking(telling)
    response = render(request, "portal/tell/_booking.html", context)
    here = context["here"]
    if here.settled:
        response.headers["HX-Trigger"] = json.dumps({"followup:say": " ".join([here.call, here.kept, *here.notes])})
    return response


def _is_ill(standing: queries.Standing) -> bool:
    """Whether they told us about trouble: a sign, or a reason of which we ask since when."""
    contact = standing.contact
    return bool(contact.answers.get("red_flags")) or "since" in standing.rules.reason(contact.reason).asks


def _booking(telling: Telling) -> dict:
    standing = queries.standing(telling.case)
    return {
        "standing": standing,
        "here": standpoint(standing, clock.now()),
        "keeps_a_time": telling.rules.holds_time(
            standing.contact.reason, standing.contact.answers.get("red_flags", [])
        ),
    }


def _show(request: HttpRequest, name: str, context: dict, errors: dict[str, str] | None = None) -> HttpResponse:
    """A page with its mistakes: said above, linked to their inputs, and beside them."""
    by_input = {flow.input_of(field): words for field, words in (errors or {}).items()}

    def problem(field: str) -> dict[str, str] | None:
        return {"text": by_input[field], "visuallyHiddenText": _("Error")} if field in by_input else None

    lines = [{"text": words, "href": f"#{field}"} for field, words in by_input.items()]
    return render(
        request,
        f"portal/tell/{name}.html",
        context | {"errors": lines, "problem": problem},
        status=422 if lines else 200,
    )
