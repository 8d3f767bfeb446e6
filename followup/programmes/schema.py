"""The shape of a programme file: a condition's way of working, as data.

Here stands what may be where, and the questions policies ask of it; `checks` says what must fit together and what a
person has still to do. Every clinical entry names its source, a mark (F found in that source, K general knowledge, D
our own derivation), who signed it off and when to look at it again.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from followup.core.hours import Duration
from followup.programmes.texts import Text

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Priority = Annotated[int, Field(ge=1, le=5)]
Count = Annotated[int, Field(ge=0, le=1000)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
RED_FLAG = "red_flag"
"""Stands beside the reasons wherever a rule also holds for a ticked red flag."""


def _duration(value: Any) -> Any:
    if value == "now":
        return Duration(open_hours=0)
    if not isinstance(value, Mapping):
        raise ValueError("write a duration as {open_hours: 4}, {working_days: 2}, {calendar_days: 3} or now")
    try:
        return Duration(**value)
    except TypeError:
        raise ValueError(f"unknown kind of duration: {', '.join(map(str, value))}") from None


Span = Annotated[Duration, BeforeValidator(_duration)]


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Clinical(Entry):
    """An entry that a clinician must sign before it is used on people other than invented ones."""

    source: Words
    mark: Literal["F", "K", "D"]
    signed_off_by: Words | None
    review_by: date | None


class Title(Entry):
    id: Slug
    version: Annotated[int, Field(ge=1, le=100_000)]
    title: Text


class Diagnosis(Entry):
    """A stratum for the indicators."""

    id: Slug
    icd10: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{2}(\.[0-9]{1,2})?$")]
    label: Text


class Group(Entry):
    """A way of being followed up. Patients read `label` and `explanation` as their follow-up plan."""

    id: Slug
    label: Text
    staff_label: Text
    explanation: Text


class Admission(Clinical):
    """Who may be in the programme, and the group of those who wish for visits or need support."""

    from_age: Annotated[int, Field(ge=0, le=120)]
    visits_group: Slug


class Choice(Entry):
    id: Slug
    label: Text


class Reason(Clinical):
    """Why a patient gets in touch. `asks` are the questions that follow, in order."""

    id: Slug
    label: Text
    staff_label: Text
    priority: Priority
    asks: list[Literal["message", "since", "medicine", "days_left"]]


class RedFlag(Clinical):
    """A sign that cannot wait, worded for a patient to tick. R0 also shows the emergency page."""

    id: Slug
    ask: Text
    level: Literal["R0", "R1"]


class Emergency(Clinical):
    """The public page for somebody with a sign of level R0.

    Filled with {emergency}, {advice_line}, {clinic_name}, {clinic_phone}, {hours}.
    """

    title: Text
    text: Text
    afterwards: Text
    not_watched: Text


class Waiting(Clinical):
    """What to do until the nurse rings. Filled like the emergency page."""

    text: Text


class BeforeVisit(Clinical):
    """What to bring to a time at the clinic, for the page and the e-mail that confirm it: a neighbour may read it."""

    text: Text


class SecondFlare(Clinical):
    """A flare-up within so many days of another: it is linked to the first, and rung sooner than a flare-up alone."""

    within_days: Annotated[int, Field(ge=1, le=60)]
    rung_within_open_hours: Annotated[float, Field(gt=0, le=1000)]


class Queue(Clinical):
    """The nurses' call queue: what is promised, and what happens when nobody answers."""

    red_flag_priority: Priority
    rung_within_open_hours: dict[Priority, Annotated[float, Field(gt=0, le=1000)]]
    rung_within_working_days: dict[Priority, Count]
    prescription_days_left: Count
    prescription_priority: Priority
    see_within_days: Annotated[int, Field(ge=1, le=60)]
    holds_time: list[Slug]
    hold_after_due_minutes: Annotated[int, Field(ge=0, le=24 * 60)]
    tries: Annotated[list[Span], Field(min_length=1, max_length=10)]
    nurse_in_charge_decides: list[Slug]
    letter_wait_working_days: Count
    second_flare: SecondFlare | None = None


class Slots(Clinical):
    urgent_falls_to_others_open_hours_before: Count
    warn_open_hours_before_held: Count


class Escalation(Clinical):
    """When staff are told outside the page of what nobody has taken: at once, then again, at most so many times."""

    late_after_minutes: Annotated[int, Field(ge=0, le=24 * 60)]
    repeat_minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    most: Annotated[int, Field(ge=1, le=100)]


OutcomeId = Literal[
    "self_care",
    "clinic_time",
    "prescription",
    "clinician_asked",
    "emergency",
    "group_change",
    "all_well",
    "no_answer",
    "other",
]


class Outcome(Clinical):
    """How a call ends. `needs` must be given with it, `offers` may be; `leaves` is the step of the case afterwards.

    A held time counts as the slot that clinic_time needs. `within` is the promise of with_clinician.
    """

    id: OutcomeId
    staff_label: Text
    label: Text
    needs: list[Literal["call_again_on", "slot", "to"]] = []
    offers: list[Literal["advice", "slot", "to", "call_again_on"]] = []
    leaves: Literal["closed", "with_clinician", "clinic_time", "unreached"]
    within: Span | None = None


class Advice(Clinical):
    """Self-care advice that a nurse may attach to a call; the software never sends it by itself."""

    id: Slug
    title: Text
    text: Text


class Email(Entry):
    subject: Text
    body: Text


class Template(Entry):
    """One message, with its gaps as {name}; `MESSAGES` says which gaps it may have."""

    sms: Text
    email: Email


class Rules(Entry):
    """A whole programme file, and the questions policies ask of it."""

    programme: Title
    diagnoses: Annotated[list[Diagnosis], Field(min_length=1)]
    groups: Annotated[list[Group], Field(min_length=1)]
    admission: Admission | None = None
    reasons: Annotated[list[Reason], Field(min_length=1)]
    since: Annotated[list[Choice], Field(min_length=1)]
    red_flags: list[RedFlag]
    emergency: Emergency
    while_waiting: Waiting
    before_visit: BeforeVisit | None = None
    queue: Queue
    slots: Slots
    escalation: Escalation
    outcomes: Annotated[list[Outcome], Field(min_length=1)]
    advice: list[Advice]
    kept_out_of_messages: list[Words]
    messages: dict[str, Template]

    # one entry by its id; LookupError when there is none

    def diagnosis(self, id: str) -> Diagnosis:
        return _one(self.diagnoses, id)

    def group(self, id: str) -> Group:
        return _one(self.groups, id)

    def reason(self, id: str) -> Reason:
        return _one(self.reasons, id)

    def since_option(self, id: str) -> Choice:
        return _one(self.since, id)

    def red_flag(self, id: str) -> RedFlag:
        return _one(self.red_flags, id)

    def outcome(self, id: str) -> Outcome:
        return _one(self.outcomes, id)

    def advice_text(self, id: str) -> Advice:
        return _one(self.advice, id)

    def template(self, id: str) -> Template:
        return self.messages[id]

    # decisions

    def priority_of(self, reason: str, red_flags: Iterable[str] = (), days_left: int | None = None) -> int:
        """How urgent a request is: 1 is rung first. A red flag of either level counts as such."""
        entry, queue = self.reason(reason), self.queue
        priorities = [entry.priority]
        if any(self.red_flag(id) for id in red_flags):
            priorities.append(queue.red_flag_priority)
        if days_left is not None and "days_left" in entry.asks and days_left <= queue.prescription_days_left:
            priorities.append(queue.prescription_priority)
        return min(priorities)

    def shows_emergency_page(self, red_flags: Iterable[str]) -> bool:
        return any(self.red_flag(id).level == "R0" for id in red_flags)

    def holds_time(self, reason: str, red_flags: Iterable[str] = ()) -> bool:
        """Whether a clinic time is kept at once, before anybody has spoken with the patient."""
        return self._named(self.queue.holds_time, reason, red_flags)

    def nurse_in_charge_decides(self, reason: str, red_flags: Iterable[str] = ()) -> bool:
        """Who is told after the last try: the nurse in charge, else a letter goes out and the work list shows it."""
        return self._named(self.queue.nurse_in_charge_decides, reason, red_flags)

    def rung_within(self, priority: int) -> Duration:
        """The promise that goes with a priority."""
        if priority in self.queue.rung_within_open_hours:
            return Duration(open_hours=self.queue.rung_within_open_hours[priority])
        return Duration(working_days=self.queue.rung_within_working_days[priority])

    def see_within(self) -> Duration:
        return Duration(calendar_days=self.queue.see_within_days)

    def retry_after(self, attempt: int) -> Duration | None:
        """How long to wait after the nth try found nobody (n from 1); None: that was the last, a person decides."""
        return self.queue.tries[attempt] if 1 <= attempt < len(self.queue.tries) else None

    def hold_after_due(self) -> timedelta:
        """A held time starts at least so long after the call is due."""
        return timedelta(minutes=self.queue.hold_after_due_minutes)

    def unsigned(self) -> list[str]:
        """Where a clinician's signature is missing."""
        return [path for path, entry in clinical_entries(self) if not entry.signed_off_by]

    def _named(self, names: list[str], reason: str, red_flags: Iterable[str]) -> bool:
        return reason in names or (RED_FLAG in names and any(True for _ in red_flags))


def clinical_entries(entry: Any, path: str = "") -> Iterator[tuple[str, Clinical]]:
    """Every clinical entry with its place in the file."""
    if isinstance(entry, Clinical):
        yield path, entry
    if isinstance(entry, BaseModel):
        for name in type(entry).model_fields:
            yield from clinical_entries(getattr(entry, name), f"{path}.{name}" if path else name)
    elif isinstance(entry, list):
        for item in entry:
            yield from clinical_entries(item, f"{path}[{getattr(item, 'id', '')}]")


def _one(entries: list, id: str):
    for entry in entries:
        if entry.id == id:
            return entry
    raise LookupError(f"the programme has no entry {id!r} here")
