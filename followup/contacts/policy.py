"""Pure decisions about a patient who gets in touch: what is asked, how soon we ring, where the case stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext as _

from followup.cases.models import AskKind, Way
from followup.core.errors import Invalid
from followup.core.hours import OpeningHours
from followup.core.typed import storable
from followup.people import phones
from followup.programmes.schema import Rules

LONGEST_MESSAGE = 4_000
FLARE = "flare"
SOONER = ("yes", "no", "nurse")
KEEPS_THE_TIME = frozenset({"clinician_asked"})
"""Outcomes after which a held time stays held: the clinician's answer decides whether it is used."""
NEEDS_WORDS = ("clinician_asked", "other")
"""Outcomes that say nothing without a note: the first is a question, and the clinician who is asked reads the note."""
REOPENS_WITHIN = timedelta(hours=24)
"""So long after it was finished a request may be opened again; later, a new one begins. Source: design §3."""
NOT_OFFERED_AGAIN = timedelta(hours=1)
"""So long a time that somebody gave back is not held for them again while there is another."""
DRAFTS_LIVE = timedelta(days=30)
"""Source: experience §1 [A1]."""


@dataclass(frozen=True)
class Request:
    """What somebody asks of us, checked. Field names are those of the HTTP contract."""

    reason: str
    message: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    preferred: dict[str, Any] = field(default_factory=dict)

    @property
    def red_flags(self) -> list[str]:
        return self.answers.get("red_flags", [])


def checked(
    rules: Rules,
    country_codes: Iterable[int],
    *,
    reason: str,
    message: str = "",
    answers: Mapping | None = None,
    preferred: Mapping | None = None,
) -> Request:
    """The request with everything in its right form; raises `Invalid` with one line for each field that is not."""
    errors: dict[str, str] = {}
    message, answers, preferred = storable(message), storable(answers), storable(preferred)
    if reason not in {each.id for each in rules.reasons}:
        errors["reason"] = _("Choose why you are getting in touch.")
    if len(message) > LONGEST_MESSAGE:
        errors["message"] = too_long()
    request = Request(
        reason=reason,
        message=message.strip(),
        answers=_checked_answers(rules, answers or {}, errors),
        preferred=_checked_preferred(list(country_codes), preferred or {}, errors),
    )
    if errors:
        raise Invalid(errors)
    return request


def too_long() -> str:
    return _("This is too long: use %(limit)s characters or fewer.") % {"limit": LONGEST_MESSAGE}


def _checked_answers(rules: Rules, given: Mapping, errors: dict[str, str]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    known = {flag.id for flag in rules.red_flags}
    flags = given.get("red_flags") or []
    if not isinstance(flags, list) or not all(isinstance(flag, str) and flag in known for flag in flags):
        errors["answers.red_flags"] = _("Choose from the list, or say none of these.")
    else:
        answers["red_flags"] = sorted(set(flags))
    if since := given.get("since"):
        answers["since"] = since
        if since not in {option.id for option in rules.since}:
            errors["answers.since"] = _("Choose how long it has been going on.")
    if medicine := given.get("medicine"):
        answers["medicine"] = str(medicine).strip()
        if len(answers["medicine"]) > 200:
            errors["answers.medicine"] = _("The name of the medicine is too long: use 200 characters or fewer.")
    if given.get("days_left") not in (None, ""):
        answers["days_left"] = _whole(given["days_left"], 0, 365)
        if answers["days_left"] is None:
            errors["answers.days_left"] = _("Say for how many days your medicine lasts, as a number from 0 to 365.")
    if given.get("scale") not in (None, ""):
        answers["scale"] = _whole(given["scale"], 0, 100)
        if answers["scale"] is None:
            errors["answers.scale"] = _("Give a number from 0 to 100.")
    if sooner := given.get("sooner"):
        answers["sooner"] = sooner
        if sooner not in SOONER:
            errors["answers.sooner"] = _("Say whether your visit should be sooner.")
    return answers


def _checked_preferred(country_codes: list[int], given: Mapping, errors: dict[str, str]) -> dict[str, Any]:
    preferred: dict[str, Any] = {
        name: given[name] for name in ("voicemail", "interpreter") if isinstance(given.get(name), bool)
    }
    if typed := str(given.get("phone") or "").strip():
        number = phones.parse(typed, country_codes)
        preferred |= {"phone": typed, "phone_e164": number}
        if number is None:
            errors["preferred.phone"] = _("Give a telephone number that we can ring, such as 070-174 06 05.")
    for name in ("not_before", "not_after"):
        if given.get(name):
            preferred[name] = given[name]
            if _time_of(given[name]) is None:
                errors[f"preferred.{name}"] = _("Give a time of day, such as 14:30.")
    if language := given.get("language"):
        preferred["language"] = str(language)[:5]
    return preferred


def _whole(value: Any, least: int, most: int) -> int | None:
    try:
        number = int(str(value).strip())
    except ValueError:
        return None
    return number if least <= number <= most else None


def _time_of(value: Any) -> time | None:
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        return None


@dataclass(frozen=True)
class Promise:
    """What we owe: a call between `not_before` and `due`, of this priority; and to have seen them by `see_by`, where that is promised."""

    priority: int
    not_before: datetime
    due: datetime
    holds_time: bool
    see_by: datetime | None
    cannot_be_seen_in_time: bool
    """No open day inside the promise, or none after the call: the case is at risk from its first moment."""


def promise_for(
    rules: Rules, hours: OpeningHours, request: Request, *, at: datetime, second_flare: bool = False
) -> Promise:
    """Source of the times: the table in design §3, which the programme file holds.

    A wish to be rung later in the day moves the promise with it, except for the most urgent. A second flare-up of the week is promised
    an earlier call: it keeps its priority (1 is for red flags) and comes before the others that have it.
    """
    priority = rules.priority_of(request.reason, request.red_flags, request.answers.get("days_left"))
    due = hours.moment(rules.rung_within(priority), at)
    if second_flare and rules.queue.second_flare:
        due = min(due, hours.add_open(at, rules.queue.second_flare.rung_within_open_hours))
    not_before = at
    if priority > 1 and (wish := _time_of(request.preferred.get("not_before", ""))):
        not_before = _next_open_at(hours, wish, at)
        due = max(due, hours.add_open(not_before, 1))
    holds = wants_a_time(rules, request.reason, request.answers)
    see_by = hours.moment(rules.see_within(), at) if holds else None
    too_late = holds and (see_by is None or hold_from(rules, call_due=due) >= see_by)
    return Promise(priority, not_before, due, holds, see_by, too_late)


def may_reopen(closed: datetime | None, *, at: datetime) -> bool:
    """Whether a request that was finished then may still be opened again."""
    return closed is not None and at - closed <= REOPENS_WITHIN


def may_move_with_a_wish(priority: int, state: str, unanswered: int) -> bool:
    """Whether a call follows a wish for other hours: not the most urgent, none that a nurse has in hand, none that was tried."""
    return priority > 1 and state == "waiting" and not unanswered


def follows_since(rules: Rules, reason: str, *, at: datetime) -> datetime | None:
    """Since when an earlier flare-up makes this one the second; None where the request is no flare-up or the programme links none."""
    second = rules.queue.second_flare
    return at - timedelta(days=second.within_days) if second and reason == FLARE else None


def call_back_for(rules: Rules, hours: OpeningHours, reason: str, *, at: datetime) -> Promise:
    """The call in which a nurse passes on what a clinician answered: as soon as the first one, and it keeps no time of its own."""
    return replace(promise_for(rules, hours, Request(reason), at=at), holds_time=False, see_by=None)


def late_call_by(hours: OpeningHours, at: datetime) -> datetime:
    """What we can still say when a promised call is late: before the closing of the day that is open now, else of the next one."""
    return hours.close_of(hours.day_of(hours.next_opening(at)))


def wants_a_time(rules: Rules, reason: str, answers: Mapping) -> bool:
    """Whether a clinic time is kept free for this request; a patient who would rather keep the visit they have is not given another."""
    return rules.holds_time(reason, answers.get("red_flags", [])) and answers.get("sooner") != "no"


def _next_open_at(hours: OpeningHours, wish: time, at: datetime) -> datetime:
    """The next open moment that is not before the wished time of day; `at` itself when that day has none."""
    opens = hours.next_opening(at)
    wished = datetime.combine(hours.day_of(opens), wish, hours.zone)
    return wished if wished > opens and hours.is_open(wished) else at


def hold_from(rules: Rules, *, call_due: datetime) -> datetime:
    """The earliest start of a time that is held: long enough after the call that somebody can come."""
    return call_due + rules.hold_after_due()


def starts_too_soon(rules: Rules, starts_at: datetime, call_due: datetime, at: datetime) -> bool:
    """Whether a held time starts before the call that decides over it can be over."""
    return starts_at < hold_from(rules, call_due=max(call_due, at))


def hold_again_from(rules: Rules, hours: OpeningHours, call_due: datetime | None, at: datetime) -> list[datetime]:
    """The earliest starts to try, in order, when a held time moves.

    A call that is late is promised anew before closing (`late_call_by`): a time after that needs to move only once. Else any that leaves
    room for a call in this very hour.
    """
    if call_due and call_due >= at:
        return [hold_from(rules, call_due=call_due)]
    late = [hold_from(rules, call_due=late_call_by(hours, at))] if call_due else []
    return [*late, hold_from(rules, call_due=at)]


def apart_from(given_back: datetime | None, earliest: datetime, before: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches in which to look for a time, in order: round the one that was given back, and only then all of them."""
    if given_back is None or not earliest <= given_back < before:
        return [(earliest, before)]
    return [(earliest, given_back), (given_back + timedelta(minutes=1), before), (earliest, before)]


@dataclass(frozen=True)
class Facts:
    """The rows that say where a contact stands, as plain values."""

    call_open: bool = False
    call_laid: bool = False
    on_the_line: bool = False
    unanswered: bool = False
    to_decide: bool = False
    call_due: datetime | None = None
    asked_due: datetime | None = None
    booked_for: datetime | None = None


def step_for(facts: Facts) -> tuple[str, datetime | None]:
    """Where a contact stands and what is owed by when. A call that is owed comes first, then an answer, then a visit.

    A call that waits for a person to decide is nobody's to make, so nothing is late: queue and board count it as "to decide".
    """
    if facts.call_open:
        return _step_of_call(facts), None if facts.to_decide else facts.call_due
    if facts.asked_due:
        return "with_clinician", facts.asked_due
    if facts.booked_for:
        return "clinic_time", facts.booked_for
    return "closed", None


def _step_of_call(facts: Facts) -> str:
    if facts.on_the_line:
        return "ringing"
    if facts.unanswered:
        return "unreached"
    return "call_booked" if facts.call_laid else "received"


def check_outcome(
    rules: Rules,
    *,
    outcome: str,
    also: Iterable[str],
    note: str,
    agreed: str,
    advice: Iterable[str],
    has_time: bool,
    to: Any,
    call_again_on: date | None,
    today: date,
) -> None:
    """Is everything there that this outcome needs? Raises `Invalid` with one line for each field that is not right."""
    errors: dict[str, str] = {}
    known = {each.id: each for each in rules.outcomes}
    if outcome not in known:
        raise Invalid({"outcome": _("Choose what the call led to.")})
    if any(each not in known or each in (outcome, "no_answer") for each in also):
        errors["also"] = _("Choose from the list.")
    needs = {need for each in (outcome, *also) if each in known for need in known[each].needs}
    if "call_again_on" in needs and call_again_on is None:
        errors["call_again_on"] = _("Say when they should call again: the patient reads it afterwards.")
    if call_again_on is not None and call_again_on < today:
        errors["call_again_on"] = _("The day to call again must be today or later.")
    if "slot" in needs and not has_time:
        errors["slot"] = _("Choose a time.")
    if "to" in needs and to is None:
        errors["to"] = _("Choose whom to ask.")
    if not note.strip() and (wordless := [each for each in NEEDS_WORDS if each in (outcome, *also)]):
        errors["note"] = _no_words(wordless[0])
    errors |= {name: too_long() for name, typed in (("note", note), ("agreed", agreed)) if len(typed) > LONGEST_MESSAGE}
    if any(each not in {known_advice.id for known_advice in rules.advice} for each in advice):
        errors["advice"] = _("Choose from the list.")
    if errors:
        raise Invalid(errors)


def _no_words(outcome: str) -> str:
    return _("Write what you ask the clinician.") if outcome == "clinician_asked" else _("Write what the call led to.")


def asks_of(rules: Rules, outcomes: Iterable[str], hours: OpeningHours, *, at: datetime) -> dict[str, datetime]:
    """What a call leaves for a clinician, and by when each must be answered."""
    left = [rules.outcome(each) for each in outcomes]
    return {each.id: hours.moment(each.within, at) for each in left if each.leaves == "with_clinician" and each.within}


def answer_before(rules: Rules, hours: OpeningHours, due: datetime, held: datetime, *, at: datetime) -> datetime:
    """By when a clinician must have said whether a held time is used: as promised, and so long before it that a person can still
    make something of the answer; where that has passed, before it begins. Source: when a person is told of a held time that is near.
    """
    near = hours.back_open(held, rules.slots.warn_open_hours_before_held)
    return min(due, near if near > at else held)


def way_of_answer(kind: str, *, way: str, has_time: bool, to_patient: str) -> str:
    """How the patient hears what a clinician answered. What is not said ends in a nurse's call. Raises `Invalid`."""
    way = way or (Way.TIME if has_time else Way.DONE if kind == AskKind.PRESCRIPTION else Way.RING)
    errors: dict[str, str] = {}
    if way not in ways_of(kind):
        errors["way"] = _("Choose how the patient hears of it.")
    if way == Way.TIME and not has_time:
        errors["slot"] = _("Choose a time.")
    if way == Way.MESSAGE and not to_patient.strip():
        errors["to_patient"] = _("Write what the patient reads.")
    if len(to_patient) > LONGEST_MESSAGE:
        errors["to_patient"] = too_long()
    if errors:
        raise Invalid(errors)
    return way


def ways_of(kind: str) -> list[str]:
    """The ways in which a patient may hear of an answer of this kind; a prescription can also simply be done."""
    return [way.value for way in Way if way != Way.DONE or kind == AskKind.PRESCRIPTION]


def is_taken_back(kinds: Iterable[str]) -> bool:
    """Whether a tick at a sign that cannot wait was taken back and not set again; `kinds` of the additions, oldest first."""
    said = [kind for kind in kinds if kind in ("red_flags", "took_back")]
    return bool(said) and said[-1] == "took_back"


def lets_go_of_time(outcomes: Iterable[str]) -> bool:
    """Whether a held time is given back when a call ends so."""
    return not any(each in KEEPS_THE_TIME or each in ("clinic_time", "no_answer") for each in outcomes)
