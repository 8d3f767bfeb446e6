"""After the call: what a clinician answers."""

from django.db import transaction

from followup.cases import services as cases
from followup.cases.models import Ask
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.contacts import policy
from followup.contacts.services.ground import settle, tell_of_time
from followup.core.errors import Invalid
from followup.people.access import require
from followup.people.models import User


@transaction.atomic
def answer_ask(asked: Ask, *, by: User, words: str, slot: Slot | None = None) -> Ask:
    """A clinician answers what a call left for them, perhaps with a time. A time held for the answer is let go if unused."""
    require(by, "answer_asks")
    if len(words) > policy.LONGEST_MESSAGE:
        raise Invalid({"words": policy.too_long()})
    case = cases.lock(asked.case_id)
    asked = cases.answer(asked, by=by, words=words)
    if slot:
        tell_of_time(case, "slot-confirmed", clinic.give(slot, case=case, by=by), by=by)
    elif not Ask.objects.filter(case=case, answered_at=None).exists():
        held = Appointment.objects.filter(case=case, state="held").exists()
        if held:
            clinic.release(case=case, why="not needed", by=by)
    settle(case, by=by, outcome=asked.kind)
    return asked
