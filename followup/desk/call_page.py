"""What the page of one call shows: the story, the box of the call, and what the form of the outcome offers."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from followup.callbacks.models import AttemptResult, Callback, State
from followup.cases.queries import open_asks
from followup.clinic import queries as times
from followup.contacts.policy import NEEDS_WORDS
from followup.contacts.queries import Standing, earlier_contacts, standing, times_for
from followup.core import clock, words
from followup.desk import presenters
from followup.desk.doors import show
from followup.desk.forms import OutcomeForm
from followup.messages.queries import told_to
from followup.people.models import Patient, User
from followup.people.queries import clinicians_of, enrolment_of
from followup.programmes.texts import text


def holds(callback: Callback, user: User) -> bool:
    """A lease that ran out is still hers to finish while nobody else has the call."""
    return callback.state == State.CLAIMED and callback.claimed_by_id == user.id


def call_page(
    request: HttpRequest, callback: Callback, form: OutcomeForm, *, status: int = 200, told: bool = False
) -> HttpResponse:
    stand = standing(callback.case)
    at = clock.now()
    names = about_the_patient(stand, at) | about_the_call(callback, stand, request.user)
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
        "booked": times.booked_for(patient),
        "told": list(told_to(patient)[:4]),
        "at": at,
    }


def about_the_call(callback: Callback, stand: Standing, user: User) -> dict:
    """The box of the call itself: number, tries, lease, who holds it."""
    at, zone = clock.now(), callback.unit.zone
    # After a decision to ring again the tries are counted anew, and those before it stand beside them.
    before = callback.tries.filter(result=AttemptResult.NO_ANSWER).count() - callback.unanswered
    wish, patient = stand.contact.preferred, callback.patient
    is_hers = holds(callback, user)
    return {
        "callback": callback,
        "holds": is_hers,
        "number": wish.get("phone") or presenters.phone_of(patient),
        "link": wish.get("phone_e164") or patient.phone,
        "other_number": presenters.phone_of(patient) if wish.get("phone_e164", patient.phone) != patient.phone else "",
        "wished": presenters.wished_hours(stand.contact),
        "most_tries": max(before + len(stand.rules.queue.tries), callback.attempts),
        "try_number": callback.attempts if callback.dialled_at else callback.attempts + 1,
        "ringing_since": words.clock24(callback.dialled_at, zone=zone) if callback.dialled_at else "",
        "holder": presenters.holder(callback, user, at=at),
        "free_since": presenters.near(callback.said_free_at, at=at, zone=zone) if callback.said_free_at else "",
        "left_notes": left_notes(callback),
        **lease(callback),
    }


def left_notes(callback: Callback) -> list[dict]:
    """What others have typed on this call since it changed hands."""
    at, zone = clock.now(), callback.unit.zone
    found = callback.left_notes.select_related("by").order_by("created_at")
    return [{"by": each.by.name, "at": presenters.near(each.at, at=at, zone=zone), "text": each.text} for each in found]


def lease(callback: Callback) -> dict:
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
        (_("Second flare-up"), _second_flare(stand)),
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


def _second_flare(stand: Standing) -> str:
    """What came before it, where a flare-up follows another of the same week."""
    second, first = stand.rules.queue.second_flare, stand.contact.follows
    if first is None or second is None:
        return ""
    said = {"days": second.within_days, "day": words.day(first.received_at, zone=stand.case.unit.zone)}
    led_to = presenters.outcome_words(first.case.programme.rules, first.case.outcome) if first.case.outcome else ""
    sentence = _("the second in %(days)s days, the first came on %(day)s") % said
    return f"{sentence}: {led_to.lower()}" if led_to else sentence


def _plan(patient: Patient) -> dict | None:
    enrolment = enrolment_of(patient)
    if enrolment is None:
        return None
    rules = enrolment.programme.rules
    groups = {each.id: each for each in rules.groups}
    diagnoses = {each.id: each for each in rules.diagnoses}
    return {
        "group": text(groups[enrolment.group].staff_label) if enrolment.group in groups else _("Not decided yet"),
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
        "preview": preview(callback, form, by),
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
    in_words = _names_of([each for each in stand.rules.outcomes if each.id in NEEDS_WORDS])
    return parts | {"note": {"ids": "", "words": _("Needed for: %(outcomes)s.") % {"outcomes": in_words}}}


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


def preview(callback: Callback, form: OutcomeForm, by: User) -> str:
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
