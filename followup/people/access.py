"""Who may do what, and who may see whom: asked alike by every page, button and call of the API.

Rows are reached through the person, so that forgetting is hard; what a person may not see answers like what does not exist.
"""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from followup.core import journal
from followup.core.errors import NotAllowed, Unknown
from followup.core.journal.entries import LOOK
from followup.people.models import Patient, Role, Unit, User

NURSE, CLINICIAN, COORDINATOR, WALL = Role.NURSE, Role.CLINICIAN, Role.COORDINATOR, Role.WALL

MAY: dict[str, set[str]] = {
    "answer_calls": {NURSE, COORDINATOR},
    "see_patients": {NURSE, CLINICIAN, COORDINATOR},
    "enter_requests": {NURSE, CLINICIAN, COORDINATOR},
    "answer_asks": {CLINICIAN},
    "hand_asks": {CLINICIAN, COORDINATOR},
    "move_cases": {NURSE, CLINICIAN, COORDINATOR},
    "reopen": {NURSE, CLINICIAN, COORDINATOR},
    "give_times": {NURSE, CLINICIAN, COORDINATOR},
    "manage_times": {COORDINATOR},
    "overbook": {NURSE, CLINICIAN, COORDINATOR},
    "see_board": {NURSE, CLINICIAN, COORDINATOR, WALL},
    "see_alerts": {NURSE, CLINICIAN, COORDINATOR},
    "get_in_touch": {"patient"},
    "bring_people_in": {COORDINATOR},
    "look_after": {Role.ADMINISTRATOR},
}
"""What each role may do. Nobody may do what is not in this table."""


def may(user: User, act: str) -> bool:
    return getattr(user, "is_authenticated", False) and user.role in MAY[act]


def require(user: User, act: str) -> None:
    if not may(user, act):
        raise NotAllowed


def unit_of(user: User) -> Unit:
    """The unit whose rows this person works with."""
    if user.unit is None:
        raise NotAllowed
    return user.unit


def patients_visible_to(user: User) -> QuerySet[Patient]:
    if not getattr(user, "is_authenticated", False):
        return Patient.objects.none()
    if may(user, "see_patients"):
        return Patient.objects.filter(unit=user.unit)
    if user.as_patient:
        return Patient.objects.filter(user=user)
    return Patient.objects.none()


def sees(user: User, patient: Patient) -> bool:
    """Whether a patient who is at hand is one of `patients_visible_to` this person."""
    if may(user, "see_patients"):
        return patient.unit_id == unit_of(user).id
    return patient.user_id == user.id


def patient_for(user: User, patient_id: UUID | str) -> Patient:
    """That patient, if this person may know of them; else `Unknown`, as for an id that nobody has."""
    try:
        patient = patients_visible_to(user).select_related("unit", "user").filter(id=patient_id).first()
    except ValidationError:  # not even an id
        patient = None
    if patient is None:
        raise Unknown
    return patient


def open_record(patient: Patient, *, by: User, where: str) -> None:
    """Check that `by` may see this patient, and write the look into the journal, where the patient can read it."""
    if not sees(by, patient):
        raise Unknown
    if patient.user_id == by.id:
        return
    with transaction.atomic():
        journal.write(LOOK, by=by, patient_id=patient.id, unit_id=patient.unit_id, where=where)
