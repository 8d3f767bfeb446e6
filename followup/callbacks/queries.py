"""Reading the queue."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, Min, Q, QuerySet

from followup.callbacks.models import Attempt, Callback, CallbackWords, CallOutcome, State
from followup.core import clock
from followup.core.errors import Unknown
from followup.core.reads import prepared
from followup.people.access import MAY, may, unit_of
from followup.people.models import Patient, Unit, User


@dataclass(frozen=True)
class Numbers:
    """The head of the queue: the same numbers on list, board and badge."""

    waiting: int
    late: int
    mine: int
    to_decide: int
    oldest: datetime | None


def _may_be_rung(at: datetime) -> Q:
    return Q(state=State.WAITING, not_before__lte=at, decide_since=None)


def _is_late(at: datetime) -> Q:
    return Q(due__lt=at, decide_since=None)


def in_queue(unit: Unit) -> CallbackWords:
    """Everything that waits or is being rung at this unit, in the order in which it is rung."""
    return Callback.objects.open().of_unit(unit).select_related("case", "patient", "claimed_by", "handed_by").in_order()


def in_unit(unit: Unit, *, state: str = "") -> CallbackWords:
    """Calls of a unit in a state, or all that are open."""
    rows = Callback.objects.of_unit(unit).select_related("case", "patient", "claimed_by")
    return rows.filter(state=state) if state else rows.open()


def numbers(unit: Unit, user: User) -> Numbers:
    """`waiting` may be rung now, `late` has a passed promise, `oldest` is the arrival of whoever has waited longest."""
    at = clock.now()
    ready = _may_be_rung(at)
    found = (
        Callback.objects.open()
        .of_unit(unit)
        .aggregate(
            waiting=Count("id", filter=ready),
            late=Count("id", filter=_is_late(at)),
            mine=Count("id", filter=Q(claimed_by=user, lease_until__gt=at)),
            to_decide=Count("id", filter=Q(decide_since__isnull=False) & (Q(letter_sent_at=None) | Q(due__lte=at))),
            oldest=Min("arrived_at", filter=ready),
        )
    )
    return Numbers(**found)


@dataclass(frozen=True)
class Level:
    """The calls of one priority, over all units: as in `Numbers`."""

    waiting: int
    late: int
    oldest: datetime | None


def levels() -> dict[int, Level]:
    """How the queue stands by priority, 1 to 5, for whoever looks after the machine."""
    at = clock.now()
    ready = _may_be_rung(at)
    found = (
        Callback.objects.open()
        .order_by()
        .values("priority")
        .annotate(
            waiting=Count("id", filter=ready),
            late=Count("id", filter=_is_late(at)),
            oldest=Min("arrived_at", filter=ready),
        )
    )
    rows = {row.pop("priority"): Level(**row) for row in found}
    return {priority: rows.get(priority, Level(0, 0, None)) for priority in range(1, 6)}


@dataclass(frozen=True)
class Kept:
    """How often a promise was kept, and how often it was not."""

    yes: int
    no: int


def rung_in_time(since: datetime) -> Kept:
    """Of the calls first tried since then, those that were tried within the promise. Later tries have a promise of their own."""
    first = Attempt.objects.filter(number=1, at__gte=since, promised_at__isnull=False)
    in_time = Q(at__lte=F("promised_at"))
    return Kept(**first.aggregate(yes=Count("id", filter=in_time), no=Count("id", filter=~in_time)))


def late(unit: Unit) -> CallbackWords:
    """Open calls of which the promise has passed, the longest first."""
    rows = Callback.objects.of_unit(unit).late(clock.now())
    rows = rows.select_related("case__programme", "patient", "claimed_by", "handed_by")
    return rows.order_by("due", "id")


def to_decide(unit: Unit) -> CallbackWords:
    """Calls that wait for a person's decision after the last try, the longest first; not those that a letter is out for."""
    rows = Callback.objects.of_unit(unit).to_decide_now(clock.now())
    rows = rows.select_related("case__programme", "patient", "claimed_by")
    return rows.order_by("decide_since", "id")


def came_while_closed(unit: Unit) -> CallbackWords:
    """The calls still owed to those who got in touch since the clinic last closed: of the night, or the weekend."""
    return in_queue(unit).filter(arrived_at__gte=unit.hours.last_closed(clock.now()))


def next_planned(unit: Unit) -> datetime | None:
    """When the next call that cannot be made yet may be made."""
    later = Callback.objects.waiting().of_unit(unit).filter(not_before__gt=clock.now(), decide_since=None)
    return later.aggregate(next=Min("not_before"))["next"]


def callback_for(user: User, callback_id: UUID | str) -> Callback:
    """That callback, if this person answers calls at its unit; else `Unknown`."""
    if not may(user, "answer_calls"):
        raise Unknown
    callback = _of_a_unit.first(unit_of(user).id, UUID(str(callback_id)))
    if callback is None:
        raise Unknown
    callback.patient.unit = callback.unit
    return callback


@prepared
def _of_a_unit(unit_id: UUID, callback_id: UUID) -> QuerySet[Callback]:
    rows = Callback.objects.filter(unit=unit_id, id=callback_id)
    return rows.select_related("case__programme", "patient", "unit", "claimed_by")


def held_by(user: User) -> list[Callback]:
    """The calls that somebody has in hand, also those whose lease has just run out; the oldest claim first."""
    rows = Callback.objects.filter(claimed_by=user, state=State.CLAIMED).select_related("case__programme", "patient")
    return list(rows.order_by("claimed_at"))


def colleagues_of(user: User) -> QuerySet[User]:
    """Who else answers calls where this person works, by name; `works_as` is the role."""
    found = User.objects.filter(
        is_active=True,
        memberships__unit=unit_of(user),
        memberships__role__in=MAY["answer_calls"],
        memberships__ended_on=None,
    )
    return found.exclude(id=user.id).annotate(works_as=F("memberships__role")).order_by("name")


def open_of_patients(patient_ids: list[UUID]) -> dict[UUID, Callback]:
    """The call that is owed to each of these patients, by patient id: one that somebody has before one that waits."""
    rows = Callback.objects.open().filter(patient_id__in=patient_ids)
    rows = rows.select_related("case__programme", "claimed_by", "handed_by")
    return {row.patient_id: row for row in rows.order_by("-state", "-due")}


def open_of_case(case_id: UUID) -> Callback | None:
    return _open_of_case.first(case_id)


@prepared
def _open_of_case(case_id: UUID) -> QuerySet[Callback]:
    return Callback.objects.open().filter(case=case_id)


def latest_of_case(case_id: UUID) -> Callback | None:
    return Callback.objects.filter(case_id=case_id).order_by("-arrived_at").first()


def of_cases(case_ids: list[UUID]) -> dict[UUID, Callback]:
    """The open callback of each of these cases, else its latest, by case id."""
    return {row.case_id: row for row in _open_else_latest(case_ids)}


@prepared
def _open_else_latest(case_ids: list[UUID]) -> QuerySet[Callback]:
    rows = Callback.objects.filter(case__id__among=case_ids).select_related("claimed_by")
    return rows.order_by("case_id", F("ended_at").desc(nulls_first=True)).distinct("case_id")


@prepared
def outcomes_of_cases(case_ids: list[UUID]) -> QuerySet[CallOutcome]:
    """What the calls of some cases led to, newest first."""
    rows = CallOutcome.objects.filter(callback__case__id__among=case_ids)
    return rows.select_related("by", "callback").order_by("-at")


def latest_outcome_of(patient: Patient) -> CallOutcome | None:
    """What the last call with this patient led to, whichever case it belonged to."""
    said = CallOutcome.objects.filter(callback__patient=patient).select_related("callback__case__programme")
    return said.order_by("-at").first()


def tries_of_case(case_id: UUID) -> QuerySet[Attempt]:
    return Attempt.objects.filter(callback__case_id=case_id).select_related("by").order_by("at")


def run_out(limit: int = 100) -> list[UUID]:
    """Ids of claimed callbacks whose lease has run out."""
    gone = Callback.objects.filter(state=State.CLAIMED, lease_until__lte=clock.now())
    return list(gone.order_by("lease_until").values_list("id", flat=True)[:limit])


def promise_passed(limit: int = 100) -> list[UUID]:
    """Ids of open callbacks whose promise has passed and that were not lifted for it yet."""
    passed = Callback.objects.late(clock.now()).filter(lifted_at=None)
    return list(passed.order_by("due").values_list("id", flat=True)[:limit])
