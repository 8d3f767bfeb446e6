"""Single times outside the weekly template: opened with a reason, turned urgent, taken away."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followup.clinic.models import Appointment, Session, SessionKind, Slot, SlotKind, State
from followup.clinic.services.appointments import SlotTaken
from followup.core import clock, journal, outbox
from followup.core.errors import Invalid, Refused
from followup.core.journal import Signs
from followup.core.typed import storable
from followup.people.access import require
from followup.people.models import Unit, User

LONGEST_REASON = 200


class NotARevisit(Refused):
    code = "not-a-revisit-time"
    words = gettext_lazy("Only a free revisit time can become an urgent one.")


@transaction.atomic
def open_slot(
    *,
    unit: Unit,
    person: User,
    starts_at: datetime,
    ends_at: datetime,
    kind: str,
    why: str,
    by: Signs,
    room: str = "",
) -> Slot:
    """A time outside the template, with the reason that shows beside it.

    It stands in the person's session of that hour, else in a small one of its own. It may lie over another time of theirs: that is
    overbooking, which staff may do with a reason. The same said twice is one time. Raises `Invalid`.
    """
    _require(by, "overbook")
    why = _checked(why, unit, person, kind, starts_at, ends_at)
    session = _session_at(unit, person, starts_at)
    if session is None:
        session, _new = Session.objects.get_or_create(
            person=person,
            starts_at=starts_at,
            closed_at=None,
            defaults={"unit": unit, "kind": SessionKind.CLINIC, "ends_at": ends_at, "room": room},
        )
    slot, new = Slot.objects.get_or_create(
        session=session,
        starts_at=starts_at,
        kind=kind,
        opened_why=why,
        closed_at=None,
        defaults={"unit": unit, "ends_at": ends_at},
    )
    if new:
        journal.write("slot.opened", by=by, unit_id=unit.id, subject_id=slot.id, why=why, kind=kind)
        time_freed(unit)
    return slot


@transaction.atomic
def turn_urgent(slot: Slot, *, by: Signs, why: str) -> Slot:
    """A free revisit time becomes an urgent one; said twice it is done once. Raises `SlotTaken`, `NotARevisit`, `Invalid`."""
    _require(by, "manage_times")
    why = reason(why)
    slot = _free(slot)
    if slot.kind == SlotKind.URGENT:
        return slot
    if slot.kind != SlotKind.REVISIT:
        raise NotARevisit
    slot.kind, slot.opened_why = SlotKind.URGENT, why
    slot.save(update_fields=["kind", "opened_why"])
    journal.write("slot.turned_urgent", by=by, unit_id=slot.unit_id, subject_id=slot.id, why=why)
    time_freed(slot.unit)
    return slot


@transaction.atomic
def close_slot(slot: Slot, *, by: Signs, why: str) -> Slot:
    """A free time is given to nobody. One that somebody has is first cancelled, with its patient. Said twice it is done once."""
    _require(by, "manage_times")
    why = reason(why)
    if _locked(slot).closed_at:
        return _locked(slot)
    slot = _free(slot)
    slot.closed_at = clock.now()
    slot.save(update_fields=["closed_at"])
    journal.write("slot.closed", by=by, unit_id=slot.unit_id, subject_id=slot.id, why=why)
    return slot


def time_freed(unit: Unit) -> None:
    """Times have come: those who were refused one are asked again."""
    outbox.put("clinic.time_freed", unit_id=str(unit.id))


def _free(slot: Slot) -> Slot:
    slot = _locked(slot)
    taken = Appointment.objects.filter(slot=slot).exclude(state=State.RELEASED).exists()
    if taken or slot.closed_at or slot.session.closed_at or slot.starts_at <= clock.now():
        raise SlotTaken
    return slot


def _locked(slot: Slot) -> Slot:
    rows = Slot.objects.select_for_update(of=("self",), no_key=True).select_related("session__person", "unit")
    return rows.get(id=slot.id)


def _session_at(unit: Unit, person: User, at: datetime) -> Session | None:
    """Where this person is at that moment; a clinic session before the nurse line."""
    there = Session.objects.filter(unit=unit, person=person, closed_at=None, starts_at__lte=at, ends_at__gt=at)
    return there.order_by("kind", "-starts_at").first()


def _checked(why: str, unit: Unit, person: User, kind: str, starts_at: datetime, ends_at: datetime) -> str:
    errors: dict[str, str] = {}
    if kind not in SlotKind.values:
        errors["kind"] = _("Choose which kind of time it is.")
    if person.unit != unit:
        errors["person"] = _("Choose who sees the patient.")
    if starts_at <= clock.now():
        errors["start"] = _("The time must be in the future.")
    if ends_at <= starts_at:
        errors["end"] = _("The time must end after it starts.")
    try:
        why = reason(why)
    except Invalid as refused:
        errors |= refused.errors
    if errors:
        raise Invalid(errors)
    return why


def reason(why: str) -> str:
    why = " ".join(str(storable(why)).split())
    if not why:
        raise Invalid({"why": _("Say why: colleagues read it.")})
    if len(why) > LONGEST_REASON:
        raise Invalid({"why": _("This is too long: use %(limit)s characters or fewer.") % {"limit": LONGEST_REASON}})
    return why


def _require(by: Signs, act: str) -> None:
    if isinstance(by, User):
        require(by, act)
