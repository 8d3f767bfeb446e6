"""What we agreed: one finished call as the patient reads it, on their page, on the nurse's preview and on paper."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback, CallOutcome
from followup.cases.models import Ask, Case, Way
from followup.cases.queries import visible_to
from followup.clinic import queries as times
from followup.clinic.models import Appointment, State
from followup.core import clock
from followup.core.errors import Unknown
from followup.people.models import User
from followup.programmes.schema import Rules
from followup.programmes.texts import text


@dataclass(frozen=True)
class Agreed:
    """What a call led to, in the words of the programme and the language of whoever asks.

    `asks`: what a clinician was asked in that call, or after it until the next.
    """

    rules: Rules
    called: CallOutcome
    asks: list[Ask]

    @property
    def led_to(self) -> list[str]:
        """The outcomes, without those that were promises and are kept: `told` says what came of them.

        The bare id of one that a later version of the programme no longer knows.
        """
        known = {each.id: each for each in self.rules.outcomes}
        kept = {ask.kind for ask in self.told}
        outcomes = [each for each in (self.called.outcome, *self.called.also) if each not in kept]
        return [text(known[each].label) if each in known else each for each in outcomes]

    @property
    def advice(self) -> list[tuple[str, str]]:
        """The advice that was given, as title and text."""
        known = {each.id: each for each in self.rules.advice}
        return [(text(known[id].title), text(known[id].text)) for id in self.called.advice if id in known]

    @property
    def waiting(self) -> list[Ask]:
        return [ask for ask in self.asks if ask.answered_at is None]

    @property
    def told(self) -> list[Ask]:
        """What was answered in words for the patient, or is simply done."""
        return [ask for ask in self.asks if ask.answered_at and (ask.to_patient or ask.way == Way.DONE)]


@dataclass(frozen=True)
class Agreement(Agreed):
    """The same with what is to come. `callback`: a call that is owed now; `time` the coming time of this request."""

    case: Case
    callback: Callback | None
    time: Appointment | None

    @property
    def call_by(self) -> datetime | None:
        """By when we ring, while that is still to be kept."""
        late = self.callback is None or self.callback.decide_since or self.callback.due < clock.now()
        return None if late else self.callback.due


def agreement_for(user: User, outcome_id: UUID | str) -> Agreement:
    """What that call led to, if this person may know of it; else `Unknown`."""
    called = (
        CallOutcome.objects.filter(id=outcome_id, callback__case__in=visible_to(user))
        .select_related("by", "callback__case__programme", "callback__case__unit", "callback__case__patient")
        .first()
    )
    if called is None:
        raise Unknown
    case = called.callback.case
    kept = times.of_case(case.id)
    coming = kept and kept.state == State.BOOKED and kept.slot.starts_at > clock.now()
    (agreed,) = (each for each in agreed_in([case])[case.id] if each.called == called)
    return Agreement(
        rules=agreed.rules,
        called=called,
        asks=agreed.asks,
        case=case,
        callback=calls.open_of_case(case.id),
        time=kept if coming else None,
    )


def agreed_in(cases: Sequence[Case]) -> dict[UUID, list[Agreed]]:
    """What the calls of each of these cases led to, newest first; as many reads for a hundred as for one."""
    rules, ids = {case.id: case.programme.rules for case in cases}, [case.id for case in cases]
    asks: defaultdict[UUID, list[Ask]] = defaultdict(list)
    for ask in Ask.objects.filter(case__in=ids).select_related("answered_by").order_by("created_at"):
        asks[ask.case_id].append(ask)
    found: dict[UUID, list[Agreed]] = {id: [] for id in ids}
    until: dict[UUID, datetime] = {}
    for called in calls.outcomes_of_cases(ids):
        id = called.callback.case_id
        of_call = [
            ask for ask in asks[id] if called.at <= ask.created_at and (id not in until or ask.created_at < until[id])
        ]
        found[id].append(Agreed(rules=rules[id], called=called, asks=of_call))
        until[id] = called.at
    return found
