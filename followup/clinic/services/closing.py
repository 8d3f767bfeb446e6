"""A session ends before its time: what the rota does of it. What it means for patients is a verb of the rooms above."""

from django.db import transaction

from followup.clinic.models import Appointment, Session, Slot, State
from followup.clinic.services.appointments import _end
from followup.core import clock, journal
from followup.core.journal import Signs
from followup.people.models import Unit


def one_change_at_a_time(unit: Unit) -> None:
    """Whoever changes the rota of a unit comes one after the other: two closings would else wait for each other's times."""
    Unit.objects.select_for_update(no_key=True).get(id=unit.id)


@transaction.atomic
def stop_giving(session: Session, *, by: Signs) -> list[Appointment]:
    """Nobody is given a coming time in this session any more. Returns the appointments that are kept there, in order of time.

    Whoever is choosing one of its times on a page loses it. A verb that gives a time waits for these rows, and finds them closed.
    """
    Session.objects.select_for_update(no_key=True).get(id=session.id)
    at = clock.now()
    coming = Slot.objects.filter(session=session, starts_at__gt=at, closed_at=None)
    ids = [slot.id for slot in coming.select_for_update(no_key=True).order_by("id")]
    Slot.objects.filter(id__in=ids).update(closed_at=at)
    live = Appointment.objects.filter(slot__session=session, slot__starts_at__gt=at).live()
    for looked_at in live.exclude(choice_until=None).select_for_update(no_key=True):
        _end(looked_at, State.RELEASED, why="expired", by=by, frees=False)
    return list(live.kept().select_related("slot__session__person", "slot__unit").order_by("slot__starts_at", "id"))


@transaction.atomic
def mark_closed(session: Session, *, by: Signs, why: str) -> Session:
    """The session is closed; said twice it is done once."""
    session = Session.objects.select_for_update(no_key=True).get(id=session.id)
    if session.closed_at is None:
        session.closed_at, session.closed_why = clock.now(), why
        session.save(update_fields=["closed_at", "closed_why"])
        journal.write("session.closed", by=by, unit_id=session.unit_id, subject_id=session.id, why=why)
    return session
