"""Reading the rota and its times."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from followup.clinic.models import Appointment, AppointmentWords, Session, SessionKind, Slot, SlotKind, State
from followup.core import clock
from followup.core.errors import Unknown
from followup.core.reads import prepared
from followup.people.access import patients_visible_to
from followup.people.models import Patient, Unit, User


def nurse_hours(
    unit: Unit, start: datetime, end: datetime, *, besides: Session | None = None
) -> list[tuple[datetime, datetime]]:
    """When somebody sits on the nurse line between two moments; `besides` one session."""
    sessions = Session.objects.filter(
        unit=unit, kind=SessionKind.NURSE_LINE, closed_at=None, ends_at__gt=start, starts_at__lt=end
    )
    if besides:
        sessions = sessions.exclude(id=besides.id)
    return list(sessions.order_by("starts_at").values_list("starts_at", "ends_at"))


def nurse_in_charge(unit: Unit, at: datetime) -> User | None:
    """The nurse so marked on the nurse line at that moment, else the unit's coordinator."""
    marked = Session.objects.filter(
        unit=unit, kind=SessionKind.NURSE_LINE, closed_at=None, in_charge=True, starts_at__lte=at, ends_at__gt=at
    )
    session = marked.select_related("person").first()
    if session:
        return session.person
    return User.objects.filter(
        memberships__unit=unit, memberships__role="coordinator", memberships__ended_on=None, is_active=True
    ).first()


def free_slots(
    unit: Unit, *, start: datetime, end: datetime, kind: str = "", urgent_before: datetime | None = None
) -> QuerySet[Slot]:
    """Slots of a kind, or of all, that nobody has; in order of time. `urgent_before`: urgent ones that start before then do as well."""
    taken = Appointment.objects.filter(slot=OuterRef("pk")).exclude(state=State.RELEASED)
    slots = Slot.objects.filter(
        unit=unit, closed_at=None, session__closed_at=None, starts_at__gte=start, starts_at__lt=end
    )
    if kind:
        suits = Q(kind=kind)
        slots = slots.filter(suits | Q(kind=SlotKind.URGENT, starts_at__lt=urgent_before) if urgent_before else suits)
    return slots.filter(~Exists(taken)).select_related("session__person", "unit").order_by("starts_at", "id")


def end_of_rota(unit: Unit) -> datetime | None:
    """The last moment for which times are laid out."""
    return Slot.objects.filter(unit=unit, closed_at=None).aggregate(end=Max("ends_at"))["end"]


def urgent_left(unit: Unit, until: datetime) -> int:
    """How many urgent times are still free from now until `until`."""
    return free_slots(unit, kind=SlotKind.URGENT, start=clock.now(), end=until).count()


def of_case(case_id: UUID) -> Appointment | None:
    """The time that is held or booked for a case; of those that are over, the latest that was not released."""
    return of_cases([case_id]).get(case_id)


def of_cases(case_ids: list[UUID]) -> dict[UUID, Appointment]:
    """`of_case` for several cases at once, by case id."""
    return {row.case_id: row for row in _live_else_latest(case_ids)}


@prepared
def _live_else_latest(case_ids: list[UUID]) -> QuerySet[Appointment]:
    rows = Appointment.objects.filter(case__id__among=case_ids, choice_until=None).exclude(state=State.RELEASED)
    live_first = rows.order_by("case_id", F("ended_at").desc(nulls_first=True), "-slot__starts_at")
    return live_first.distinct("case_id").select_related("slot__session__person", "slot__unit")


def booked_for(patient: Patient) -> list[Appointment]:
    """Coming times that are booked for a patient, the nearest first."""
    return _booked_from(patient.id, clock.now())


@prepared
def _booked_from(patient_id: UUID, moment: datetime) -> QuerySet[Appointment]:
    coming = Appointment.objects.filter(patient=patient_id, state=State.BOOKED, slot__starts_at__gte=moment)
    return coming.select_related("slot__session__person", "slot__unit", "case").order_by("slot__starts_at")


def appointment_for(user: User, appointment_id: UUID | str) -> Appointment:
    """That appointment, if this person may know of it; else `Unknown`."""
    rows = Appointment.objects.filter(patient__in=patients_visible_to(user)).select_related(
        "slot__session__person", "slot__unit", "case", "patient"
    )
    appointment = rows.filter(id=appointment_id).first()
    if appointment is None:
        raise Unknown
    return appointment


def in_unit(unit: Unit) -> AppointmentWords:
    """Every appointment of a unit, whatever became of it; those that somebody is only looking at are none."""
    rows = Appointment.objects.filter(unit=unit, choice_until=None)
    return rows.select_related("slot__session__person", "slot__unit", "case", "patient")


def slot_for(user: User, slot_id: UUID | str) -> Slot:
    """That slot, if it is of this person's unit; else `Unknown`."""
    slot = Slot.objects.filter(unit=user.unit, id=slot_id).select_related("session__person", "unit").first()
    if slot is None:
        raise Unknown
    return slot


def on_day(unit: Unit, day: date) -> QuerySet[Appointment]:
    """Everybody who has or had a time at the clinic on a day, in order of time; times that somebody is only looking at left out."""
    start = datetime.combine(day, time(), unit.zone)
    rows = Appointment.objects.filter(
        unit=unit, choice_until=None, slot__starts_at__gte=start, slot__starts_at__lt=start + timedelta(days=1)
    ).exclude(state=State.RELEASED)
    return rows.select_related("slot__session__person", "slot__unit", "case__programme", "patient").order_by(
        "slot__starts_at", "slot__session__person__name", "id"
    )


def all_of(patient: Patient, limit: int = 20) -> QuerySet[Appointment]:
    """Times that a patient has or had, the latest first; those let go and those only looked at left out."""
    rows = Appointment.objects.filter(patient=patient, choice_until=None).exclude(state=State.RELEASED)
    return rows.select_related("slot__session__person", "slot__unit").order_by("-slot__starts_at")[:limit]


def lapsed_choices(limit: int = 100) -> list[UUID]:
    """Ids of times held by somebody who was choosing, and did not."""
    lapsed = Appointment.objects.filter(choice_until__lte=clock.now(), state=State.HELD)
    return list(lapsed.values_list("id", flat=True)[:limit])


def session_for(user: User, session_id: UUID | str) -> Session:
    """That session, if it is of this person's unit; else `Unknown`."""
    session = Session.objects.filter(unit=user.unit, id=session_id).select_related("person", "unit").first()
    if session is None:
        raise Unknown
    return session


def kept_in(session: Session) -> list[Appointment]:
    """Who has a coming time in a session, held or booked, in order of time."""
    rows = Appointment.objects.kept().filter(slot__session=session, slot__starts_at__gt=clock.now())
    return list(rows.select_related("slot__unit", "slot__session", "case", "patient").order_by("slot__starts_at", "id"))
