"""What every verb of a call stands on: the row under lock, its lease, what is handed on, the line in the journal."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from followup.callbacks.models import Callback, LeftNote, State
from followup.core import clock, journal, outbox
from followup.core.errors import Refused
from followup.core.journal import Signs
from followup.core.typed import storable
from followup.people.models import User

LONGEST_NOTE = 4_000


class NotYours(Refused):
    """Somebody else holds it."""

    code = "claim-lost"
    words = _("A colleague has taken this call.")

    def __init__(self, holder: str = ""):
        self.holder = holder
        super().__init__(_("%(name)s has taken this call.") % {"name": holder} if holder else None)


class AlreadyEnded(Refused):
    code = "call-already-ended"
    words = _("This call has already been finished.")


class PatientOnTheLine(Refused):
    code = "patient-on-the-line"
    words = _("A colleague is already on the line with this person.")


class ReasonNeeded(Refused):
    code = "reason-needed"
    words = _("Say why you take this call out of its turn.")


def locked(callback_id: UUID) -> Callback:
    """The row as it is once nobody else has it. What is joined was read before that wait: only what never changes may be."""
    rows = Callback.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("case__programme", "patient", "unit").get(id=callback_id)


def put_back(callback: Callback) -> None:
    callback.state, callback.claimed_by, callback.claimed_at, callback.lease_until = State.WAITING, None, None, None
    callback.turn = callback.opened_at = callback.dialled_at = callback.handed_by = None
    hand_on(callback)


def claim_for(callback: Callback, user: User) -> None:
    """From this moment it is theirs, for the length of a lease; nothing has been dialled."""
    at = clock.now()
    callback.state, callback.claimed_by, callback.claimed_at, callback.lease_until = (
        State.CLAIMED,
        user,
        at,
        at + lease(),
    )
    callback.turn = callback.opened_at = callback.dialled_at = callback.handed_by = None


@transaction.atomic
def wake_its_case(callback: Callback) -> None:
    """Claimed anew after a lease that ran out while it rang: nobody is on the line now, and the room above must hear of it."""
    if callback.case.step == "ringing":
        outbox.put("callbacks.claimed_anew", case_id=str(callback.case_id))


def keep_under_name(callback: Callback, *, by: User, note: str) -> LeftNote | None:
    """Keep what `by` has typed, for whoever has the call; typed further, it is the same note. None when there is nothing new."""
    note = as_kept(note).strip()
    if not note or note in callback.handed_note:
        return None
    left, _new = LeftNote.objects.update_or_create(callback=callback, by=by, defaults={"text": note, "at": clock.now()})
    return left


def hand_on(callback: Callback) -> None:
    """What one holder has typed stands before the next, and is never taken for their own words."""
    callback.handed_note = "\n\n".join(filter(None, [callback.handed_note, callback.draft_note.strip()]))
    callback.draft_note = ""


def as_kept(typed: str) -> str:
    """As much of a note as is kept."""
    return storable(typed)[:LONGEST_NOTE]


def lease() -> timedelta:
    return timedelta(seconds=settings.FOLLOWUP_LEASE_SECONDS)


def tell(verb: str, callback: Callback, *, by: Signs, why: str = "", **detail) -> None:
    journal.write(
        verb,
        by=by,
        patient_id=callback.patient_id,
        unit_id=callback.unit_id,
        case_id=callback.case_id,
        subject_id=callback.id,
        why=why,
        **detail,
    )
