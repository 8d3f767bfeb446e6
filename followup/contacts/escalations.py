"""Reading what cannot wait until somebody opens a page: which causes hold, whose turn it is to be told, and where."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from followup.callbacks.models import Callback, CallbackWords
from followup.callbacks.models import State as CallState
from followup.cases.models import Case
from followup.clinic.models import Appointment, State
from followup.clinic.queries import nurse_in_charge
from followup.contacts.models import Cause, Escalation
from followup.contacts.queries import held_near
from followup.core import clock
from followup.messages.services import StaffAddress
from followup.people.models import Role, Unit, User
from followup.people.queries import staff_of
from followup.programmes.schema import Rules

AT_ANY_HOUR = frozenset({Cause.RED_FLAG, Cause.AT_RISK})
"""Told also on a Sunday, to the unit's on-call address. The rest waits for the clinic to open."""
SHORTAGES = frozenset({Cause.AT_RISK, Cause.HELD_TIME_NEAR})
"""What the coordinator can do something about."""


def causes_of(case_id: UUID | None = None) -> dict[tuple[UUID, str], Case]:
    """Every case (or that one) about which somebody must be told, by case id and cause."""
    only = {"id": case_id} if case_id else {}
    of_it = {"case_id": case_id} if case_id else {}
    at = clock.now()
    found: dict[tuple[UUID, str], Case] = {}
    at_risk = Case.objects.at_risk().filter(kind="contact", **only).select_related("unit", "programme")
    found |= {(case.id, Cause.AT_RISK.value): case for case in at_risk}
    calls = Callback.objects.filter(**of_it).select_related("case__unit", "case__programme", "case__contact")
    for call in _flagged(calls, at):
        found[call.case_id, Cause.RED_FLAG.value] = call.case
    for call in calls.waiting().late(at):
        if call.due + timedelta(minutes=_rules(call.case).escalation.late_after_minutes) <= at:
            found[call.case_id, Cause.LATE.value] = call.case
    for call in calls.to_decide():
        flags = call.case.contact.answers.get("red_flags", [])
        if _rules(call.case).nurse_in_charge_decides(call.reason, flags):
            found[call.case_id, Cause.TO_DECIDE.value] = call.case
    return found | {(case.id, Cause.HELD_TIME_NEAR.value): case for case in _held_near(at, case_id)}


def _held_near(at: datetime, case_id: UUID | None) -> Iterator[Case]:
    """Cases whose held time is near while nobody has taken the call."""
    soon = Appointment.objects.kept().filter(state=State.HELD, slot__starts_at__gt=at)
    soon = soon.filter(slot__starts_at__lt=at + timedelta(days=7), **({"case_id": case_id} if case_id else {}))
    taken = Callback.objects.filter(case=OuterRef("pk"), state=CallState.CLAIMED)
    for unit in Unit.objects.filter(id__in=soon.values("unit_id")):
        near = held_near(unit).filter(~Exists(taken))
        yield from near.filter(id=case_id) if case_id else near


def to_tell() -> list[tuple[UUID, str]]:
    """What the sweep has to look at: causes that hold and are new or due to be told again, and rows whose cause is gone."""
    at, holding = clock.now(), causes_of()
    may: dict[tuple[UUID, str], bool] = {}
    rows = {(row.case_id, row.cause): row for row in Escalation.objects.filter(ended_at=None)}
    gone = [pair for pair in rows if pair not in holding]
    due = {pair: case for pair, case in holding.items() if is_due(rows.get(pair), _rules(case), at)}
    for (_case_id, cause), case in due.items():
        if (case.unit_id, cause) not in may:
            # Without any address nobody can be told, however often one tries: the alerts page says so.
            may[case.unit_id, cause] = may_be_told_now(case.unit, cause, at) and bool(addresses(case.unit, cause, at))
    return gone + [pair for pair, case in due.items() if may[case.unit_id, pair[1]]]


def is_due(row: Escalation | None, rules: Rules, at: datetime) -> bool:
    if row is None or row.told_at is None:
        return True
    again_at = row.told_at + timedelta(minutes=rules.escalation.repeat_minutes)
    return row.times_told < rules.escalation.most and again_at <= at


def may_be_told_now(unit: Unit, cause: str, at: datetime) -> bool:
    return cause in AT_ANY_HOUR or unit.hours.is_open(at)


def addresses(unit: Unit, cause: str, at: datetime) -> list[StaffAddress]:
    """Where to tell it: to the nurse in charge, of a shortage also to the coordinator; while the clinic is closed, or where none of them
    has an address, to the unit's on-call address. Is there none either, to whoever of them can be reached at all.
    """
    on_duty = [nurse_in_charge(unit, at), *(staff_of(unit, Role.COORDINATOR) if cause in SHORTAGES else [])]
    theirs, on_call = _of_people(on_duty), _on_call(unit)
    return theirs or on_call if unit.hours.is_open(at) else on_call or theirs


def _of_people(people: Iterable[User | None]) -> list[StaffAddress]:
    found = {}
    for person in filter(None, people):
        for channel, to in (("sms", person.phone), ("email", person.email)):
            if to:
                found[person.id, channel] = StaffAddress(str(person.id), channel, to, person.language)
    return list(found.values())


def _on_call(unit: Unit) -> list[StaffAddress]:
    where = (("sms", unit.on_call_phone), ("email", unit.on_call_email))
    return [StaffAddress("on-call", channel, to, unit.language) for channel, to in where if to]


def red_flags(unit: Unit) -> QuerySet[Callback]:
    """Calls of the first priority that wait to be taken, the first promised first; not the late ones, which have a list of their own."""
    rows = _flagged(Callback.objects.of_unit(unit), clock.now()).filter(due__gte=clock.now())
    return rows.select_related("case__programme", "patient").order_by("due", "id")


def _flagged(calls: CallbackWords, at: datetime) -> CallbackWords:
    return calls.waiting().filter(priority=1, not_before__lte=at, decide_since=None)


@dataclass(frozen=True)
class Told:
    """When somebody was last told outside the page, and how often; `in_vain`: as often as the programme says, and nobody took it."""

    at: datetime
    times: int
    in_vain: bool


def told_of(unit: Unit) -> dict[UUID, Told]:
    """What was told outside the page of the cases that still wait, by case id."""
    rows = Escalation.objects.filter(case__unit=unit, ended_at=None, told_at__isnull=False)
    return {
        row.case_id: Told(row.told_at, row.times_told, row.times_told >= _rules(row.case).escalation.most)
        for row in rows.select_related("case__programme").order_by("times_told", "told_at")
    }


def silence(unit: Unit) -> str:
    """Who would not hear: `nobody` outside the page at any hour, `closed` while the clinic is closed; empty when all is well.

    A coordinator's own address counts for the hours in which the clinic is open.
    """
    if _on_call(unit):
        return ""
    return "closed" if _of_people(staff_of(unit, Role.COORDINATOR)) else "nobody"


def _rules(case: Case) -> Rules:
    return case.programme.rules
