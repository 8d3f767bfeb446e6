"""Who works when, and which times can be given."""

from datetime import datetime, time, timedelta

from django.db import transaction

from followup.clinic import template
from followup.clinic.models import Session, SessionKind, Slot
from followup.clinic.services.openings import time_freed
from followup.core import clock, journal
from followup.core.journal import Signs, System
from followup.people.models import Role, Unit, User
from followup.people.queries import staff_of

ROTA = System("rota")


@transaction.atomic
def add_session(
    *,
    unit: Unit,
    person: User,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    by: Signs,
    room: str = "",
    in_charge: bool = False,
    slots: list[tuple[str, datetime, datetime]] | None = None,
) -> Session:
    """Put a person on the rota, with the times (`kind, start, end`) that can be given in it."""
    session = _add(
        unit=unit,
        person=person,
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        room=room,
        in_charge=in_charge,
        slots=slots,
        by=by,
    )
    if slots:
        time_freed(unit)
    return session


def _add(*, unit, person, kind, starts_at, ends_at, by, room="", in_charge=False, slots=None) -> Session:
    session = Session.objects.create(
        unit=unit, person=person, kind=kind, starts_at=starts_at, ends_at=ends_at, room=room, in_charge=in_charge
    )
    Slot.objects.bulk_create(
        Slot(session=session, unit=unit, kind=each, starts_at=start, ends_at=end) for each, start, end in slots or []
    )
    journal.write("session.added", by=by, unit_id=unit.id, subject_id=session.id, kind=kind)
    return session


def lay_out_everywhere(*, by: Signs = ROTA) -> int:
    """Keep the rota of every unit laid out ahead; how many sessions are new. Done each night."""
    return sum(lay_out(unit, by=by) for unit in Unit.objects.all())


@transaction.atomic
def lay_out(unit: Unit, *, by: Signs, weeks: int = template.WEEKS) -> int:
    """Lay the weekly template for everybody who works at the unit, from today `weeks` ahead; how many sessions are new.

    Safe to repeat: a session that stands is left alone, also one that was closed, and a day with a nurse in charge keeps her.
    """
    today = unit.hours.day_of(clock.now())
    days = [today + timedelta(days=ahead) for ahead in range(weeks * 7 + 1)]
    ahead_only = Session.objects.filter(unit=unit, starts_at__gte=datetime.combine(today, time(), unit.zone))
    standing = set(ahead_only.values_list("person_id", "starts_at"))
    led = set(ahead_only.filter(in_charge=True, closed_at=None).values_list("starts_at", flat=True))
    nurses, clinicians = staff_of(unit, Role.NURSE), staff_of(unit, Role.CLINICIAN)
    laid = 0
    for day in days:
        for place, nurse in enumerate(nurses):
            # They take turns in being the nurse in charge, day by day.
            leads = day.toordinal() % len(nurses) == place
            for opens, closes in template.nurse_line_of(unit.hours, day):
                if (nurse.id, opens) not in standing:
                    _add(
                        unit=unit,
                        person=nurse,
                        kind=SessionKind.NURSE_LINE,
                        starts_at=opens,
                        ends_at=closes,
                        in_charge=leads and opens not in led,
                        by=by,
                    )
                    laid += 1
        slots = template.slots_of(unit.hours, day)
        for place, clinician in enumerate(clinicians, start=1):
            if slots and (clinician.id, slots[0][1]) not in standing:
                _add(
                    unit=unit,
                    person=clinician,
                    kind=SessionKind.CLINIC,
                    starts_at=slots[0][1],
                    ends_at=slots[-1][2],
                    room=f"{'rum' if unit.language == 'sv' else 'room'} {place}",
                    slots=slots,
                    by=by,
                )
                laid += 1
    if laid:
        time_freed(unit)
    return laid
