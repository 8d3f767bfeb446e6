"""Pure decisions about messages."""

import re
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from followup.core.hours import OpeningHours
from followup.core.words import advice_line, clinic_number
from followup.messages.models import Channel, State, Urgency
from followup.people.models import Patient
from followup.programmes import gsm7
from followup.programmes.schema import Template
from followup.programmes.texts import text

QUIET_FROM, QUIET_UNTIL, MORNING = time(20, 0), time(8, 0), time(8, 30)
HIDDEN_CODE = "••••••"

_BLANK_LINES = re.compile(r"\n{3,}")
"""Left behind by a gap that stayed empty."""

_REPORTS = {
    "queued": State.SENT,
    "accepted": State.SENT,
    "sending": State.SENT,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.FAILED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}
_ORDER = [State.QUEUED, State.IN_FLIGHT, State.UNKNOWN, State.SENT, State.FAILED, State.DELIVERED]
BEFORE_SENT = _ORDER[: _ORDER.index(State.SENT)]


def after_quiet_hours(at: datetime, hours: OpeningHours) -> datetime:
    """When something said at `at` may reach a pocket: at once by day, else at 08:30 of the clinic's next morning."""
    local = at.astimezone(hours.zone)
    day = local.date()
    if local.time() >= QUIET_FROM:
        day += timedelta(days=1)
    elif local.time() >= QUIET_UNTIL and not hours.is_closed(day):
        return at
    while hours.is_closed(day):
        day += timedelta(days=1)
    return datetime.combine(day, MORNING, hours.zone)


def urgency(template: str, *, answers_them: bool) -> Urgency:
    """Somebody who waits for a code cannot go on without it; who just did something looks at their telephone; a reminder has time."""
    if template == "code":
        return Urgency.AT_ONCE
    return Urgency.ANSWER if answers_them else Urgency.IN_TIME


def render(words: Template, channel: str, *, patient: Patient, **facts: Any) -> dict[str, str]:
    """`{subject, body}` of a template of the programme, in the patient's language.

    A name is left out of a text that would break into several with it: for a letter that a plain text cannot carry, or because the
    rest is long (a clinic without a telephone number is rung on "the clinic's number"). Templates begin with "{first_name}, " for that.
    """
    unit = patient.unit
    facts |= {
        "first_name": patient.given_name,
        "clinic_name": unit.sender,
        "clinic_phone": clinic_number(unit.phone, language=patient.language),
        "advice_line": advice_line(unit.advice_number, language=patient.language),
        "emergency": unit.emergency_number,
    }
    if channel == Channel.SMS:
        body = text(words.sms, patient.language).format(**facts)
        if gsm7.outside(patient.given_name) or gsm7.length(body) > gsm7.ONE_MESSAGE:
            body = text(words.sms, patient.language).format(**(facts | {"first_name": ""})).removeprefix(", ")
        return {"subject": "", "body": body[:1].upper() + body[1:]}
    return {
        "subject": text(words.email.subject, patient.language).format(**facts),
        "body": _BLANK_LINES.sub("\n\n", text(words.email.body, patient.language).format(**facts)),
    }


def render_for_staff(words: Template, channel: str, language: str, **facts: Any) -> dict[str, str]:
    """`{subject, body}` of a template that is meant for staff: it greets nobody and names no patient."""
    if channel == Channel.SMS:
        return {"subject": "", "body": text(words.sms, language).format(**facts)}
    return {
        "subject": text(words.email.subject, language).format(**facts),
        "body": text(words.email.body, language).format(**facts),
    }


def wait_before(attempts: int) -> float:
    """Seconds before the next try of a message that was not taken."""
    return settings.FOLLOWUP_RETRY_SECONDS * 2 ** (attempts - 1)


def ask_until(attempted_at: datetime) -> datetime:
    """How long a provider that cannot be asked what became of a message is asked again."""
    return attempted_at + timedelta(seconds=10 * settings.FOLLOWUP_RETRY_SECONDS)


def state_of_report(reported: str) -> State | None:
    return _REPORTS.get(reported)


def leads_further(state: str, to: str) -> bool:
    return _ORDER.index(State(to)) > _ORDER.index(State(state))


def host_of(url: str) -> str:
    return urlsplit(url).netloc
