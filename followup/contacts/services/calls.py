"""The nurse rings, and the call leads to an outcome."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Attempt, Callback, CallOutcome
from followup.cases import services as cases
from followup.cases.models import Case, Shortage
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.contacts import policy
from followup.contacts.models import Channel
from followup.contacts.services.ground import SWEEPER, settle, tell, tell_of_time
from followup.contacts.services.requests import receive
from followup.core import clock, crash
from followup.core.errors import Invalid
from followup.core.journal import Signs
from followup.messages.models import Message
from followup.people.access import require
from followup.people.models import Patient, User


@transaction.atomic
def dial(callback: Callback, *, by: User) -> Attempt:
    """The nurse rings now: the try is logged, and the patient's page says so."""
    case = cases.lock(callback.case_id)
    attempt = callbacks.dial(callback, by=by)
    settle(case, by=by)
    return attempt


@transaction.atomic
def give_back(callback: Callback, *, by: User, note: str = "") -> Callback:
    """Back into the queue, with a note for whoever comes next."""
    case = cases.lock(callback.case_id)
    callback = callbacks.give_back(callback, by=by, note=note)
    settle(case, by=by)
    return callback


@transaction.atomic
def give_back_all(*, by: User, note: str = "") -> list[Callback]:
    """A break, or home: every call that `by` has goes back, each with what was typed on it and the one note.

    Who goes without this leaves nothing behind either: a call that is not used runs back by its lease, so a shift's end needs no sweep.
    """
    mine = sorted(calls.held_by(by), key=lambda callback: callback.case_id)  # always locked in the same order
    return [give_back(callback, by=by, note=note) for callback in mine]


@transaction.atomic
def hand_over(callback: Callback, *, to: User, note: str, by: User) -> Callback:
    """To a named colleague, with a note: theirs now, and offered first when they take their next."""
    case = cases.lock(callback.case_id)
    callback = callbacks.hand_over(callback, to=to, note=note, by=by)
    settle(case, by=by)
    return callback


@transaction.atomic
def take_over(callback: Callback, *, by: User, why: str) -> Callback:
    """A colleague's call is taken, with a reason; nobody is on the line until the new holder dials."""
    case = cases.lock(callback.case_id)
    callback = callbacks.take_over(callback, by=by, why=why)
    settle(case, by=by)
    return callback


@transaction.atomic
def put_off(callback: Callback, *, by: User, start: datetime | None, why: str, agreed: bool) -> Callback:
    """Not before a later time of the same day; the promise moves only if the patient agreed."""
    case = cases.lock(callback.case_id)
    callback = callbacks.put_off(callback, by=by, start=start, why=why, agreed=agreed)
    settle(case, by=by)
    return callback


@transaction.atomic
def log_call(
    *,
    patient: Patient,
    by: User,
    reason: str,
    message: str = "",
    answers: dict[str, Any] | None = None,
    preferred: dict[str, Any] | None = None,
    channel: str = Channel.PHONE,
    over: bool = False,
) -> Callback:
    """Somebody rings or writes: what they say is received, or added to what is open, and its call is `by`'s at once.

    A call that a colleague has stays theirs, unless `over` says that it is to be taken over; whose it is says `claimed_by`.
    """
    require(by, "answer_calls")
    contact = receive(
        patient=patient, by=by, reason=reason, message=message, answers=answers, preferred=preferred, channel=channel
    )
    callback = calls.open_of_case(contact.case_id)
    if callback.is_held(clock.now()) and callback.claimed_by_id != by.id and not over:
        return callback
    why = (
        _("They are on the telephone now.")
        if channel == Channel.PHONE
        else _("They have written, and are answered now.")
    )
    try:
        return take_over(callback, by=by, why=why)
    except callbacks.PatientOnTheLine:
        return callback


@transaction.atomic
def return_run_out(callback_id: UUID, *, by: Signs = SWEEPER) -> None:
    """A lease that ran out: the call is back in the queue, and the case no longer rings."""
    case = cases.lock(Callback.objects.values_list("case_id", flat=True).get(id=callback_id))
    if callbacks.return_run_out(callback_id, by=by):
        settle(case, by=by)


@transaction.atomic
def lift_passed(callback_id: UUID, *, by: Signs = SWEEPER) -> None:
    """A promise to ring has passed: the call moves up, and the patient is told, once."""
    case = cases.lock(Callback.objects.values_list("case_id", flat=True).get(id=callback_id))
    late = callbacks.lift_passed(callback_id, by=by)
    if late is None:
        return
    cases.touch(case)
    new_time = policy.late_call_by(case.unit.hours, clock.now())
    tell(
        case, "promise-late", occasion=f"{late.id}:{late.due:%Y%m%dT%H%M}", by=by, answers_them=False, call_by=new_time
    )


@transaction.atomic
def finish(
    callback: Callback,
    *,
    by: User,
    outcome: str,
    also: Sequence[str] = (),
    note: str = "",
    advice: Sequence[str] = (),
    slot: Slot | None = None,
    to: User | None = None,
    call_again_on: date | None = None,
    agreed: str = "",
) -> CallOutcome | Callback:
    """The call is over and this is what it led to. Without an outcome nothing closes; `no_answer` only plans the next try.

    The same nurse saying the same again gets the first answer. Raises `Invalid`, `NotYours`, `AlreadyEnded`, `SlotTaken`.
    """
    require(by, "answer_calls")
    case = cases.lock(callback.case_id)
    said_before = CallOutcome.objects.filter(callback_id=callback.id, by=by, outcome=outcome).first()
    if said_before:
        return said_before
    if outcome == "no_answer":
        if len(note) > policy.LONGEST_MESSAGE:
            raise Invalid({"note": policy.too_long()})
        return _nobody_answered(case, callback, note=note, by=by)
    rules, at = case.programme.rules, clock.now()
    held = Appointment.objects.filter(case=case).kept().select_related("slot").first()
    policy.check_outcome(
        rules,
        outcome=outcome,
        also=also,
        note=note,
        agreed=agreed,
        advice=advice,
        has_time=bool(slot or held),
        to=to,
        call_again_on=call_again_on,
        today=case.unit.hours.day_of(at),
    )
    kept = callbacks.finish(
        callback,
        by=by,
        outcome=outcome,
        also=list(also),
        note=note,
        advice=list(advice),
        call_again_on=call_again_on,
        agreed=agreed,
    )
    outcomes = [outcome, *also]
    told = _mind_the_time(case, outcomes, slot, by=by)
    for kind, due in _asks_of(case, outcomes, at).items():
        cases.ask(case, kind, by=by, due=due, owner=to, note=note)
    cases.out_of_risk(case, by=by)
    settle(case, by=by, outcome=outcome)
    if not told:
        tell(case, "agreed", occasion=str(kept.id), by=by)
    crash.commit("contacts.finish")
    return kept


def _mind_the_time(case: Case, outcomes: Sequence[str], slot: Slot | None, *, by: User) -> list[Message]:
    """What the patient is told of a time: it leads to what was agreed as well, and one call brings one message."""
    if "clinic_time" in outcomes:
        booked = clinic.give(slot, case=case, by=by) if slot else clinic.confirm(case=case, by=by)
        return tell_of_time(case, "slot-confirmed", booked, by=by)
    if policy.lets_go_of_time(outcomes):
        clinic.release(case=case, why="not needed", by=by)
    return []


def _asks_of(case: Case, outcomes: Sequence[str], at: datetime) -> dict[str, datetime]:
    rules, hours = case.programme.rules, case.unit.hours
    asks = policy.asks_of(rules, outcomes, hours, at=at)
    held = Appointment.objects.filter(case=case, state="held").kept().select_related("slot").first()
    if held:
        waits = policy.KEEPS_THE_TIME & asks.keys()
        asks |= {kind: policy.answer_before(rules, hours, asks[kind], held.slot.starts_at, at=at) for kind in waits}
    return asks


def _nobody_answered(case: Case, callback: Callback, *, note: str, by: User) -> Callback:
    callback = callbacks.nobody_answered(callback, note=note, by=by)
    settle(case, by=by)
    occasion = f"{callback.id}:{callback.attempts}"  # after a decision to ring again the tries begin anew
    if callback.decide_since:
        tell(case, "call-failed", occasion=occasion, by=by)
    elif callback.unanswered == 1:
        tell(case, "call-missed", occasion=occasion, by=by, time=callback.not_before)
    return callback


@transaction.atomic
def ring_again(callback: Callback, *, by: User, start: datetime | None, why: str) -> Callback:
    """Decided after the last try: we ring again, not before `start`, and count the tries anew."""
    case = cases.lock(callback.case_id)
    callback = callbacks.ring_again(callback, by=by, start=start, why=why)
    settle(case, by=by)
    return callback


@transaction.atomic
def letter_sent(callback: Callback, *, by: User) -> Callback:
    """Decided after the last try: a letter went out. The request stays open, and somebody looks again."""
    case = cases.lock(callback.case_id)
    callback = callbacks.letter_sent(callback, by=by)
    settle(case, by=by)
    return callback


@transaction.atomic
def needs_a_time(callback: Callback, *, by: User) -> None:
    """The nurse has found that this person must be seen, and there is no time: the coordinator is told so at once.

    Who was promised nothing until now is to be seen within the three days from here.
    """
    require(by, "answer_calls")
    case = cases.lock(callback.case_id)
    callbacks.extend(callback, by=by)
    settle(case, by=by)
    contact = case.contact
    if contact.see_by is None:
        contact.see_by = case.unit.hours.moment(case.programme.rules.see_within(), clock.now())
        contact.save(update_fields=["see_by"])
    cases.put_at_risk(case, Shortage.NEEDS_A_TIME, by=by)
