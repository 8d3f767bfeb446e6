"""Words and shapes of the pages for staff: rows in, short texts out. Nothing here asks the database.

`at` is the moment the page is made; times are 24 hours, in the unit's zone.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from babel import Locale, UnknownLocaleError
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from followup.callbacks.models import Callback, CallOutcome, State
from followup.cases.models import Case, Shortage
from followup.clinic.models import Appointment, Slot
from followup.clinic.models import State as TimeState
from followup.contacts.models import Contact
from followup.core import words
from followup.messages.models import Message
from followup.messages.models import State as MessageState
from followup.people import phones
from followup.people.models import Patient, User
from followup.programmes.schema import Rules
from followup.programmes.texts import text


@dataclass(frozen=True)
class Stand:
    """How a call stands: `state` names the drawn shape, `text` is the word beside it."""

    state: str
    text: str


def is_taken(call: Callback, at: datetime) -> bool:
    return call.state == State.CLAIMED and call.lease_until > at


def stand_of(call: Callback, *, at: datetime, zone: tzinfo) -> Stand:
    """Urgency as a word and a shape, the most pressing word first."""
    if is_taken(call, at):
        return Stand("taken", _("Taken"))
    if call.decide_since:
        return Stand("planned", _("Letter sent")) if waits_for_letter(call, at) else Stand("risk", _("To decide"))
    if call.due < at:
        return Stand("late", late_words(call.due, at))
    if call.said_free_at:
        return Stand("today", _("Free now"))
    if call.not_before > at:
        return Stand("planned", _("Later"))
    if call.priority == 1:
        return Stand("risk", _("Urgent"))
    if call.due.astimezone(zone).date() == at.astimezone(zone).date():
        return Stand("today", _("Today"))
    return Stand("planned", _("To come"))


def waits_for_letter(call: Callback, at: datetime) -> bool:
    """A letter went out, and it is not yet time to look again."""
    return call.decide_since is not None and call.letter_sent_at is not None and call.due > at


def letter_words(call: Callback, *, at: datetime, zone: tzinfo) -> str:
    """Letter sent 23 November."""
    if not call.letter_sent_at:
        return ""
    return _("letter sent %(day)s") % {"day": words.day_name(call.letter_sent_at, zone=zone)}


def in_charge_decides(call: Callback, contact: Contact | None) -> bool:
    """Whose decision it is after the last try, as the programme says: the nurse in charge's, else that of whoever works the list."""
    flags = contact.answers.get("red_flags", []) if contact else []
    return call.case.programme.rules.nurse_in_charge_decides(call.reason, flags)


def decider(call: Callback, contact: Contact | None, in_charge: User | None) -> str:
    """Who decides what happens with somebody whom nobody reached."""
    if not in_charge_decides(call, contact):
        return _("for whoever works the list: a letter")
    return _("for %(name)s, nurse in charge") % {"name": in_charge.name} if in_charge else _("for the nurse in charge")


def late_words(due: datetime, at: datetime) -> str:
    """Late 22 min."""
    return _("Late %(time)s") % {"time": words.duration(at - due, short=True)}


def near(moment: datetime, *, at: datetime, zone: tzinfo) -> str:
    """14:10 for today, else with its day."""
    if moment.astimezone(zone).date() == at.astimezone(zone).date():
        return words.clock24(moment, zone=zone)
    return words.day_and_time(moment, zone=zone, now=at, staff=True)


def day_words(day: date, *, today: date) -> str:
    """Today, tomorrow, else the day by name."""
    near_by = {today: _("Today"), today + timedelta(days=1): _("Tomorrow")}
    name = words.day_name(day)
    return f"{near_by[day]}, {name}" if day in near_by else name[:1].upper() + name[1:]


def promised(call: Callback, *, at: datetime, zone: tzinfo) -> str:
    if call.decide_since and not waits_for_letter(call, at):
        return _("since %(time)s") % {"time": near(call.decide_since, at=at, zone=zone)}
    return near(call.due, at=at, zone=zone)


def tries(call: Callback) -> str:
    if not call.attempts:
        return _("New")
    if call.decide_since:
        return ngettext("%(count)s try", "%(count)s tries", call.attempts) % {"count": call.attempts}
    return _("Try %(number)s") % {"number": call.attempts + 1}


def reason_of(call: Callback) -> str:
    """Why they ask for a call, in the programme's words for staff."""
    return reason_words(call.case.programme.rules, call.reason)


def reason_words(rules: Rules, reason: str) -> str:
    return text(rules.reason(reason).staff_label) if reason in {each.id for each in rules.reasons} else reason


def detail_of(call: Callback, contact: Contact | None, *, at: datetime, zone: tzinfo) -> str:
    """What a nurse wants to know before she opens the call."""
    said = []
    if call.said_free_at:
        said.append(_("free now since %(time)s") % {"time": near(call.said_free_at, at=at, zone=zone)})
    if contact and contact.answers.get("red_flags"):
        said.append(_("red flag"))
    if contact and contact.follows_id:
        said.append(_("second flare-up in a week"))
    if contact and contact.answers.get("days_left") is not None:
        days = contact.answers["days_left"]
        said.append(ngettext("%(count)s day left", "%(count)s days left", days) % {"count": days})
    if call.not_before > at and not call.decide_since:
        said.append(_("not before %(time)s") % {"time": near(call.not_before, at=at, zone=zone)})
    if call.decide_since:
        said += filter(None, [letter_words(call, at=at, zone=zone)])
    return ", ".join(said)


def language_name(code: str) -> str:
    """The name of a language in the language of the page; the code itself when nobody knows it."""
    try:
        return Locale.parse(code).get_language_name(get_language() or "en") or code
    except (ValueError, UnknownLocaleError):
        return code


def speaks(patient: Patient, contact: Contact | None = None) -> str:
    """Swedish; Arabic, interpreter."""
    wish = contact.preferred if contact else {}
    code = wish.get("language") or patient.spoken_language or patient.language
    name = language_name(code)
    if wish.get("interpreter", patient.interpreter):
        return _("%(language)s, interpreter") % {"language": name}
    return name


def reach(patient: Patient) -> str:
    return {"phone_only": _("Phone only"), "no_channel": _("No channel")}.get(patient.reach, "")


def holder(call: Callback, user: User, *, at: datetime) -> str:
    """Taken by Karin, 6 min; Yours, 6 min; just now in the first minute."""
    if not is_taken(call, at):
        return ""
    so_far = at - (call.claimed_at or at)
    since = words.duration(so_far, short=True) if so_far >= timedelta(minutes=1) else _("just now")
    if call.claimed_by_id == user.id:
        return _("Yours, %(time)s") % {"time": since}
    return _("Taken by %(name)s, %(time)s") % {"name": call.claimed_by.name, "time": since}


def where_call_is(call: Callback, user: User, *, at: datetime) -> str:
    """Waiting; Karin has had the call for 6 minutes; not reached: said beside a person who is on the line now."""
    if is_taken(call, at):
        since = ago(call.claimed_at or at, at)
        if call.claimed_by_id == user.id:
            return _("yours for %(time)s") % {"time": since}
        said = {"name": call.claimed_by.name, "time": since}
        return (
            _("%(name)s is ringing them, for %(time)s") % said
            if call.dialled_at
            else _("%(name)s has had the call for %(time)s") % said
        )
    if call.decide_since:
        return _("not reached")
    return _("to be rung later") if call.not_before > at else _("waiting")


def way_to_call(call: Callback, user: User, *, at: datetime) -> dict[str, str]:
    """The button that leads to somebody's call: open, continue, take over."""
    if not is_taken(call, at):
        page = "desk:decide" if call.decide_since else "desk:open"
        return {"text": _("Decide") if call.decide_since else _("Open"), "href": reverse(page, args=[call.id])}
    if call.claimed_by_id == user.id:
        return {"text": _("Continue"), "href": reverse("desk:call", args=[call.id])}
    return {"text": _("Take over"), "href": reverse("desk:take_over", args=[call.id])}


def queue_rows(
    found: list[Callback], user: User, *, at: datetime, zone: tzinfo, in_charge: User | None = None
) -> list[dict[str, Any]]:
    """The rows of the queue: what she has herself, who can be rung first, who is to be rung later, what colleagues have."""
    rows = [_queue_row(call, user, at=at, zone=zone, in_charge=in_charge) for call in found]
    return sorted(rows, key=lambda row: row["place"])


def _queue_row(call: Callback, user: User, *, at: datetime, zone: tzinfo, in_charge: User | None) -> dict[str, Any]:
    contact = getattr(call.case, "contact", None)
    stand = stand_of(call, at=at, zone=zone)
    taken = is_taken(call, at)
    mine = taken and call.claimed_by_id == user.id
    later = waits_for_letter(call, at) if call.decide_since else call.not_before > at
    detail = detail_of(call, contact, at=at, zone=zone)
    if call.decide_since and not taken:
        detail = ", ".join(filter(None, [detail, decider(call, contact, in_charge)]))
    return {
        "id": call.id,
        "href": reverse("desk:patient", args=[call.patient_id]),
        "place": 0 if mine else 3 if taken else 2 if later else 1,
        "state": stand.state,
        "state_text": stand.text,
        "urgent": call.priority == 1 and not taken,
        "name": call.patient.name,
        "reason": reason_of(call),
        "detail": detail,
        "promised": promised(call, at=at, zone=zone),
        "tries": tries(call),
        "language": speaks(call.patient, contact),
        "reach": reach(call.patient),
        "holder": holder(call, user, at=at),
        "taken": taken,
        "mine": mine,
        "to_decide": call.decide_since is not None,
        "free": call.said_free_at is not None,
    }


def mark_of(rows: list[dict[str, Any]]) -> str:
    """Differs when the table tells something new; that a minute has gone by is not new."""
    return "|".join(f"{row['id']}:{row['state']}:{row['free']}:{row['tries']}:{row['mine']}" for row in rows)


def born(patient: Patient) -> str:
    return _("born %(day)s") % {"day": words.day(patient.born_on)}


def check_sentence() -> str:
    return _("Read out: “May I have your full name and date of birth, please?”")


def facts_of(patient: Patient, contact: Contact | None = None) -> list[str]:
    """Short facts for a caller: language, voicemail, how they are reached."""
    wish = contact.preferred if contact else {}
    voicemail = wish.get("voicemail", patient.voicemail)
    said = [
        speaks(patient, contact),
        _("You may leave a voicemail") if voicemail else _("Leave no voicemail"),
        reach(patient),
    ]
    return [fact for fact in said if fact]


def phone_of(patient: Patient) -> str:
    """The number as it was typed; one that came in without spaces is set apart."""
    typed = patient.phone_shown or patient.phone
    return phones.shown(typed) if typed.startswith("+") and typed == patient.phone else typed


def wished_hours(contact: Contact) -> str:
    """When they would like to be rung, as they said it."""
    earliest, latest = contact.preferred.get("not_before"), contact.preferred.get("not_after")
    if earliest and latest:
        return _("between %(from)s and %(to)s") % {"from": earliest, "to": latest}
    if earliest:
        return _("after %(from)s") % {"from": earliest}
    return _("before %(to)s") % {"to": latest} if latest else ""


def channel_words(channel: str) -> str:
    return {
        "web": _("on the web"),
        "phone": _("by telephone"),
        "sms": _("by text message"),
        "email": _("by e-mail"),
        "paper": _("on paper"),
    }.get(channel, channel)


def sooner_words(answer: str) -> str:
    """Whether a visit that is booked should be sooner."""
    return {"yes": _("Yes"), "no": _("No"), "nurse": _("Decides with the nurse")}.get(answer, "")


def addition_words(kind: str) -> str:
    """What an addition means when it is not words of their own."""
    return {
        "red_flags": _("Ticked a red flag"),
        "took_back": _("Took back the tick at the red flag"),
        "feels_better": _("Says that they feel better"),
        "free_now": _("Missed our call and is free now"),
        "no_time_suits": _("No time suits"),
        "needs_no_help": _("Gave the time back and needs no help now"),
    }.get(kind, "")


def step_words(case: Case) -> str:
    return step_name(case.step)


def step_name(step: str) -> str:
    return {
        "received": _("Received"),
        "call_booked": _("Call booked"),
        "ringing": _("A nurse is ringing"),
        "unreached": _("Not reached yet"),
        "with_clinician": _("With the clinician"),
        "clinic_time": _("Clinic time booked"),
        "invited": _("Invited"),
        "ready": _("Ready for the call"),
        "visit": _("Clinic time booked"),
        "due": _("Time to book a visit"),
        "booked": _("Visit booked"),
        "attended": _("Came to the visit"),
        "missed": _("Did not come to the visit"),
        "triaged": _("Referral read"),
        "seen": _("Seen for the first time"),
        "grouped": _("Follow-up plan decided"),
        "admitted": _("Admitted"),
        "in_treatment": _("In treatment"),
        "ready_to_leave": _("Ready to leave"),
        "left": _("Gone home"),
        "closed": _("Closed"),
    }.get(step, step)


def outcome_words(rules: Rules, outcome: str) -> str:
    return text(rules.outcome(outcome).staff_label) if outcome in {each.id for each in rules.outcomes} else outcome


def outcome_line(kept: CallOutcome, rules: Rules) -> str:
    """Self-care advice, also prescription."""
    main, *others = [outcome_words(rules, each) for each in (kept.outcome, *kept.also)]
    if not others:
        return main
    return _("%(outcome)s, also %(others)s") % {"outcome": main, "others": ", ".join(others).lower()}


def shortage_words(shortage: str) -> tuple[str, str]:
    """Which kind of shortage it is, and what it means."""
    said: dict[str, tuple[str, str]] = {
        Shortage.NOTHING_TO_HOLD: (
            _("No time left to keep"),
            _("No free time could be kept before the promised day. Most such calls end without one."),
        ),
        Shortage.NEEDS_A_TIME: (
            _("Needs a time, none there"),
            _(
                "The nurse has spoken with them: they must be seen, and no time is free. Open a time or take a free revisit time."
            ),
        ),
    }
    return said.get(shortage, ("", ""))


def time_words(slot: Slot, *, at: datetime, zone: tzinfo) -> str:
    return words.day_and_time(slot.starts_at, zone=zone, now=at, staff=True)


def time_choice(slot: Slot, *, at: datetime, zone: tzinfo, kept: bool) -> dict[str, Any]:
    """A radio for a time that can be given."""
    said = time_words(slot, at=at, zone=zone)
    label = _("Kept for them: %(time)s") % {"time": said} if kept else said[:1].upper() + said[1:]
    return {"value": str(slot.id), "text": label, "hint": {"text": f"{slot.session.person.name}, {slot.place}"}}


def appointment_words(appointment: Appointment) -> str:
    return {
        TimeState.HELD: _("Kept until we have spoken"),
        TimeState.BOOKED: _("Booked"),
        TimeState.ATTENDED: _("Came"),
        TimeState.MISSED: _("Did not come"),
        TimeState.RELEASED: _("Let go"),
    }[TimeState(appointment.state)]


def message_words(message: Message) -> str:
    return {
        MessageState.QUEUED: _("Waiting to be sent"),
        MessageState.IN_FLIGHT: _("On its way"),
        MessageState.SENT: _("Sent"),
        MessageState.DELIVERED: _("Arrived"),
        MessageState.FAILED: _("Did not arrive"),
        MessageState.UNKNOWN: _("We cannot tell whether it arrived"),
    }[MessageState(message.state)]


def message_channel(message: Message) -> str:
    return {"sms": _("Text message"), "email": _("E-mail")}.get(message.channel, message.channel)


def ask_words(kind: str) -> str:
    return {
        "prescription": _("Prescription"),
        "clinician_asked": _("Question from the nurse"),
        "group_change": _("Change of follow-up plan"),
    }.get(kind, kind)


def due_stand(due: datetime, *, at: datetime, zone: tzinfo) -> Stand:
    """When an answer is owed."""
    if due < at:
        return Stand("late", late_words(due, at))
    if due.astimezone(zone).date() == at.astimezone(zone).date():
        return Stand("today", _("Today"))
    return Stand("planned", _("To come"))


def ago(moment: datetime, at: datetime) -> str:
    """5 seconds, 22 minutes: how long ago."""
    seconds = int((at - moment).total_seconds())
    if seconds < 60:
        return ngettext("%(count)s second", "%(count)s seconds", max(seconds, 1)) % {"count": max(seconds, 1)}
    return words.duration(timedelta(seconds=seconds))


def taken_by(call: Callback, at: datetime) -> str:
    """Why a nurse may not go on: who took the call, or that it is over."""
    if is_taken(call, at):
        said = {"name": call.claimed_by.name, "time": ago(call.claimed_at or at, at)}
        return _("%(name)s took this call %(time)s ago.") % said
    if call.ended_at:
        return _("This call was finished %(time)s ago.") % {"time": ago(call.ended_at, at)}
    return _("This call is no longer yours.")
