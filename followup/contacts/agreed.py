"""What we agreed: one finished call as the patient reads it, on their page, on the nurse's preview and on paper."""

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
    """What a call led to, in the words of the programme and the language of whoever asks."""

    rules: Rules
    called: CallOutcome

    @property
    def led_to(self) -> list[str]:
        """The outcomes; the bare id of one that a later version of the programme no longer knows."""
        known = {each.id: each for each in self.rules.outcomes}
        outcomes = [self.called.outcome, *self.called.also]
        return [text(known[each].label) if each in known else each for each in outcomes]

    @property
    def advice(self) -> list[tuple[str, str]]:
        """The advice that was given, as title and text."""
        known = {each.id: each for each in self.rules.advice}
        return [(text(known[id].title), text(known[id].text)) for id in self.called.advice if id in known]


@dataclass(frozen=True)
class Agreement(Agreed):
    """The same with what came of it. `asks`: what a clinician was asked in that call or after it; `callback` a call that is owed now;
    `time` the coming time of this request.
    """

    case: Case
    asks: list[Ask]
    callback: Callback | None
    time: Appointment | None

    @property
    def waiting(self) -> list[Ask]:
        return [ask for ask in self.asks if ask.answered_at is None]

    @property
    def told(self) -> list[Ask]:
        """What was answered in words for the patient, or is simply done."""
        return [ask for ask in self.asks if ask.answered_at and (ask.to_patient or ask.way == Way.DONE)]

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
    later = calls.outcomes_of_case(case.id).filter(at__gt=called.at).order_by("at").first()
    asks = Ask.objects.filter(case=case, created_at__gte=called.at).select_related("answered_by").order_by("created_at")
    return Agreement(
        rules=case.programme.rules,
        called=called,
        case=case,
        asks=list(asks.filter(created_at__lt=later.at) if later else asks),
        callback=calls.open_of_case(case.id),
        time=kept if coming else None,
    )
