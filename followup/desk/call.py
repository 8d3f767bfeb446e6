"""One call: taken up, rung, kept while it is written down, and ended with an outcome."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Slot
from followup.contacts import services as contacts
from followup.contacts.queries import standing
from followup.core import clock
from followup.core.errors import Invalid, Unknown
from followup.desk import presenters, queue
from followup.desk.call_page import about_the_call, call_page, holds, lease, left_notes, preview
from followup.desk.doors import note, part, staff_page
from followup.desk.forms import OutcomeForm
from followup.people import access
from followup.people.models import User
from followup.people.queries import clinicians_of
from followup.people.signin.sessions import call_open, not_a_use

STOP_ASKING = 286
"""htmx swaps such an answer in and asks no more."""
LOST = (callbacks.NotYours, callbacks.AlreadyEnded, callbacks.PatientOnTheLine)


@call_open
@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def call(request: HttpRequest, callback_id) -> HttpResponse:
    callback = calls.callback_for(request.user, callback_id)
    if request.method == "POST":
        return _act(request, callback)
    access.open_record(callback.patient, by=request.user, where="call page")
    if holds(callback, request.user):
        callbacks.seen(callback, by=request.user)
    form = OutcomeForm(initial={"note": callback.draft_note})
    return call_page(request, callback, form)


@require_POST
@staff_page("answer_calls")
def keep(request: HttpRequest, callback_id) -> HttpResponse:
    """What is typed is kept while it is typed, and renews the lease; answers with the saved note and what the patient will read."""
    callback = calls.callback_for(request.user, callback_id)
    form = OutcomeForm(request.POST)
    form.is_valid()
    lost = ""
    try:
        callback = callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
    except LOST:
        callbacks.leave_note(callback, by=request.user, note=form.typed("note"))
        callback.refresh_from_db()
        lost = presenters.taken_by(callback, clock.now())
    return part(
        request,
        "desk/_kept.html",
        lost=lost,
        callback=callback,
        left_notes=[] if lost else left_notes(callback),
        preview=preview(callback, form, request.user),
        **lease(callback),
    )


@not_a_use
@require_GET
@staff_page("answer_calls")
def whose(request: HttpRequest, callback_id) -> HttpResponse:
    """Asked by an open call page now and then: nothing (204) while the call is theirs or nobody's, else who has it, said once."""
    callback = calls.callback_for(request.user, callback_id)
    at = clock.now()
    taken = callback.is_held(at) and callback.claimed_by_id != request.user.id
    if not taken and not callback.ended_at:
        return HttpResponse(status=204)
    names = {"lost": presenters.taken_by(callback, at)}
    return render(request, "desk/_whose.html", names, status=STOP_ASKING if request.htmx else 200)


@require_POST
@staff_page("answer_calls")
def dial(request: HttpRequest, callback_id) -> HttpResponse:
    """“I am ringing now”: logs the try. The typed note comes along, so that it is not lost without JavaScript."""
    callback = calls.callback_for(request.user, callback_id)
    typed = request.POST.get("note", "")
    try:
        with transaction.atomic():
            contacts.dial(callback, by=request.user)
            if "note" in request.POST:
                callbacks.keep_note(callback, by=request.user, note=typed)
    except LOST as refused:
        return _lost(request, callback, refused, typed)
    if request.htmx:
        callback = calls.callback_for(request.user, callback_id)
        return part(request, "desk/_call_box.html", **about_the_call(callback, standing(callback.case), request.user))
    return redirect("desk:call", callback.id)


def _act(request: HttpRequest, callback: Callback) -> HttpResponse:
    form = OutcomeForm(request.POST)
    form.is_valid()
    act = {
        "give_back": _give_back,
        "needs_a_time": _needs_a_time,
        "preview": _show_preview,
        "hand_over": _go_on_at("desk:hand_over"),
        "later": _go_on_at("desk:later"),
    }.get(request.POST.get("do", ""), _finish)
    try:
        return act(request, callback, form)
    except LOST as refused:
        return _lost(request, callback, refused, form.typed("note"), form.typed("agreed"))


def _finish(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
    try:
        if form.is_valid():
            _say_outcome(callback, form, by=request.user)
    except Invalid as refused:
        form.take(refused)
    except (clinic.SlotTaken, clinic.TimeEnded) as refused:
        form.add_error("slot", str(refused))
    if form.errors:
        callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
        return call_page(request, calls.callback_for(request.user, callback.id), form, status=422)
    rules = callback.case.programme.rules
    saved = _("Saved for %(name)s: %(outcome)s.") % {
        "name": callback.patient.name,
        "outcome": presenters.outcome_words(rules, form.cleaned_data["outcome"]).lower(),
    }
    if request.POST.get("do") == "save_next":
        return queue.go_to_next(request, saved)
    note(request, saved)
    return redirect("desk:queue")


def _say_outcome(callback: Callback, form: OutcomeForm, *, by: User) -> None:
    said = form.cleaned_data
    contacts.finish(
        callback,
        by=by,
        outcome=said["outcome"],
        also=[each for each in said["also"] if each != said["outcome"]],
        note=said["note"],
        advice=said["advice"],
        slot=_slot(said["slot"], by),
        to=_clinician(said["to"], by),
        call_again_on=said["call_again_on"],
        agreed=said["agreed"],
    )


def _slot(slot_id, by: User) -> Slot | None:
    try:
        return times.slot_for(by, slot_id) if slot_id else None
    except Unknown:
        raise Invalid({"slot": _("Choose a time from the list.")}) from None


def _clinician(user_id, by: User) -> User | None:
    if not user_id:
        return None
    found = clinicians_of(access.unit_of(by)).filter(id=user_id).first()
    if found is None:
        raise Invalid({"to": _("Choose a clinician from the list.")})
    return found


def _give_back(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
    contacts.give_back(callback, by=request.user, note=form.typed("note"))
    note(request, _("%(name)s is back in the queue, with your notes.") % {"name": callback.patient.name})
    return redirect("desk:queue")


def _go_on_at(page: str):
    """To a page about this call; what is typed is kept first."""

    def keep_and_go(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
        callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
        return redirect(page, callback.id)

    return keep_and_go


def _needs_a_time(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
    with transaction.atomic():
        contacts.needs_a_time(callback, by=request.user)
        callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
    return call_page(request, calls.callback_for(request.user, callback.id), form.unchecked(), told=True)


def _show_preview(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
    callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
    return call_page(request, calls.callback_for(request.user, callback.id), form.unchecked())


def _lost(request: HttpRequest, callback: Callback, refused: Exception, *typed: str) -> HttpResponse:
    """Back to the queue, saying who has it now; what was typed stays on the call, under the name of whoever typed it."""
    left = "\n\n".join(each for each in typed if each.strip())
    callbacks.leave_note(callback, by=request.user, note=left)
    callback.refresh_from_db()
    why = (
        str(refused) if isinstance(refused, callbacks.PatientOnTheLine) else presenters.taken_by(callback, clock.now())
    )
    if request.htmx:
        return part(request, "desk/_call_lost.html", lost=why)
    return queue.page(request, lost=why, lost_text=left, status=409)
