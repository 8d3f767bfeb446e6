"""How a call stands, whose it is, and the rows of the queue."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followup.callbacks.models import Callback
from followup.contacts.models import Contact
from followup.core import words
from followup.desk.presenters.cases import reason_words
from followup.desk.presenters.moments import Stand, ago, late_words, near
from followup.desk.presenters.people import reach, speaks
from followup.people.models import User


def stand_of(call: Callback, *, at: datetime, zone: tzinfo) -> Stand:
    """Urgency as a word and a shape, the most pressing word first."""
    if call.is_held(at):
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
    return _("for %(name)s, in charge now") % {"name": in_charge.name} if in_charge else _("for the nurse in charge")


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


def holder(call: Callback, user: User, *, at: datetime) -> str:
    """Taken by Karin, 6 min; Yours, 6 min; just now in the first minute; and who handed it over."""
    if not call.is_held(at):
        return ""
    so_far = at - (call.claimed_at or at)
    since = words.duration(so_far, short=True) if so_far >= timedelta(minutes=1) else _("just now")
    if call.claimed_by_id == user.id:
        if call.handed_by:
            return _("Handed to you by %(name)s, %(time)s") % {"name": call.handed_by.name, "time": since}
        return _("Yours, %(time)s") % {"time": since}
    said = {"name": call.claimed_by.name, "time": since}
    if call.handed_by:
        return _("Handed to %(name)s by %(colleague)s, %(time)s") % (said | {"colleague": call.handed_by.name})
    return _("Taken by %(name)s, %(time)s") % said


def where_call_is(call: Callback, user: User, *, at: datetime) -> str:
    """Waiting; Karin has had the call for 6 minutes; not reached: said beside a person who is on the line now."""
    if call.is_held(at):
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
    if not call.is_held(at):
        page = "desk:decide" if call.decide_since else "desk:open"
        return {"text": _("Decide") if call.decide_since else _("Open"), "href": reverse(page, args=[call.id])}
    if call.claimed_by_id == user.id:
        return {"text": _("Continue"), "href": reverse("desk:call", args=[call.id])}
    return {"text": _("Take over"), "href": reverse("desk:take_over", args=[call.id])}


def taken_by(call: Callback, at: datetime) -> str:
    """Why a nurse may not go on: who took the call, or that it is over."""
    if call.is_held(at):
        said = {"name": call.claimed_by.name, "time": ago(call.claimed_at or at, at)}
        return _("%(name)s took this call %(time)s ago.") % said
    if call.ended_at:
        return _("This call was finished %(time)s ago.") % {"time": ago(call.ended_at, at)}
    return _("This call is no longer yours.")


def queue_rows(
    found: list[Callback], user: User, *, at: datetime, zone: tzinfo, in_charge: User | None = None
) -> list[dict[str, Any]]:
    """The rows of the queue: what she has herself, who can be rung first, who is to be rung later, what colleagues have."""
    rows = [_queue_row(call, user, at=at, zone=zone, in_charge=in_charge) for call in found]
    return sorted(rows, key=lambda row: row["place"])


def _queue_row(call: Callback, user: User, *, at: datetime, zone: tzinfo, in_charge: User | None) -> dict[str, Any]:
    contact = getattr(call.case, "contact", None)
    stand = stand_of(call, at=at, zone=zone)
    taken = call.is_held(at)
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
