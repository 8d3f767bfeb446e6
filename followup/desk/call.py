"""The page of one call: everything about the patient before dialling, and what the call led to."""

from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback, State
from followup.cases.queries import open_asks
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.clinic.models import Slot
from followup.contacts import services as contacts
from followup.contacts.queries import Standing, earlier_contacts, standing, times_for
from followup.core import clock, words
from followup.core.errors import Invalid, Unknown
from followup.desk import presenters, queue
from followup.desk.doors import note, part, show, staff_page
from followup.desk.forms import OutcomeForm
from followup.messages.queries import told_to
from followup.people import access
from followup.people.models import Patient, User
from followup.people.queries import clinicians_of, enrolment_of
from followup.people.signin.sessions import call_open
from followup.programmes.texts import text

LOST = (callbacks.NotYours, callbacks.AlreadyEnded, callbacks.PatientOnTheLine)


@call_open
@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def call(request: HttpRequest, callback_id) -> HttpResponse:
    callback = calls.callback_for(request.user, callback_id)
    if request.method == "POST":
        return _act(request, callback)
    access.open_record(callback.patient, by=request.user, where="call page")
    if _holds(callback, request.user):
        callbacks.seen(callback, by=request.user)
    form = OutcomeForm(initial={"note": callback.draft_note})
    return _page(request, callback, form)


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
        callback.refresh_from_db()
        lost = presenters.taken_by(callback, clock.now())
    return part(
        request,
        "desk/_kept.html",
        lost=lost,
        callback=callback,
        preview=_preview(callback, form, request.user),
        **_lease(callback),
    )


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
        return part(request, "desk/_call_box.html", **_about_the_call(callback, standing(callback.case), request.user))
    return redirect("desk:call", callback.id)


def _act(request: HttpRequest, callback: Callback) -> HttpResponse:
    form = OutcomeForm(request.POST)
    form.is_valid()
    act = {"give_back": _give_back, "needs_a_time": _needs_a_time, "preview": _show_preview}.get(
        request.POST.get("do", ""), _finish
    )
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
        return _page(request, calls.callback_for(request.user, callback.id), form, status=422)
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


def _needs_a_time(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
    with transaction.atomic():
        contacts.needs_a_time(callback, by=request.user)
        callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
    return _page(request, calls.callback_for(request.user, callback.id), form.unchecked(), told=True)


def _show_preview(request: HttpRequest, callback: Callback, form: OutcomeForm) -> HttpResponse:
    callbacks.keep_note(callback, by=request.user, note=form.typed("note"))
    return _page(request, calls.callback_for(request.user, callback.id), form.unchecked())


def _lost(request: HttpRequest, callback: Callback, refused: Exception, *typed: str) -> HttpResponse:
    """Back to the queue, saying who has it now; what was typed is shown, to be copied."""
    callback.refresh_from_db()
    why = (
        str(refused) if isinstance(refused, callbacks.PatientOnTheLine) else presenters.taken_by(callback, clock.now())
    )
    words_kept = "\n\n".join(each for each in typed if each.strip())
    if request.htmx:
        return part(request, "desk/_call_lost.html", lost=why)
    return queue.page(request, lost=why, lost_text=words_kept, status=409)


def _holds(callback: Callback, user: User) -> bool:
    """A lease that ran out is still hers to finish while nobody else has the call."""
    return callback.state == State.CLAIMED and callback.claimed_by_id == user.id


# what the page shows


def _page(
    request: HttpRequest, callback: Callback, form: OutcomeForm, *, status: int = 200, told: bool = False
) -> HttpResponse:
    stand = standing(callback.case)
    at = clock.now()
    names = about_the_patient(stand, at) | _about_the_call(callback, stand, request.user)
    if names["holds"]:
        names |= _outcome_part(callback, stand, form, at, request.user)
    names |= {"form": form, "coordinator_told": told}
    return show(request, "desk/call.html", here="queue", status=status, zone=callback.unit.zone, **names)


def about_the_patient(stand: Standing, at: datetime) -> dict:
    """Everything somebody must know before they speak with a patient, or answer a question about one."""
    patient = stand.patient
    return {
        "stand": stand,
        "patient": patient,
        "rules": stand.rules,
        "words": presenters,
        "born": presenters.born(patient),
        "facts": presenters.facts_of(patient, stand.contact),
        "why_now": _why_now(stand, at),
        "plan": _plan(patient),
        "earlier": _earlier(stand),
        "outcomes": [(kept, presenters.outcome_line(kept, stand.rules)) for kept in stand.outcomes],
        "asks": list(open_asks(stand.case.unit).filter(case__patient=patient)),
        "booked": list(times.booked_for(patient)),
        "told": list(told_to(patient)[:4]),
        "at": at,
    }


def _about_the_call(callback: Callback, stand: Standing, user: User) -> dict:
    """The box of the call itself: number, tries, lease, who holds it."""
    at, zone = clock.now(), callback.unit.zone
    wish, patient = stand.contact.preferred, callback.patient
    holds = _holds(callback, user)
    return {
        "callback": callback,
        "holds": holds,
        "number": wish.get("phone") or presenters.phone_of(patient),
        "link": wish.get("phone_e164") or patient.phone,
        "other_number": presenters.phone_of(patient) if wish.get("phone_e164", patient.phone) != patient.phone else "",
        "wished": presenters.wished_hours(stand.contact),
        "most_tries": max(len(stand.rules.queue.tries), callback.attempts),
        "try_number": callback.attempts if callback.dialled_at else callback.attempts + 1,
        "ringing_since": words.clock24(callback.dialled_at, zone=zone) if callback.dialled_at else "",
        "holder": presenters.holder(callback, user, at=at),
        **_lease(callback),
    }


def _lease(callback: Callback) -> dict:
    at = clock.now()
    left = callback.lease_until - at if callback.lease_until else None
    return {
        "lease_seconds": max(int(left.total_seconds()), 0) if left else 0,
        "lease_minutes": max(int(left.total_seconds() // 60), 0) if left else 0,
        "kept_at": words.clock24(at, zone=callback.unit.zone),
    }


def _why_now(stand: Standing, at: datetime) -> dict:
    contact, zone, rules = stand.contact, stand.case.unit.zone, stand.rules
    flags = [text(rules.red_flag(id).ask) for id in contact.answers.get("red_flags", [])]
    since = contact.answers.get("since")
    facts = [
        (_("Going on"), text(rules.since_option(since).label) if since else ""),
        (_("Medicine"), contact.answers.get("medicine", "")),
        (_("Days of medicine left"), contact.answers.get("days_left")),
        (_("Their visit sooner"), presenters.sooner_words(contact.answers.get("sooner", ""))),
        (
            _("Sent"),
            presenters.near(contact.received_at, at=at, zone=zone) + ", " + presenters.channel_words(contact.channel),
        ),
        (_("Promised before"), presenters.near(stand.callback.due, at=at, zone=zone) if stand.callback else ""),
        (_("To be seen by"), presenters.near(contact.see_by, at=at, zone=zone) if contact.see_by else ""),
    ]
    return {
        "reason": presenters.reason_words(rules, contact.reason),
        "flags": flags,
        "facts": [(name, value) for name, value in facts if value not in ("", None)],
        "written_in": presenters.language_name(contact.written_in) if contact.written_in else "",
        "entered_by": contact.entered_by.name if contact.entered_by_id != stand.patient.user_id else "",
        "additions": [
            {
                "at": presenters.near(each.at, at=at, zone=zone),
                "text": each.text,
                "kind": presenters.addition_words(each.kind),
            }
            for each in stand.additions
        ],
    }


def _plan(patient: Patient) -> dict | None:
    enrolment = enrolment_of(patient)
    if enrolment is None:
        return None
    rules = enrolment.programme.rules
    groups = {each.id: each for each in rules.groups}
    diagnoses = {each.id: each for each in rules.diagnoses}
    return {
        "group": text(groups[enrolment.group].staff_label) if enrolment.group in groups else enrolment.group,
        "since": words.day(enrolment.group_since_on) if enrolment.group_since_on else "",
        "why": enrolment.group_why,
        "diagnosis": text(diagnoses[enrolment.diagnosis].label)
        if enrolment.diagnosis in diagnoses
        else enrolment.diagnosis,
        "medicines": enrolment.medicines,
    }


def _earlier(stand: Standing) -> list[dict]:
    found = earlier_contacts(stand.patient, before=stand.contact.received_at)
    return [
        {
            "on": words.day(each.received_at, zone=stand.case.unit.zone),
            "reason": presenters.reason_words(each.case.programme.rules, each.reason),
            "outcome": presenters.outcome_words(each.case.programme.rules, each.case.outcome)
            if each.case.outcome
            else "",
        }
        for each in found
    ]


def _outcome_part(callback: Callback, stand: Standing, form: OutcomeForm, at: datetime, by: User) -> dict:
    """What the form of the outcome offers."""
    zone, kept = callback.unit.zone, stand.kept_time
    slots = times_for(stand.case)
    choices = [presenters.time_choice(kept.slot, at=at, zone=zone, kept=True)] if kept else []
    choices += [presenters.time_choice(slot, at=at, zone=zone, kept=False) for slot in slots]
    see_by = stand.contact.see_by
    return {
        "times": choices,
        "kept": kept,
        "chosen_time": form.typed("slot") or (str(kept.slot_id) if kept else ""),
        "see_by": presenters.near(see_by, at=at, zone=zone) if see_by else "",
        "choices": _choices(stand, list(clinicians_of(callback.unit)), form),
        "asked_for": _asked_for(stand),
        "preview": _preview(callback, form, by),
    }


def _choices(stand: Standing, clinicians: list[User], form: OutcomeForm) -> dict[str, list[dict]]:
    """The radios and boxes of the form, in the programme's words."""
    outcomes = [{"value": each.id, "text": text(each.staff_label)} for each in stand.rules.outcomes]
    anybody = {"value": "", "text": _("Whoever is free"), "checked": not form.typed("to")}
    return {
        "outcome": outcomes,
        "also": [
            each | {"checked": each["value"] in form.typed("also")} for each in outcomes if each["value"] != "no_answer"
        ],
        "to": [anybody, *({"value": str(each.id), "text": each.name} for each in clinicians)],
        "advice": [
            {"value": each.id, "text": text(each.title), "checked": each.id in form.typed("advice")}
            for each in stand.rules.advice
        ],
    }


def _asked_for(stand: Standing) -> dict[str, dict[str, str]]:
    """For each part of the form: the outcomes it belongs to, as ids for the page and in words for the nurse."""
    parts = {part: _belongs_to(stand, part) for part in ("advice", "slot", "to", "call_again_on")}
    other = _names_of([each for each in stand.rules.outcomes if each.id == "other"])
    return parts | {"note": {"ids": "", "words": _("Needed for: %(outcomes)s.") % {"outcomes": other}}}


def _belongs_to(stand: Standing, part: str) -> dict[str, str]:
    needed = [each for each in stand.rules.outcomes if part in each.needs]
    possible = [each for each in stand.rules.outcomes if part in each.offers]
    return {
        "ids": " ".join(each.id for each in needed + possible),
        "words": _("Needed for: %(outcomes)s.") % {"outcomes": _names_of(needed)} if needed else "",
        "possible": _("Possible with: %(outcomes)s.") % {"outcomes": _names_of(possible)} if possible else "",
    }


def _names_of(outcomes: list) -> str:
    return ", ".join(text(each.staff_label).lower() for each in outcomes)


def _preview(callback: Callback, form: OutcomeForm, by: User) -> str:
    """What the patient will read, in their language and as their own page shows it; empty while there is nothing to read."""
    said = getattr(form, "cleaned_data", {})
    rules, patient = callback.case.programme.rules, callback.patient
    known = {each.id: each for each in rules.outcomes}
    if said.get("outcome") not in known or said["outcome"] == "no_answer":
        return ""
    with translation.override(patient.language):
        agreed = {
            "called": {
                "at": clock.now(),
                "by": by,
                "agreed": said.get("agreed", ""),
                "call_again_on": said.get("call_again_on"),
            },
            "led_to": [text(known[each].label) for each in (said["outcome"], *said.get("also", [])) if each in known],
            "advice": [
                (text(each.title), text(each.text)) for each in rules.advice if each.id in said.get("advice", [])
            ],
        }
        return mark_safe(render_to_string("portal/_agreed.html", {"agreed": agreed, "zone": callback.unit.zone}))  # noqa: S308
