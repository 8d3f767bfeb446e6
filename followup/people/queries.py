"""Finding people."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from followup.core import ids
from followup.core.reads import prepared
from followup.people import phones
from followup.people.access import patients_visible_to
from followup.people.models import Enrolment, Membership, Patient, Token, Unit, User
from followup.programmes.models import Programme


def user_of_key(key: str) -> User | None:
    """Who holds this key, if it is a living one."""
    token = _living_keys.first(Token.digest_of(key))
    return token.user if token else None


@prepared
def _living_keys(digest: str) -> QuerySet[Token]:
    return Token.objects.filter(digest=digest, revoked_at=None, user__is_active=True).select_related("user")


def search(words: str, *, by: User) -> QuerySet[Patient]:
    """Patients that `by` may see, by part of a name, birth date, number, telephone or mail; in the order of lists of people."""
    found = patients_visible_to(by)
    for word in words.split():
        either = (
            Q(sort_key__contains=ids.sort_key(word))
            | Q(number__iexact=word)
            | Q(personal_number__startswith=word)
            | Q(email__iexact=word)
        )
        digits = "".join(filter(str.isdigit, word))
        if len(digits) == 8:
            either |= Q(born_on=f"{digits[:4]}-{digits[4:6]}-{digits[6:]}") if _is_a_day(digits) else Q()
        number = phones.parse(word, [46, 44])
        if number:
            either |= Q(phone=number)
        found = found.filter(either)
    return found.order_by("sort_key", "id") if words.split() else found.none()


def _is_a_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def enrolment_of(patient: Patient) -> Enrolment | None:
    enrolment = _enrolments_of.first(patient.id)
    if enrolment:
        enrolment.patient = patient
    return enrolment


@prepared
def _enrolments_of(patient_id: UUID) -> QuerySet[Enrolment]:
    rows = Enrolment.objects.filter(patient=patient_id, ended_on=None)
    return rows.select_related("programme")


def clinicians_of(unit: Unit) -> QuerySet[User]:
    return User.objects.filter(
        is_active=True, memberships__unit=unit, memberships__role="clinician", memberships__ended_on=None
    ).order_by("name")


def staff_of(unit: Unit, role: str) -> list[User]:
    """Who works at the unit in this role, in the order in which they came."""
    return list(
        User.objects.filter(
            is_active=True, memberships__unit=unit, memberships__role=role, memberships__ended_on=None
        ).order_by("memberships__created_at", "username")
    )


def programme_at(unit: Unit) -> Programme | None:
    """The programme that this unit's newest patient is in: for pages that are shown to nobody in particular."""
    latest = (
        Enrolment.objects.filter(patient__unit=unit, ended_on=None)
        .select_related("programme")
        .order_by("-created_at")
        .first()
    )
    return latest.programme if latest else None


@dataclass(frozen=True)
class UnitSize:
    """A unit in numbers: `staff` by role, and the patients that it follows now."""

    name: str
    staff: dict[str, int]
    patients: int


def units_in_numbers() -> list[UnitSize]:
    """Every unit by name, with how many work there and how many are followed: for whoever looks after the machine."""
    followed = dict(
        Enrolment.objects.filter(ended_on=None).order_by().values_list("patient__unit").annotate(Count("id"))
    )
    staff: dict[UUID, dict[str, int]] = {}
    active = Membership.objects.filter(ended_on=None, user__is_active=True).order_by()
    for unit, role, count in active.values_list("unit", "role").annotate(Count("id")):
        staff.setdefault(unit, {})[role] = count
    names = Unit.objects.order_by("name").values_list("id", "name")
    return [UnitSize(name=name, staff=staff.get(id, {}), patients=followed.get(id, 0)) for id, name in names]
