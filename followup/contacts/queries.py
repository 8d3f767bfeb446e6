"""Reading contacts: where one stands, with everything that belongs to it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from followup.callbacks import queries as calls
from followup.callbacks.models import Attempt, Callback, CallOutcome, State
from followup.cases.models import Ask, Case
from followup.cases.queries import open_contact_of, visible_to
from followup.clinic import queries as times
from followup.clinic.models import Appointment, Slot, SlotKind
from followup.clinic.models import State as TimeState
from followup.clinic.policy import others_may_use_urgent_until
from followup.contacts.models import Addition, Contact, Draft
from followup.contacts.policy import Facts, hold_from, is_taken_back
from followup.core import clock
from followup.core.errors import Unknown
from followup.core.reads import prepared
from followup.people.access import may, require, unit_of
from followup.people.models import Enrolment, Patient, Unit, User
from followup.people.queries import enrolment_of, programme_at
from followup.programmes.models import Programme
from followup.programmes.schema import Rules

Row = TypeVar("Row")


@dataclass(frozen=True)
class Standing:
    """Where a contact stands: the rows around it, read once.

    `callback` is the open one, else the latest; `appointment` the one held or booked, else the latest that took place or was missed.
    """

    contact: Contact
    case: Case
    callback: Callback | None
    appointment: Appointment | None
    outcomes: list[CallOutcome] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    additions: list[Addition] = field(default_factory=list)

    @property
    def rules(self) -> Rules:
        return self.case.programme.rules

    @property
    def patient(self) -> Patient:
        return self.case.patient

    @property
    def call_is_open(self) -> bool:
        return self.callback is not None and self.callback.ended_at is None

    @property
    def kept_time(self) -> Appointment | None:
        """The time that is held or booked now."""
        live = self.appointment and self.appointment.state in (TimeState.HELD, TimeState.BOOKED)
        return self.appointment if live else None

    @property
    def took_back(self) -> bool:
        """The last word about signs that cannot wait is that there is none."""
        return is_taken_back(addition.kind for addition in self.additions)

    @cached_property
    def promise_passed(self) -> bool:
        return self.case.closed is None and self.case.due is not None and self.case.due < clock.now()


def standing(case: Case) -> Standing:
    """The standing of a case of kind contact."""
    return standings([case])[0]


def standings(cases: Sequence[Case]) -> list[Standing]:
    """The standing of each of these cases, in their order; as many reads for a hundred as for one."""
    ids = [case.id for case in cases]
    contacts = {row.case_id: row for row in _contacts_of(ids)}
    callbacks, appointments = calls.of_cases(ids), times.of_cases(ids)
    outcomes = _by_case(calls.outcomes_of_cases(ids), lambda row: row.callback.case_id)
    asked = _by_case(_asks_of(ids), lambda row: row.case_id)
    added = _by_case(_additions_of(ids), lambda row: row.contact.case_id)
    return [
        Standing(
            contact=contacts[case.id],
            case=case,
            callback=callbacks.get(case.id),
            appointment=appointments.get(case.id),
            outcomes=outcomes[case.id],
            asks=asked[case.id],
            additions=added[case.id],
        )
        for case in cases
    ]


@prepared
def _contacts_of(case_ids: list[UUID]) -> QuerySet[Contact]:
    return Contact.objects.filter(case__id__among=case_ids).select_related("entered_by", "follows")


@prepared
def _asks_of(case_ids: list[UUID]) -> QuerySet[Ask]:
    return Ask.objects.filter(case__id__among=case_ids).select_related("owner", "answered_by").order_by("created_at")


@prepared
def _additions_of(case_ids: list[UUID]) -> QuerySet[Addition]:
    rows = Addition.objects.filter(contact__case__id__among=case_ids)
    return rows.select_related("by", "contact").order_by("at")


def _by_case(rows: Iterable[Row], case_of: Callable[[Row], UUID]) -> defaultdict[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[case_of(row)].append(row)
    return found


def standing_for(user: User, contact_id: UUID | str) -> Standing:
    """Where that contact stands, if this person may know of it; else `Unknown`."""
    case = visible_to(user).filter(contact__id=contact_id).first()
    if case is None:
        raise Unknown
    return standing(case)


def standing_at_first(contact: Contact) -> Standing:
    """Where a request stands that was made this moment, from the rows at hand: nothing but its call belongs to it yet."""
    return Standing(contact, contact.case, calls.open_of_case(contact.case_id), appointment=None)


@dataclass(frozen=True)
class Briefing:
    """What a nurse has before them when they ring: the story so far, the person and their plan. `earlier`: newest first."""

    callback: Callback
    standing: Standing
    tries: list[Attempt]
    enrolment: Enrolment | None
    booked: list[Appointment]
    earlier: list[Standing]

    @property
    def patient(self) -> Patient:
        return self.standing.patient


def briefing(callback: Callback) -> Briefing:
    """Everything about a call and whom it is to, in a fixed number of reads."""
    case = callback.case
    case.patient, case.unit = callback.patient, callback.unit  # read with the call
    told = standings([case, *_contacts_before(case.patient_id, case.opened)])
    return Briefing(
        callback=callback,
        standing=told[0],
        tries=_tries_of(case.id),
        enrolment=enrolment_of(callback.patient),
        booked=times.booked_for(callback.patient),
        earlier=told[1:],
    )


_tries_of = prepared(calls.tries_of_case)
EARLIER = 5
"""So many earlier contacts stand on the page of a call."""


@prepared
def _contacts_before(patient_id: UUID, moment: datetime) -> QuerySet[Case]:
    before = Case.objects.filter(patient=patient_id, kind="contact", opened__lt=moment)
    before = before.select_related("patient", "unit", "programme")
    return before.order_by("-opened")[:EARLIER]


def facts_of(case: Case) -> Facts:
    """The rows that decide the step of a contact."""
    callback = calls.open_of_case(case.id)
    ask, appointment = _asked_of.first(case.id), _booked_of.first(case.id)
    return Facts(
        call_open=callback is not None,
        call_laid=callback is not None and callback.window_start is not None,
        on_the_line=callback is not None and callback.state == State.CLAIMED and callback.dialled_at is not None,
        unanswered=callback is not None and callback.unanswered > 0,
        to_decide=callback is not None and callback.decide_since is not None,
        call_due=callback.due if callback else None,
        asked_due=ask.due if ask else None,
        booked_for=appointment.slot.starts_at if appointment else None,
    )


@prepared
def _asked_of(case_id: UUID) -> QuerySet[Ask]:
    return Ask.objects.filter(case=case_id, answered_at=None).order_by("due")[:1]


@prepared
def _booked_of(case_id: UUID) -> QuerySet[Appointment]:
    return Appointment.objects.filter(case=case_id, state=TimeState.BOOKED).select_related("slot")[:1]


def times_for(case: Case, *, limit: int = 24, start: datetime | None = None) -> list[Slot]:
    """Free times a nurse may give: urgent and revisit ones inside the three days of a flare-up, else the coming revisit ones, and the
    urgent ones that have fallen to other kinds.
    """
    at = clock.now()
    start = max(start or at, at)
    see_by = Contact.objects.filter(case=case).values_list("see_by", flat=True).first()
    if see_by and see_by > at:
        urgent = times.free_slots(case.unit, kind=SlotKind.URGENT, start=start, end=see_by)
        revisit = times.free_slots(case.unit, kind=SlotKind.REVISIT, start=start, end=see_by)
        return sorted([*urgent[:limit], *revisit[:limit]], key=lambda slot: slot.starts_at)[:limit]
    horizon = times.end_of_rota(case.unit)
    if horizon is None:
        return []
    # An urgent time that nobody has needed until the day before is given to somebody who comes for another reason.
    fallen = others_may_use_urgent_until(case.programme.rules, case.unit.hours, at)
    free = times.free_slots(case.unit, kind=SlotKind.REVISIT, start=start, end=horizon, urgent_before=fallen)
    return list(free[:limit])


def slots_for(user: User, *, start: datetime, end: datetime, kind: str = "") -> QuerySet[Slot]:
    """Free times that this person may give or take: staff those of their unit, a patient those that suit their open request."""
    if may(user, "give_times"):
        return times.free_slots(unit_of(user), kind=kind, start=start, end=end)
    require(user, "get_in_touch")
    case = open_contact_of(user.as_patient)
    suits = [slot.id for slot in times_to_choose(case)] if case else []
    return times.free_slots(unit_of(user), kind=kind, start=start, end=end).filter(id__in=suits)


MOST_TO_CHOOSE = 200


def times_to_choose(case: Case) -> list[Slot]:
    """Times that a patient may choose: free ones a nurse may give, long enough after a call that is still owed; and the one that is
    kept for them while they decide.
    """
    callback, at = calls.open_of_case(case.id), clock.now()
    earliest = hold_from(case.programme.rules, call_due=max(callback.due, at)) if callback else at
    found = times_for(case, limit=MOST_TO_CHOOSE, start=earliest)
    choice = choice_of(case)
    if choice and choice.slot.starts_at >= earliest:
        found = sorted([*found, choice.slot], key=lambda slot: (slot.starts_at, slot.id))
    return found


def choice_of(case: Case) -> Appointment | None:
    """The time that somebody is looking at for this case, kept for ten minutes."""
    rows = Appointment.objects.filter(case=case, state=TimeState.HELD).exclude(choice_until=None)
    return rows.select_related("slot__session__person", "slot__unit").first()


def kept_to_move(limit: int = 100) -> list[UUID]:
    """Cases whose held time starts before the call that decides over it can be over, or has begun without it."""
    at = clock.now()
    due = Callback.objects.open().filter(case=OuterRef("case")).values("due")[:1]
    found: list[UUID] = []
    for programme in Programme.objects.all():
        hold = programme.rules.hold_after_due()
        soon = Q(slot__starts_at__lt=at + hold) | Q(slot__starts_at__lt=F("call_due") + hold)
        rows = Appointment.objects.kept().filter(state=TimeState.HELD, case__programme=programme, case__closed=None)
        rows = rows.annotate(call_due=Subquery(due)).filter(
            Q(slot__starts_at__lte=at) | (Q(call_due__isnull=False) & soon)
        )
        found += rows.order_by("slot__starts_at").values_list("case_id", flat=True)[:limit]
    return found[:limit]


def held_near(unit: Unit) -> QuerySet[Case]:
    """Open cases whose time is still only held so near its start that a person must decide; the nearest first.

    `held_for_at` is when that time starts. How near: `slots.warn_open_hours_before_held` of the programme.
    """
    at, programme = clock.now(), programme_at(unit)
    rows = Case.objects.open().filter(unit=unit)
    if programme is None:
        return rows.none()
    near = unit.hours.add_open(at, programme.rules.slots.warn_open_hours_before_held)
    held = Appointment.objects.kept().filter(
        case=OuterRef("pk"), state=TimeState.HELD, slot__starts_at__gt=at, slot__starts_at__lte=near
    )
    rows = rows.annotate(held_for_at=Subquery(held.values("slot__starts_at")[:1])).filter(held_for_at__isnull=False)
    rows = rows.select_related("patient", "programme", "contact")
    return rows.order_by("held_for_at", "id")


def seen_in_time(since: datetime) -> calls.Kept:
    """Of the flare-ups whose first time was marked since then, those for whom it lay within the three days.

    Also one that the patient did not come to was given in time; one that they themselves moved further off was not.
    """
    given = Appointment.objects.filter(state__in=[TimeState.ATTENDED, TimeState.MISSED])
    before = given.filter(case=OuterRef("case"), slot__starts_at__lt=OuterRef("slot__starts_at"))
    firsts = given.filter(ended_at__gte=since, case__contact__see_by__isnull=False).exclude(Exists(before))
    in_time = Q(slot__starts_at__lte=F("case__contact__see_by"))
    return calls.Kept(**firsts.aggregate(yes=Count("id", filter=in_time), no=Count("id", filter=~in_time)))


UNMARKED_AFTER = timedelta(hours=1)


def unmarked(unit: Unit) -> QuerySet[Appointment]:
    """Booked times that ended more than an hour ago, of which nobody has said whether the patient came; the oldest first."""
    over = Appointment.objects.filter(
        unit=unit, state=TimeState.BOOKED, slot__ends_at__lte=clock.now() - UNMARKED_AFTER
    )
    return over.select_related("slot__session__person", "slot__unit", "case", "patient").order_by(
        "slot__starts_at", "id"
    )


def latest_of(patient: Patient) -> Case | None:
    """The open request of a patient, else the latest."""
    return _open_else_latest.first(patient.id)


@prepared
def _open_else_latest(patient_id: UUID) -> QuerySet[Case]:
    cases = Case.objects.filter(patient=patient_id, kind="contact").select_related("unit", "programme", "patient")
    return cases.order_by(F("closed").desc(nulls_first=True))[:1]


def earlier_contacts(patient: Patient, *, before: datetime, limit: int = 5) -> list[Contact]:
    """The contacts that a patient had before, newest first."""
    rows = Contact.objects.filter(case__patient=patient, received_at__lt=before).select_related("case__programme")
    return list(rows.order_by("-received_at")[:limit])


def draft_of(patient: Patient) -> dict:
    """What a patient has typed and not sent."""
    return Draft.objects.filter(patient=patient).values_list("answers", flat=True).first() or {}
