"""Taking people in: units, staff, patients, keys."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.db.models import Model

from followup.core import clock, journal
from followup.core.errors import Invalid
from followup.core.ids import sort_key
from followup.core.journal import Signs
from followup.people import phones
from followup.people.models import ClosedDay, Enrolment, Membership, Patient, Token, Unit, User
from followup.people.signin.places import end_sessions
from followup.programmes.models import Programme

WORKDAYS = {str(day): [["08:00", "16:30"]] for day in range(5)}
"""Monday to Friday, until the unit says otherwise."""


@transaction.atomic
def add_unit(
    *, name: str, timezone: str, by: Signs, own_closed_days: Mapping[date, str] | None = None, **columns: Any
) -> Unit:
    """A new unit with the usual week. `columns` are more columns of `Unit`. Raises `Invalid` when the name is taken."""
    if Unit.objects.filter(name=name).exists():
        raise Invalid({"name": f"{name} is there already."})
    unit = Unit.objects.create(
        name=name, timezone=timezone, **{"sender": name[:40], "weekly_hours": WORKDAYS, **columns}
    )
    ClosedDay.objects.bulk_create(
        ClosedDay(unit=unit, day=day, why=why) for day, why in (own_closed_days or {}).items()
    )
    journal.write("unit.added", by=by, unit_id=unit.id, subject_id=unit.id)
    return unit


@transaction.atomic
def add_staff(
    *,
    username: str,
    name: str,
    role: str,
    unit: Unit,
    by: Signs,
    password: str | None = None,
    password_given: bool = False,
    email: str = "",
    phone: str = "",
) -> User:
    """A person (or a wall screen, or a system) who works at the unit; without a password they cannot sign in on a page.

    `password_given`: we made it, so they choose their own when they first sign in.
    `email` and `phone` (E.164) are where they are told of what cannot wait.
    """
    if User.objects.filter(username__iexact=username).exists():
        raise Invalid({"username": f"{username} is taken."})
    user = User(username=username, name=name, email=email, phone=phone, language=unit.language)
    user.set_password(password)
    user.password_given_at = clock.now() if password_given else None
    user.save()
    Membership.objects.create(unit=unit, user=user, role=role)
    journal.write("staff.added", by=by, unit_id=unit.id, subject_id=user.id, role=role)
    return user


def new_password() -> str:
    """A password that nobody can guess, to be said once and replaced by its owner."""
    return secrets.token_urlsafe(12)


@transaction.atomic
def give_password(*, user: User, by: Signs) -> str:
    """A new password for somebody who lost theirs; it is returned once. Whoever is signed in as them is signed out."""
    password = new_password()
    user.set_password(password)
    user.password_given_at = clock.now()
    user.save(update_fields=["password", "password_given_at"])
    end_sessions(user, by=by)
    journal.write("staff.password_given", by=by, subject_id=user.id, unit_id=user.unit.id if user.unit else None)
    return password


@transaction.atomic
def forget_second_factor(*, user: User, by: Signs) -> None:
    """The app and the spare codes of somebody who lost them open nothing any more; at the next sign-in they set up new ones."""
    Authenticator.objects.filter(user=user).delete()
    end_sessions(user, by=by)
    journal.write(
        "staff.second_factor_forgotten", by=by, subject_id=user.id, unit_id=user.unit.id if user.unit else None
    )


@transaction.atomic
def add_patient(*, unit: Unit, programme: Programme, by: Signs, **who: Any) -> Patient:
    """A new patient of the unit, enrolled in a programme. `who` is what `_rows_of` takes."""
    user, patient, enrolment = _rows_of(unit=unit, programme=programme, **who)
    user.save()
    patient.save()
    enrolment.save()
    journal.write("patient.added", by=by, unit_id=unit.id, patient_id=patient.id)
    return patient


@transaction.atomic
def add_patients(*, unit: Unit, programme: Programme, by: Signs, people: Sequence[Mapping[str, Any]]) -> list[Patient]:
    """Many new patients, in as few statements as one; each of `people` is what `_rows_of` takes. Each has a journal line."""
    rows = [_rows_of(unit=unit, programme=programme, **who) for who in people]
    User.objects.bulk_create(user for user, _patient, _enrolment in rows)
    patients = Patient.objects.bulk_create(patient for _user, patient, _enrolment in rows)
    Enrolment.objects.bulk_create(enrolment for _user, _patient, enrolment in rows)
    added = "SELECT id, unit_id, id AS patient_id, NULL::uuid AS case_id FROM people_patient WHERE id = ANY(%(ids)s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH added AS ({added}) {journal.insert_from('added', 'patient.added')}",
            {"ids": [patient.id for patient in patients], "at": clock.now(), **journal.insert_values(by)},
        )
    return patients


@transaction.atomic
def change_patient(patient: Patient, *, by: Signs, columns: Mapping[str, Any], enrolment: Mapping[str, Any]) -> Patient:
    """What is known of a patient, and of the programme they are in, is put right. The journal says which columns, not what they hold."""
    patient = Patient.objects.select_for_update(no_key=True).get(id=patient.id)
    _put(patient, columns)
    if enrolment:
        _put(patient.enrolments.get(ended_on=None), enrolment)
    _put(patient.user, {"name": _whole_name(patient.given_name, patient.family_name)})
    journal.write(
        "patient.changed", by=by, unit_id=patient.unit_id, patient_id=patient.id, columns=sorted([*columns, *enrolment])
    )
    return patient


def _whole_name(given_name: str, family_name: str) -> str:
    return f"{given_name} {family_name}"[:120]


def _put(row: Model, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.save()


def _rows_of(
    *,
    unit: Unit,
    programme: Programme,
    number: str,
    given_name: str,
    family_name: str,
    born_on: date,
    diagnosis: str,
    group: str,
    username: str | None = None,
    phone: str = "",
    enrolment: Mapping[str, Any] | None = None,
    **more: Any,
) -> tuple[User, Patient, Enrolment]:
    """A patient's rows, not yet saved.

    A telephone number that is none leaves the person without texts; it never keeps them out. A blank `group` waits for somebody's
    decision. `enrolment` holds more columns of `Enrolment`, `more` more columns of `Patient`.
    """
    user = User(
        username=username or f"patient-{unit.id.hex[:6]}-{number}".lower(),
        name=_whole_name(given_name, family_name),
        language=more.get("language", unit.language),
    )
    user.set_unusable_password()
    parsed = phones.parse(phone, unit.country_codes)
    patient = Patient(
        unit=unit,
        user=user,
        number=number,
        given_name=given_name,
        family_name=family_name,
        sort_key=sort_key(family_name, given_name),
        born_on=born_on,
        phone=parsed or "",
        phone_shown=phone if parsed else "",
        **more,
    )
    return (
        user,
        patient,
        Enrolment(patient=patient, programme=programme, diagnosis=diagnosis, group=group, **(enrolment or {})),
    )


@transaction.atomic
def new_token(*, user: User, by: Signs, label: str = "") -> str:
    """A new key for `user`. It is returned once and kept only as a hash."""
    key = Token.new_key()
    token = Token.objects.create(user=user, digest=Token.digest_of(key), label=label)
    journal.write("token.made", by=by, subject_id=token.id, unit_id=user.unit.id if user.unit else None)
    return key


@transaction.atomic
def revoke_tokens(*, user: User, by: Signs) -> int:
    """End every key of `user`; how many there were."""
    ended = Token.objects.filter(user=user, revoked_at=None).update(revoked_at=clock.now())
    journal.write("token.revoked", by=by, subject_id=user.id, count=ended)
    return ended
