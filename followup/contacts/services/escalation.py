"""Staff are told outside the page, again and again, until somebody has taken it."""

from uuid import UUID

from django.db import transaction

from followup.cases import services as cases
from followup.contacts import escalations
from followup.contacts.models import Escalation
from followup.contacts.services.ground import SWEEPER
from followup.core import clock
from followup.core.journal import Signs
from followup.messages import services as messages


def escalate_case(case_id: UUID | str, *, by: Signs = SWEEPER) -> None:
    """Tell at once of whatever cannot wait in this case."""
    for _, cause in escalations.causes_of(UUID(str(case_id))):
        escalate(case_id, cause, by=by)


@transaction.atomic
def escalate(case_id: UUID | str, cause: str, *, by: Signs = SWEEPER) -> bool:
    """Tell whoever is on duty of one cause, if it still holds and its turn has come; whether somebody was told.

    The case is locked, so that two workers say it once. Taken means that the cause is gone: the row ends.
    """
    case, at = cases.lock(case_id), clock.now()
    row = Escalation.objects.filter(case=case, cause=cause, ended_at=None).first()
    if (case.id, cause) not in escalations.causes_of(case.id):
        if row:
            row.ended_at = at
            row.save(update_fields=["ended_at"])
        return False
    if not escalations.is_due(row, case.programme.rules, at) or not escalations.may_be_told_now(case.unit, cause, at):
        return False
    row = row or Escalation.objects.create(case=case, cause=cause, began_at=at)
    addresses = escalations.addresses(case.unit, cause, at)
    if not addresses:
        return False
    row.told_at, row.times_told = at, row.times_told + 1
    row.save(update_fields=["told_at", "times_told"])
    cases.note_down(case, "case.escalated", row.id, by=by, cause=cause, times=row.times_told)
    messages.tell_staff(
        "staff-escalation",
        unit=case.unit,
        programme=case.programme,
        to=addresses,
        occasion=f"{row.id}:{row.times_told}",
        by=by,
        case=case,
        facts={"reference": case.reference},
    )
    return True
