"""A case in words: why, where it stands, what came of it, its times and its messages."""

from datetime import datetime, tzinfo
from typing import Any

from django.utils.translation import gettext as _

from followup.callbacks.models import CallOutcome
from followup.cases.models import Case, Shortage
from followup.clinic.models import Appointment, Slot
from followup.clinic.models import State as TimeState
from followup.core import words
from followup.messages.models import Message
from followup.messages.models import State as MessageState
from followup.programmes.schema import Rules
from followup.programmes.texts import text


def reason_words(rules: Rules, reason: str) -> str:
    return text(rules.reason(reason).staff_label) if reason in {each.id for each in rules.reasons} else reason


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


def ask_words(kind: str) -> str:
    return {
        "prescription": _("Prescription"),
        "clinician_asked": _("Question from the nurse"),
        "group_change": _("Change of follow-up plan"),
    }.get(kind, kind)


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
