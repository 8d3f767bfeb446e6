"""Reading what is short of time: who is at risk, which free time would do, whose kept time could be traded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case as When
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models import When as If

from followup.callbacks import queries as calls
from followup.callbacks.models import Callback
from followup.cases.models import Case, Shortage
from followup.clinic import queries as times
from followup.clinic.models import GIVEN_BACK, Appointment, Slot, SlotKind, State
from followup.contacts import policy
from followup.contacts.models import Contact
from followup.core import clock
from followup.people.models import Unit

MOST_ASKED = 50
LATER_DAYS = 14
"""How far after the promised day a person may look, on purpose and with a reason."""


def in_order(unit_id: UUID | str) -> QuerySet[Case]:
    """Cases of a unit that were refused a time, in the order in which they are asked again: who must be seen first, then the promise."""
    spoken_with = When(If(shortage=Shortage.NEEDS_A_TIME, then=Value(0)), default=Value(1))
    rows = Case.objects.at_risk().filter(unit_id=unit_id, kind="contact")
    return rows.order_by(spoken_with, F("contact__see_by").asc(nulls_last=True), "at_risk_since", "id")


def _has_or_gave_back() -> Exists:
    """Who holds a time has one; who gave one back is rung first, or the worker would hold the very same time for them again."""
    rows = Appointment.objects.filter(case=OuterRef("pk"))
    return Exists(rows.kept() | rows.filter(ended_why=GIVEN_BACK))


def to_ask_again(unit_id: UUID | str) -> list[UUID]:
    """Ids of cases that may still be seen in time and wait for any time at all, in order."""
    rows = in_order(unit_id).filter(~_has_or_gave_back(), contact__see_by__gt=clock.now())
    return list(rows.values_list("id", flat=True)[:MOST_ASKED])


def units_with_hope() -> list[UUID]:
    """Units in which somebody was refused a time and an urgent one is free before their promised day: an announcement was lost."""
    at = clock.now()
    taken = Appointment.objects.filter(slot=OuterRef("pk")).exclude(state=State.RELEASED)
    free = Slot.objects.filter(
        unit=OuterRef("unit"),
        kind=SlotKind.URGENT,
        closed_at=None,
        session__closed_at=None,
        starts_at__gt=at,
        starts_at__lt=OuterRef("contact__see_by"),
    ).filter(~Exists(taken))
    rows = Case.objects.at_risk().filter(Exists(free), ~_has_or_gave_back(), kind="contact")
    return list(rows.order_by().values_list("unit_id", flat=True).distinct())


def earliest_start(case: Case, callback: Callback | None) -> datetime:
    """The earliest start of a time for a case: long enough after a call that is still owed, or from now where they were spoken with."""
    at = clock.now()
    spoken_with = callback is None or case.shortage == Shortage.NEEDS_A_TIME
    return policy.hold_from(case.programme.rules, call_due=at if spoken_with else max(callback.due, at))


def just_given_back(case: Case) -> datetime | None:
    """When the time begins that the patient of this case has just given back, if there is one."""
    since = clock.now() - policy.NOT_OFFERED_AGAIN
    rows = Appointment.objects.filter(case=case, ended_why=GIVEN_BACK, ended_at__gt=since).order_by("-ended_at")
    return rows.values_list("slot__starts_at", flat=True).first()


@dataclass(frozen=True)
class Ways:
    """What could be given to a case: `inside` its promise, or `later` with a reason; each in order of time."""

    inside: list[Slot]
    later: list[Slot]


def ways_for(case: Case) -> Ways:
    """Free urgent and revisit times that would do for a case."""
    at = clock.now()
    see_by = Contact.objects.values_list("see_by", flat=True).get(case=case)
    start = earliest_start(case, calls.open_of_case(case.id))
    free = list(_free(case.unit, start, max(see_by or at, at) + timedelta(days=LATER_DAYS)))
    inside = [slot for slot in free if see_by and slot.starts_at < see_by]
    return Ways(inside, [slot for slot in free if slot not in inside][:12])


def earliest_for_each(cases: Sequence[Case]) -> dict[UUID, Slot]:
    """For each of these cases of one unit the earliest free time inside its promise; nobody is offered the time of another."""
    contacts = Contact.objects.filter(case__in=[case.id for case in cases], see_by__gt=clock.now())
    see_by = dict(contacts.values_list("case_id", "see_by"))
    if not see_by:
        return {}
    owed = calls.of_cases(list(see_by))
    free = list(_free(cases[0].unit, clock.now(), max(see_by.values())))
    found: dict[UUID, Slot] = {}
    for case in cases:
        if case.id not in see_by:
            continue
        callback = owed.get(case.id)
        start = earliest_start(case, callback if callback and callback.ended_at is None else None)
        fits = (slot for slot in free if start <= slot.starts_at < see_by[case.id])
        if slot := next(fits, None):
            found[case.id] = slot
            free.remove(slot)
    return found


def _free(unit: Unit, start: datetime, end: datetime) -> QuerySet[Slot]:
    return times.free_slots(unit, start=start, end=end).filter(kind__in=[SlotKind.URGENT, SlotKind.REVISIT])


@dataclass(frozen=True)
class Tradable:
    """Somebody's kept time that another needs more, and what its owner would get instead. `priority` of their open call, or None."""

    appointment: Appointment
    contact: Contact
    priority: int | None
    instead: Slot | None


def tradable_for(case: Case) -> list[Tradable]:
    """Kept urgent times that would do for a case, those first whose owners can wait best: who has another time, whose call is less
    urgent, whose promise ends later.
    """
    see_by = Contact.objects.values_list("see_by", flat=True).get(case=case)
    start = earliest_start(case, calls.open_of_case(case.id))
    rows = list(
        Appointment.objects.kept()
        .filter(unit=case.unit_id, slot__kind=SlotKind.URGENT, slot__starts_at__gte=start, case__kind="contact")
        .filter(Q(slot__starts_at__lt=see_by) if see_by else Q())
        .exclude(case=case)
        .select_related("slot__session__person", "slot__unit", "case__contact", "case__programme", "patient")
        .order_by("slot__starts_at", "id")[:MOST_ASKED]
    )
    owed = {id: row for id, row in calls.of_cases([row.case_id for row in rows]).items() if row.ended_at is None}
    last = max((row.case.contact.see_by for row in rows if row.case.contact.see_by), default=None)
    free = list(times.free_slots(case.unit, kind=SlotKind.URGENT, start=clock.now(), end=last)) if last else []
    found = [_tradable(row, owed.get(row.case_id), free) for row in rows]
    return sorted(found, key=_who_waits_best)


def _tradable(row: Appointment, callback: Callback | None, free: list[Slot]) -> Tradable:
    contact, start = row.case.contact, earliest_start(row.case, callback)
    fits = (slot for slot in free if contact.see_by and start <= slot.starts_at < contact.see_by)
    return Tradable(row, contact, callback.priority if callback else None, next(fits, None))


def _who_waits_best(one: Tradable) -> tuple:
    see_by = one.contact.see_by
    return (
        one.instead is None,
        -(one.priority or 0),
        -see_by.timestamp() if see_by else 0,
        one.appointment.slot.starts_at,
    )
