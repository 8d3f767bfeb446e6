"""The steps that a request has come through and those ahead of it, for the patient. Pure: rows in, words out."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from followup.clinic.models import Appointment, State
from followup.contacts.queries import Standing
from followup.core import words
from followup.portal.presenters import time_and_place

CALL_STEPS = ("received", "call_booked", "ringing", "unreached")


@dataclass(frozen=True)
class Step:
    """One step of the timeline. `state` is done, now or next."""

    title: str
    state: str
    text: str = ""


def steps_of(standing: Standing, *, promised: str, at: datetime) -> list[Step]:
    """At most five: told us, the call, the clinician's answer, the time at the clinic, done. `promised`: by when the present one is."""
    told = Step(_("You told us"), "done", _moment(standing, standing.contact.received_at, at))
    return [
        told,
        _call(standing, promised, at),
        *_answer(standing, promised, at),
        *_time(standing, at),
        _last(standing, at),
    ]


def _moment(standing: Standing, value: datetime, at: datetime) -> str:
    return words.day_and_time(value, zone=standing.case.unit.zone, now=at)


def _call(standing: Standing, promised: str, at: datetime) -> Step:
    step, callback = standing.case.step, standing.callback
    if step not in CALL_STEPS:
        spoken = standing.outcomes[0] if standing.outcomes else None
        return Step(_("A nurse called you"), "done", _moment(standing, spoken.at, at) if spoken else "")
    if step == "ringing":
        return Step(_("A nurse is calling you"), "now", promised)
    if callback and callback.decide_since:
        return Step(_("We have tried to call you"), "now", promised)
    return Step(_("A nurse calls you"), "now", promised)


def _answer(standing: Standing, promised: str, at: datetime) -> list[Step]:
    if standing.case.step == "with_clinician":
        return [Step(_("A clinician answers"), "now", promised)]
    answered = [ask.answered_at for ask in standing.asks if ask.answered_at]
    return [Step(_("A clinician answered"), "done", _moment(standing, max(answered), at))] if answered else []


def _time(standing: Standing, at: datetime) -> list[Step]:
    step, kept, came = standing.case.step, standing.kept_time, standing.appointment
    if step == "clinic_time":
        return [Step(_("Your time at the clinic"), "now", time_and_place(kept, at) if kept else "")]
    if step != "closed":
        return [_kept(standing, kept, at)] if kept else []
    if came is None or came.state != State.ATTENDED:
        return []
    return [Step(_("You came to the clinic"), "done", _moment(standing, came.slot.starts_at, at))]


def _kept(standing: Standing, time: Appointment, at: datetime) -> Step:
    if time.state == State.HELD:
        kept = _("Kept for you: %(time)s") % {"time": _moment(standing, time.slot.starts_at, at)}
        return Step(_("A time at the clinic, if you need it"), "next", kept)
    return Step(_("Your time at the clinic"), "next", time_and_place(time, at))


def _last(standing: Standing, at: datetime) -> Step:
    if standing.case.step != "closed":
        return Step(_("Done"), "next")
    return Step(_("Done"), "now", _moment(standing, standing.case.closed, at))
