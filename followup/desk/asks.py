"""What calls leave for clinicians: the list, and the page of one question with the story and room for the answer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from followup.cases.models import Ask
from followup.cases.queries import ask_for
from followup.cases.services import AlreadyAnswered
from followup.clinic import queries as times
from followup.clinic.services import SlotTaken
from followup.contacts import services as contacts
from followup.contacts.queries import standing, times_for
from followup.core import clock
from followup.core.errors import Invalid, Unknown
from followup.desk import badges, presenters
from followup.desk.call_page import about_the_patient
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import AnswerForm
from followup.people import access


@require_GET
@staff_page("answer_asks")
def asks(request: HttpRequest) -> HttpResponse:
    unit, at = access.unit_of(request.user), clock.now()
    rows = [(ask, presenters.due_stand(ask.due, at=at, zone=unit.zone)) for ask in badges.asks_for(request.user)[:200]]
    return show(request, "desk/asks.html", here="asks", rows=rows, words=presenters, at=at, zone=unit.zone)


@require_http_methods(["GET", "POST"])
@staff_page("answer_asks")
def ask(request: HttpRequest, ask_id) -> HttpResponse:
    asked = ask_for(request.user, ask_id)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
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
    names["due"] = presenters.due_stand(asked.due, at=at, zone=zone)
    return show(request, "desk/ask.html", here="asks", status=422 if form.errors else 200, zone=zone, **names)


def _answered(request: HttpRequest, asked: Ask, form: AnswerForm) -> bool:
    form.is_valid()
    said = form.cleaned_data
    if not said["words"].strip():
        form.add_error("words", _("Write your answer: the nurse and the record need it."))
        return False
    try:
        slot = times.slot_for(request.user, said["slot"]) if said["slot"] else None
        contacts.answer_ask(asked, by=request.user, words=said["words"], slot=slot)
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
