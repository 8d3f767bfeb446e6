"""Ways out when no time is left: a person finds one, or one falls free and who was refused is asked again.

While a call is owed a time is held, because the call decides; after the call it is booked.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from followup.callbacks import queries as calls
from followup.cases import services as cases
from followup.cases.models import Case, Shortage
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot, SlotKind, State
from followup.contacts import policy, shortages
from followup.contacts.services.booking import keep_a_time
from followup.contacts.services.ground import BOOKER, promise_again, settle, tell, tell_of_time
from followup.contacts.services.times import RequestClosed
from followup.core import clock
from followup.core.errors import Invalid, Refused
from followup.core.journal import Signs
from followup.people.access import require
from followup.people.models import User

WAY_OUT = "contact.way_out"


class HasATime(Refused):
    code = "has-a-time"
    words = _("A time is already kept for this person.")


@transaction.atomic
def take_time(case: Case, slot: Slot, *, by: User, why: str = "") -> Appointment:
    """Give a free time to a case at risk; one after the promised day needs a reason.

    Said twice it is done once. Raises `SlotTaken`, `HasATime`, `RequestClosed`, `Invalid`.
    """
    require(by, "manage_times")
    case = _open(case)
    if same := _kept(case, slot):
        return same
    see_by = case.contact.see_by
    if (see_by is None or slot.starts_at >= see_by) and not why.strip():
        raise Invalid({"why": gettext("This is after the promised day: say why.")})
    return _give(case, slot, slot.kind, by=by, why=why)


@transaction.atomic
def open_time(
    case: Case, *, person: User, starts_at: datetime, ends_at: datetime, why: str, by: User, room: str = ""
) -> Appointment:
    """Open a time outside the template for a case, with a reason that shows. Raises `Invalid`, `HasATime`, `RequestClosed`."""
    require(by, "give_times")
    case = _open(case)
    slot = clinic.open_slot(
        unit=case.unit,
        person=person,
        starts_at=starts_at,
        ends_at=ends_at,
        kind=SlotKind.URGENT,
        why=why,
        by=by,
        room=room,
    )
    return _kept(case, slot) or _give(case, slot, "opened", by=by, why=why)


@transaction.atomic
def trade(case: Case, appointment: Appointment, *, by: User, why: str) -> Appointment:
    """Give this case a time that is kept for another. The other gets the next that suits, or is itself at risk from this moment;
    one that was booked is owed a call besides. Both are told.

    Raises `SlotTaken` when the time is no longer theirs to give, `HasATime`, `RequestClosed`, `Invalid`.
    """
    require(by, "manage_times")
    if not why.strip():
        raise Invalid({"why": gettext("Say why: it stands in the journal.")})
    first, second = sorted([case.id, appointment.case_id])  # in one order, so that two who trade never wait in a ring
    locked = {each: cases.lock(each) for each in (first, second)}
    case, other = locked[case.id], locked[appointment.case_id]
    if case.closed:
        raise RequestClosed
    if same := _kept(case, appointment.slot):
        return same
    appointment = Appointment.objects.select_related("slot").get(id=appointment.id)
    if appointment.state not in (State.HELD, State.BOOKED) or appointment.choice_until:
        raise clinic.SlotTaken
    clinic.release(case=other, why="traded", by=by)
    given = _give(case, appointment.slot, "traded", by=by, why=why)
    _without_their_time(other, appointment, by=by, why=why)
    return given


def _without_their_time(case: Case, gone: Appointment, *, by: User, why: str) -> None:
    contact, callback = case.contact, calls.open_of_case(case.id)
    if callback is None:
        promise_again(case, contact, policy.Request(contact.reason, answers=contact.answers), by=by)
        callback = calls.open_of_case(case.id)
    held = keep_a_time(case, contact, callback, by=by) if callback else None
    settle(case, by=by)
    cases.note_down(case, WAY_OUT, by=by, why=why, way="gave_up")
    if held is None or gone.state == State.BOOKED:
        tell(case, "slot-cancelled", occasion=str(gone.id), by=by, time=gone.slot.starts_at)
    if held:
        _tell_of(case, held, by=by)


@transaction.atomic
def ask_again(unit_id: UUID | str, *, by: Signs = BOOKER) -> int:
    """A time has become free: who was refused one is asked again, in order. How many hold one now.

    Safe twice and beside itself; nothing is held for a case that was answered meanwhile.
    """
    ids = shortages.to_ask_again(unit_id)
    # Two who ask at once come one after the other, and in the order of the ids, as everybody who locks several.
    rows = Case.objects.select_for_update(of=("self",), no_key=True).filter(id__in=ids).order_by("id")
    locked = {row.id: row for row in rows.select_related("unit", "patient", "programme", "contact")}
    return sum(_ask(locked[each], by=by) for each in ids if each in locked)


def _ask(case: Case, *, by: Signs) -> bool:
    contact, at = case.contact, clock.now()
    if case.closed or case.at_risk_since is None or not contact.see_by or contact.see_by <= at:
        return False
    if not policy.wants_a_time(case.programme.rules, contact.reason, contact.answers) and (
        case.shortage != Shortage.NEEDS_A_TIME
    ):
        return False
    earliest = shortages.earliest_start(case, calls.open_of_case(case.id))
    try:
        held = clinic.hold_earliest(case=case, earliest=earliest, before=contact.see_by, by=by)
    except clinic.NoTimeWithinPromise:
        return False
    _saved(case, held, "freed", by=by)
    return True


def _open(case: Case) -> Case:
    case = cases.lock(case.id)
    if case.closed:
        raise RequestClosed
    return case


def _kept(case: Case, slot: Slot) -> Appointment | None:
    """The time of this case if it is that one; refuses when it has another that suits: only who is at risk gets one in its place."""
    kept = Appointment.objects.filter(case=case).kept().first()
    if kept and kept.slot_id != slot.id and case.at_risk_since is None:
        raise HasATime
    return kept if kept and kept.slot_id == slot.id else None


def _give(case: Case, slot: Slot, way: str, *, by: User, why: str) -> Appointment:
    only_hold = calls.open_of_case(case.id) is not None
    given = clinic.give(slot, case=case, by=by, only_hold=only_hold)
    _saved(case, given, way, by=by, why=why)
    return given


def _saved(case: Case, given: Appointment, way: str, *, by: Signs, why: str = "") -> None:
    cases.out_of_risk(case, by=by)
    settle(case, by=by)
    cases.note_down(case, WAY_OUT, given.id, by=by, why=why, way=way)
    _tell_of(case, given, by=by)


def _tell_of(case: Case, given: Appointment, *, by: Signs) -> None:
    """Nobody asked for it in this moment: by night it waits for the morning."""
    template = "slot-confirmed" if given.state == State.BOOKED else "time-kept"
    tell_of_time(case, template, given, by=by, answers_them=False)
