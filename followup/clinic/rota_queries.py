"""Reading the rota: a week at a time, what is missing from it, and the template it is laid from."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median_high
from uuid import UUID

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from followup.clinic.models import Appointment, Session, SessionKind, Slot, SlotKind, State, TemplateLine
from followup.core import clock
from followup.core.errors import Unknown
from followup.people.models import Unit, User

WEEKS_BACK = 8
USED = (State.BOOKED, State.ATTENDED, State.MISSED)


def slots_with_state() -> QuerySet[Slot]:
    """Slots in order of time; `taken` is the state of the appointment that has it, or None."""
    has_it = Appointment.objects.filter(slot=OuterRef("pk")).exclude(state=State.RELEASED)
    return Slot.objects.annotate(taken=Subquery(has_it.values("state")[:1])).order_by("starts_at", "opened_why", "id")


def sessions_between(unit: Unit, first: date, last: date) -> list[Session]:
    """The sessions of some days, the closed ones too, in order of time; `times` are the slots of each that can still be given or are."""
    start, end = (datetime.combine(day, time(), unit.zone) for day in (first, last + timedelta(days=1)))
    sessions = Session.objects.filter(unit=unit, starts_at__gte=start, starts_at__lt=end).select_related("person")
    slots = slots_with_state().filter(closed_at=None)
    return list(sessions.prefetch_related(Prefetch("slots", slots, to_attr="times")).order_by("starts_at", "id"))


def slots_of(session: Session) -> list[Slot]:
    """Every slot of a session, with `taken`, and those who have or had the times in `kept`."""
    kept = Appointment.objects.filter(choice_until=None).exclude(state=State.RELEASED).select_related("patient")
    slots = slots_with_state().filter(session=session)
    return list(slots.prefetch_related(Prefetch("appointments", kept, to_attr="kept")))


@dataclass(frozen=True)
class Gap:
    """What a day lacks: urgent times (`there` of `need`), or with no `need` a nurse on the line."""

    day: date
    there: int = 0
    need: int = 0


def gaps(unit: Unit, days: list[date], sessions: list[Session]) -> list[Gap]:
    """What is missing on the open days from today on, given the sessions of those days."""
    usual, today = usual_urgent_need(unit), unit.hours.day_of(clock.now())
    urgent: Counter[date] = Counter()
    nurse: set[date] = set()
    for session in sessions:
        if session.closed_at:
            continue
        day = unit.hours.day_of(session.starts_at)
        urgent[day] += sum(slot.kind == SlotKind.URGENT for slot in session.times)  # type: ignore[attr-defined]
        if session.kind == SessionKind.NURSE_LINE:
            nurse.add(day)
    found = []
    for day in days:
        if day < today or not unit.hours.spans(day):
            continue
        if day not in nurse:
            found.append(Gap(day))
        if urgent[day] < (need := usual.get(day.weekday(), 0)):
            found.append(Gap(day, there=urgent[day], need=need))
    return found


def usual_urgent_need(unit: Unit) -> dict[int, int]:
    """How many urgent times a weekday usually needs: the median of those used (booked, whether or not the patient came) on that weekday in
    the last eight weeks, the higher of the two middle ones. Days on which no urgent time was laid tell nothing; a weekday without any is
    not in the answer: nothing is claimed that nobody knows.
    """
    today = unit.hours.day_of(clock.now())
    start, end = (datetime.combine(day, time(), unit.zone) for day in (today - timedelta(weeks=WEEKS_BACK), today))
    laid = Slot.objects.filter(unit=unit, kind=SlotKind.URGENT, starts_at__gte=start, starts_at__lt=end)
    used_ids = set(Appointment.objects.filter(slot__in=laid, state__in=USED).values_list("slot_id", flat=True))
    used: Counter[date] = Counter()
    days = set()
    for slot_id, starts_at in laid.values_list("id", "starts_at"):
        day = unit.hours.day_of(starts_at)
        days.add(day)
        used[day] += slot_id in used_ids
    by_weekday: defaultdict[int, list[int]] = defaultdict(list)
    for day in days:
        by_weekday[day.weekday()].append(used[day])
    return {weekday: median_high(counts) for weekday, counts in by_weekday.items()}


def template_of(unit: Unit) -> list[TemplateLine]:
    """The weekly template, Monday first, each day in order of time."""
    lines = TemplateLine.objects.filter(unit=unit, ended_at=None).select_related("person", "unit")
    return list(lines.order_by("weekday", "starts", "person__name", "id"))


def line_for(user: User, line_id: UUID | str) -> TemplateLine:
    """That line, if it is of this person's unit; else `Unknown`."""
    line = TemplateLine.objects.filter(unit=user.unit, id=line_id).select_related("person", "unit").first()
    if line is None:
        raise Unknown
    return line
