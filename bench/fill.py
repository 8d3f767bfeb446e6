"""People, requests, calls and times in the numbers that a bench needs, written straight into the tables."""

import itertools
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import connection

from followup.cases.models import Case
from followup.clinic.models import Session, Slot
from followup.contacts.models import Contact
from followup.core import clock
from followup.people.models import Enrolment, Membership, Patient, Role, Token, Unit, User
from followup.programmes.queries import current

_numbers = itertools.count(1)
WEEK = {str(day): [["00:00", "23:59"]] for day in range(7)}
"""Open at any hour: a bench must not depend on the hour at which it is run."""


def a_unit() -> Unit:
    return Unit.objects.create(
        name=f"Bench {next(_numbers)}",
        sender="Mottagningen",
        weekly_hours=WEEK,
        phone="08-465 004 00",
        country_codes=[46, 44],
        language="sv",
        demo=True,
    )


def staff(unit: Unit, count: int, role: str = Role.NURSE) -> list[User]:
    """So many people who work at the unit, with their membership at hand as after a sign-in."""
    users = [User(username=f"bench-{next(_numbers)}", name="Karin Nurse", password="!") for _ in range(count)]
    User.objects.bulk_create(users, batch_size=2_000)
    rows = [Membership(unit=unit, user=user, role=role) for user in users]
    Membership.objects.bulk_create(rows, batch_size=2_000)
    for user, row in zip(users, rows, strict=True):
        user.membership = row
    return users


def patients(unit: Unit, count: int) -> list[Patient]:
    users = [User(username=f"bench-p-{next(_numbers)}", name="Anna Berg", password="!") for _ in range(count)]
    User.objects.bulk_create(users, batch_size=2_000)
    rows = [
        Patient(
            unit=unit,
            user=user,
            number=f"B{next(_numbers)}",
            given_name="Anna",
            family_name="Berg",
            sort_key="berg anna",
            born_on="1971-05-03",
            phone=f"+4670{n:07}",
            phone_shown=f"070{n:07}",
        )
        for n, user in enumerate(users)
    ]
    Patient.objects.bulk_create(rows, batch_size=2_000)
    programme = current("ibd")
    Enrolment.objects.bulk_create(
        [Enrolment(patient=row, programme=programme, diagnosis="uc", group="annual_phone") for row in rows],
        batch_size=2_000,
    )
    return rows


def keys(users: list[User]) -> list[str]:
    """An API key for each."""
    made = [Token.new_key() for _ in users]
    Token.objects.bulk_create(
        [Token(user=user, digest=Token.digest_of(key)) for user, key in zip(users, made, strict=True)], batch_size=2_000
    )
    return made


def requests(unit: Unit, people: list[Patient], *, see_by: datetime | None = None) -> list[Case]:
    """An open flare-up of each of them; its call is laid by `calls`."""
    at, programme = clock.now(), current("ibd")
    cases = [
        Case(
            unit=unit,
            patient=patient,
            programme=programme,
            kind="contact",
            reference=uuid4().hex[:10],
            code=f"{next(_numbers):08}",
            step="call_booked",
            due=at + timedelta(hours=4),
        )
        for patient in people
    ]
    Case.objects.bulk_create(cases, batch_size=2_000)
    Contact.objects.bulk_create(
        [
            Contact(
                case=case,
                reason="flare",
                message="It hurts again.",
                channel="web",
                sent_at=at,
                see_by=see_by or at + timedelta(days=3),
                entered_by_id=case.patient.user_id,
            )
            for case in cases
        ],
        batch_size=2_000,
    )
    return cases


def end_requests(unit: Unit) -> None:
    """Every open request of the unit is over: its patients may begin anew."""
    Case.objects.filter(unit=unit, closed=None).update(
        closed=clock.now(), step="closed", at_risk_since=None, shortage=""
    )


_CALLS = """
INSERT INTO callbacks_callback (id, created_at, unit_id, case_id, patient_id, reason, priority, arrived_at, not_before, due,
                                window_start, window_end, state, attempts, unanswered, handed_note, draft_note)
SELECT gen_random_uuid(), %(at)s, c.unit_id, c.id, c.patient_id, 'flare', 2 + (row_number() OVER () %% 3), %(at)s, %(not_before)s,
       %(at)s + (row_number() OVER () %% 10000) * interval '1 second' + interval '1 hour', %(at)s, %(at)s, 'waiting', 0, 0, '', ''
  FROM cases_case c WHERE c.unit_id = %(unit)s AND c.closed IS NULL LIMIT %(count)s
"""


def calls(unit: Unit, count: int, *, empty: bool = True, not_before: datetime | None = None) -> None:
    """A waiting call for so many of the unit's open cases, priorities 2 to 4 mixed; the tables of calls are emptied first."""
    at = clock.now()
    with connection.cursor() as cursor:
        if empty:
            cursor.execute("TRUNCATE callbacks_callback CASCADE")
        values = {"at": at, "not_before": not_before or at, "unit": unit.id, "count": count}
        cursor.execute(_CALLS, values)
        cursor.execute("ANALYZE callbacks_callback")


def times(unit: Unit, person: User, count: int, *, kind: str = "urgent", after: timedelta = timedelta(days=1)) -> None:
    """So many free times from `after` now; appointments and times of before are gone."""
    start = clock.now() + after
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE clinic_appointment")
        cursor.execute("DELETE FROM clinic_slot WHERE unit_id = %s", [unit.id])
        cursor.execute("DELETE FROM clinic_session WHERE unit_id = %s", [unit.id])
    session = Session.objects.create(
        unit=unit, person=person, kind="clinic", starts_at=start, ends_at=start + timedelta(days=1)
    )
    step = timedelta(hours=20) / count
    Slot.objects.bulk_create(
        [
            Slot(session=session, unit=unit, kind=kind, starts_at=start + step * n, ends_at=start + step * (n + 1))
            for n in range(count)
        ],
        batch_size=2_000,
    )
