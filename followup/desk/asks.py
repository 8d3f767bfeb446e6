"""What calls leave for clinicians: the list, and the page of one question with the story and room for the answer."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.cases import services as cases
from followup.cases.models import Ask
from followup.cases.queries import ask_for
from followup.cases.services import AlreadyAnswered
from followup.clinic import queries as times
from followup.clinic.services import SlotTaken
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import standing, times_for
from followup.core import clock
from followup.core.errors import Invalid, Refused, Unknown
from followup.desk import badges, presenters
from followup.desk.call_page import about_the_patient
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import AnswerForm
from followup.people import access
from followup.people.queries import clinicians_of


@require_GET
@staff_page("hand_asks")
def asks(request: HttpRequest) -> HttpResponse:
    """A clinician sees what is theirs and what is anybody's; a coordinator everything, to see what nobody has."""
    unit, at = access.unit_of(request.user), clock.now()
    rows = [(ask, presenters.due_stand(ask.due, at=at, zone=unit.zone)) for ask in badges.asks_for(request.user)[:200]]
    names = {"rows": rows, "words": presenters, "at": at, "may_answer": access.may(request.user, "answer_asks")}
    return show(request, "desk/asks.html", here="asks", zone=unit.zone, **names)


@require_http_methods(["GET", "POST"])
@staff_page("hand_asks")
def ask(request: HttpRequest, ask_id) -> HttpResponse:
    asked = ask_for(request.user, ask_id)
    may_answer = access.may(request.user, "answer_asks")
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        access.require(request.user, "answer_asks")
        if _answered(request, asked, form):
            note(request, _("Your answer about %(name)s is saved.") % {"name": asked.case.patient.name})
            return redirect("desk:asks")
    else:
        access.open_record(asked.case.patient, by=request.user, where="question page")
    stand = standing(asked.case)
    at, zone = clock.now(), asked.case.unit.zone
    kept = stand.kept_time
    choices = [presenters.time_choice(kept.slot, at=at, zone=zone, kept=True)] if kept else []
    choices += [presenters.time_choice(slot, at=at, zone=zone, kept=False) for slot in times_for(asked.case)]
    names = about_the_patient(stand, at) | {"asked": asked, "form": form, "times": choices, "kept": kept}
    names |= {"may_answer": may_answer, "ways": _ways(asked.kind), "owners": _owners(asked, request.user)}
    names |= {"reached": bool(asked.case.patient.reachable_by)}
    names["due"] = presenters.due_stand(asked.due, at=at, zone=zone)
    return show(request, "desk/ask.html", here="asks", status=422 if form.errors else 200, zone=zone, **names)


def _ways(kind: str) -> list[dict]:
    texts = {
        "done": _("The prescription is sent to the pharmacy: they get a message"),
        "message": _("By message: they read your words"),
        "time": _("They get the time below"),
        "ring": _("A nurse rings them and passes it on"),
    }
    known = policy.ways_of(kind)
    return [{"value": way, "text": words} for way, words in texts.items() if way in known]


def _owners(asked: Ask, user) -> list[dict]:
    """Whom it can be given to: everybody but the one who has it."""
    return [
        {"value": str(each.id), "text": _("Me") if each.id == user.id else each.name}
        for each in clinicians_of(asked.case.unit)
        if each.id != asked.owner_id
    ]


@require_POST
@staff_page("hand_asks")
def hand(request: HttpRequest, ask_id) -> HttpResponse:
    """Taken by oneself, or given to a colleague."""
    asked = ask_for(request.user, ask_id)
    try:
        wanted = str(UUID(request.POST.get("to", "")))
        to = clinicians_of(asked.case.unit).filter(id=wanted).first()
    except ValueError:
        to = None
    if to is None:
        note(request, str(cases.NotAClinician()))
        return redirect("desk:ask", asked.id)
    try:
        cases.hand_ask(asked, to=to, by=request.user)
        said = _("It is yours now.") if to.id == request.user.id else _("%(name)s has it now.") % {"name": to.name}
    except Refused as refused:
        said = str(refused)
    note(request, said)
    return redirect("desk:ask", asked.id)


def _answered(request: HttpRequest, asked: Ask, form: AnswerForm) -> bool:
    form.is_valid()
    said = form.cleaned_data
    if not said["words"].strip():
        form.add_error("words", _("Write your answer: the nurse and the record need it."))
    if not said["way"] and not said["slot"]:
        form.add_error("way", _("Choose how the patient hears of it."))
    if form.errors:
        return False
    try:
        slot = times.slot_for(request.user, said["slot"]) if said["slot"] else None
        contacts.answer_ask(
            asked, by=request.user, words=said["words"], slot=slot, way=said["way"], to_patient=said["to_patient"]
        )
    except AlreadyAnswered:
        asked.refresh_from_db()
        # The same answer pressed twice is one answer.
        if (asked.answered_by_id, asked.answer) == (request.user.id, said["words"]):
            return True
        form.add_error(None, str(AlreadyAnswered()))
    except (SlotTaken, Unknown) as refused:
        form.add_error("slot", str(refused))
    except Invalid as refused:
        form.take(refused)
    return not form.errors
