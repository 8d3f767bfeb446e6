"""Words that many pages say: what the programme calls things, the clinic and its hours, a time and its place. Pure."""

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followup.callbacks.models import CallOutcome
from followup.clinic.models import Appointment, State
from followup.contacts.queries import Standing
from followup.context import Clinic
from followup.core import words
from followup.people.models import Unit
from followup.programmes import text
from followup.programmes.schema import Rules


def outcome_of(rules: Rules, called: CallOutcome) -> str:
    """What a call led to, as the patient reads it."""
    return _known(lambda: text(rules.outcome(called.outcome).label), called.outcome)


def answers_of(standing: Standing) -> list[str]:
    """What was answered besides the own words, a line each; at least the reason."""
    answers, rules = standing.contact.answers, standing.rules
    since = next((text(each.label) for each in rules.since if each.id == answers.get("since")), "")
    days = answers.get("days_left")
    lasts = ngettext("Lasts for %(days)s more day", "Lasts for %(days)s more days", days or 0) % {"days": days}
    lines = [
        *(text(flag.ask) for flag in rules.red_flags if flag.id in answers.get("red_flags", [])),
        since,
        answers.get("medicine", ""),
        lasts if days is not None else "",
    ]
    return [reason_of(rules, standing.contact.reason), *filter(None, lines)]


def reason_of(rules: Rules, reason: str) -> str:
    return _known(lambda: text(rules.reason(reason).label), reason)


def _known(find: Callable[[], str], otherwise: str) -> str:
    """A label of the programme; the bare id if a later version no longer knows it."""
    try:
        return find()
    except LookupError:
        return otherwise


def filled(value, clinic: Clinic) -> str:
    """A text of the programme that names the clinic and its numbers."""
    return text(value).format(
        emergency=clinic.emergency_number,
        advice_line=unbroken(clinic.advice_number),
        clinic_name=clinic.name,
        clinic_phone=unbroken(clinic.phone),
        hours=clinic.hours_text,
    )


def unbroken(number: str) -> str:
    """A telephone number that stays on one line."""
    no_break_space, word_joiner = "\u00a0", "\u2060"
    return number.replace(" ", no_break_space).replace("-", f"-{word_joiner}")


def number_of(unit: Unit) -> str:
    """The clinic's number inside a sentence."""
    return unbroken(words.clinic_number(unit.phone))


def time_and_place(appointment: Appointment, at: datetime) -> str:
    """Thursday 26 November, 10:20am, Eksjö, room 4."""
    slot = appointment.slot
    when = words.day_and_time(slot.starts_at, zone=slot.unit.zone, now=at)
    return ", ".join(filter(None, [when, slot.place]))


def what_to_bring(rules: Rules, time: Appointment | None) -> str:
    """To a time that is booked; one that is only held nobody comes to."""
    is_booked = time is not None and time.state == State.BOOKED
    return text(rules.before_visit.text) if is_booked and rules.before_visit else ""


def now_at(unit: Unit, at: datetime) -> str:
    """Whether the clinic can be rung at this moment, for whoever comes to the door."""
    if unit.hours.is_open(at):
        return _("We are open now. Ringing us is just as good: %(phone)s.") % {"phone": number_of(unit)}
    return _("We are closed now and open again at %(moment)s. You can write to us at any hour.") % {
        "moment": words.moment(unit.hours.next_opening(at), zone=unit.zone, now=at)
    }


def closed_now(unit: Unit, at: datetime) -> str:
    """When somebody can ring, if that is not now."""
    if unit.hours.is_open(at):
        return ""
    opens = words.moment(unit.hours.next_opening(at), zone=unit.zone, now=at)
    return _(
        "We are closed now. We can call you from %(moment)s at the earliest. Do you need advice before then? Ring %(advice)s."
    ) % {
        "moment": opens,
        "advice": words.advice_line(unit.advice_number),
    }
