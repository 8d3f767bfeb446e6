"""Where staff are told of what cannot wait: the unit's address for closed hours, and the numbers of those who are on duty."""

from collections.abc import Mapping
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from followup.core import journal
from followup.core.errors import Invalid
from followup.core.typed import storable
from followup.people import phones
from followup.people.access import require
from followup.people.models import Role, Unit, User


def who_is_told(unit: Unit) -> QuerySet[User]:
    """Nurses and coordinators of a unit, by name."""
    return User.objects.filter(
        is_active=True,
        memberships__unit=unit,
        memberships__role__in=[Role.NURSE, Role.COORDINATOR],
        memberships__ended_on=None,
    ).order_by("name", "username")


@transaction.atomic
def say_where(unit: Unit, *, by: User, email: str, phone: str, numbers: Mapping[UUID, str]) -> None:
    """Set the address for closed hours, and the numbers of staff by user id. Raises `Invalid`.

    Not the e-mail of staff: a password can be reset through it, so it is theirs to change.
    """
    require(by, "manage_times")
    unit = Unit.objects.select_for_update(no_key=True).get(id=unit.id)
    errors: dict[str, str] = {}
    email, phone = storable(email).strip(), _number(unit, "phone", phone, errors)
    if email:
        try:
            validate_email(email)
        except ValidationError:
            errors["email"] = _("Write an e-mail address such as jour@example.org.")
    people = {person.id: person for person in who_is_told(unit)}
    given = {id: _number(unit, f"number-{id}", typed, errors) for id, typed in numbers.items() if id in people}
    if errors:
        raise Invalid(errors)
    unit.on_call_email, unit.on_call_phone = email, phone
    unit.save(update_fields=["on_call_email", "on_call_phone"])
    for id, number in given.items():
        User.objects.filter(id=id).exclude(phone=number).update(phone=number)
    journal.write("unit.told_where", by=by, unit_id=unit.id, subject_id=unit.id)


def _number(unit: Unit, field: str, typed: str, errors: dict[str, str]) -> str:
    typed = storable(typed).strip()
    number = phones.parse(typed, unit.country_codes) if typed else ""
    if number is None:
        errors[field] = _("Write a mobile number such as 070-174 06 05.")
    return number or ""
