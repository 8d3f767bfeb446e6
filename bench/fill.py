"""People, requests, calls and times in the numbers that a bench needs, written straight into the tables."""

import functools
import itertools
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import OperationalError, connection, models

from followup.cases.models import Case
from followup.clinic.models import Session, Slot
from followup.contacts.models import Contact
from followup.core import clock
from followup.people.models import Enrolment, Membership, Patient, Role, Token, Unit, User
from followup.programmes.queries import current

_numbers = itertools.count(1)
PRIORITIES = (2, 3, 4)
"""What waits is a mix of these."""
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


def empty() -> None:
    """No request, no call, no time and no message of anybody: the next group begins in a clinic where nothing waits."""
    for last in (False, False, True):
        try:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE cases_case, clinic_session, message, outbox CASCADE")
            break
        except OperationalError:  # a sweep of the worker read the same tables in another order
            if last:
                raise
    _next_door.cache_clear()


# `due` is what a policy would have said: the end of the promised window, which begins when the patient may first be rung.
_CALLS = """
INSERT INTO callbacks_callback (id, created_at, unit_id, case_id, patient_id, reason, priority, arrived_at, not_before, due,
                                window_start, window_end, state, attempts, unanswered, handed_note, draft_note)
SELECT id, %(at)s, %(queue)s, case_id, patient_id, 'flare', (%(priorities)s::int[])[1 + n %% cardinality(%(priorities)s::int[])],
       %(at)s, %(not_before)s, due, %(not_before)s, due, 'waiting', 0, 0, '', ''
  FROM (SELECT gen_random_uuid() AS id, c.id AS case_id, c.patient_id, n,
               %(not_before)s + interval '1 hour' + (n %% 10000) * interval '1 second' AS due
          FROM (SELECT *, (row_number() OVER (ORDER BY patient_id, id))::int AS n FROM cases_case
                 WHERE unit_id = %(unit)s AND closed IS NULL) c
         WHERE c.n <= %(count)s) lined_up
"""


NEXT_DOOR = 40
_IN_HAND = """
UPDATE callbacks_callback c
   SET state = 'claimed', claimed_by_id = u.user_id, claimed_at = %(at)s, opened_at = %(at)s, lease_until = %(at)s + interval '1 day'
  FROM (SELECT id, row_number() OVER () AS n FROM callbacks_callback WHERE unit_id = %(unit)s) w,
       (SELECT user_id, row_number() OVER () AS n FROM people_membership WHERE unit_id = %(unit)s) u
 WHERE c.id = w.id AND w.n = u.n
"""


@functools.cache
def _next_door() -> Unit:
    """A clinic at work: forty nurses have a call in hand. A database that has never seen one plans as if there were none."""
    unit = a_unit()
    staff(unit, NEXT_DOOR)
    requests(unit, patients(unit, NEXT_DOOR))
    return unit


def calls(
    unit: Unit,
    count: int,
    *,
    empty: bool = True,
    not_before: datetime | None = None,
    priorities: tuple[int, ...] = PRIORITIES,
    queue: Unit | None = None,
) -> None:
    """A waiting call for so many of the unit's open cases, in its own queue or in another's; the tables of calls are emptied first."""
    at = clock.now()
    values = {"at": at, "not_before": not_before or at, "unit": unit.id, "queue": (queue or unit).id, "count": count}
    values["priorities"] = list(priorities)
    with connection.cursor() as cursor:
        if empty:
            cursor.execute("TRUNCATE callbacks_callback CASCADE")
            next_door = _next_door()
            others = {"not_before": at, "unit": next_door.id, "queue": next_door.id, "count": NEXT_DOOR}
            cursor.execute(_CALLS, values | others)
            cursor.execute(_IN_HAND, {"at": at, "unit": next_door.id})
        cursor.execute(_CALLS, values)
        cursor.execute("VACUUM ANALYZE callbacks_callback")


def more_cases(*units: Unit, count: int) -> None:
    """So many patients in each unit with an open flare-up each, for whom nothing is needed in this process.

    The first is made by `patients` and `requests`; the others are its copies, row for row, made by the database.
    """
    case = requests(units[0], patients(units[0], 1))[0]
    number = next(_numbers)
    lot = (
        "SELECT row_number() OVER () AS n, unit_id, gen_random_uuid() AS user_id, gen_random_uuid() AS patient_id,"
        " gen_random_uuid() AS case_id FROM unnest(%s::uuid[]) unit_id, generate_series(1, %s) n WHERE n > 1 OR unit_id <> %s"
    )
    copies(
        lot,
        [[unit.id for unit in units], count, units[0].id],
        (case.patient.user, {"id": "lot.user_id", "username": f"'bench-m{number}-' || n"}),
        (
            case.patient,
            {
                "id": "lot.patient_id",
                "unit_id": "lot.unit_id",
                "user_id": "lot.user_id",
                "number": f"'M{number}-' || n",
            },
        ),
        (case.patient.enrolments.get(), {"id": NEW, "patient_id": "lot.patient_id"}),
        *_a_case(case, letter="M", unit_id="lot.unit_id"),
    )


def second_cases(unit: Unit, count: int) -> None:
    """A second open case, a yearly review, for so many of the unit's patients: one flare-up is open for a patient, and no more."""
    case = Case.objects.select_related("contact").filter(unit=unit, closed=None).first()
    lot = (
        "SELECT row_number() OVER () AS n, gen_random_uuid() AS case_id, p.id AS patient_id, p.user_id"
        " FROM people_patient p WHERE p.unit_id = %s LIMIT %s"
    )
    copies(lot, [unit.id, count], *_a_case(case, letter="R", kind="'review'"))


NEW = "gen_random_uuid()"


def _a_case(case: Case, *, letter: str, **more: str) -> list[tuple[models.Model, dict[str, str]]]:
    own = {"id": "lot.case_id", "patient_id": "lot.patient_id", "code": f"'{letter}' || lpad(n::text, 7, '0')"}
    own["reference"] = "left(md5(lot.case_id::text), 10)"
    return [(case, own | more), (case.contact, {"id": NEW, "case_id": "lot.case_id", "entered_by_id": "lot.user_id"})]


def copies(lot: str, values: list, *patterns: tuple[models.Model, dict[str, str]]) -> None:
    """For each row of `lot` (a query) a copy of each pattern, with the columns of its own that are said beside it."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE lot AS {lot}", values)
        for pattern, own in patterns:
            cursor.execute(_copies_of(pattern, own), [pattern.pk])
        cursor.execute("DROP TABLE lot")
        cursor.execute("ANALYZE people_patient, cases_case, contacts_contact")


def _copies_of(row: models.Model, own: dict[str, str]) -> str:
    """The statement that writes a copy of a row for each of the lot; `own` says which columns differ, and how."""
    columns = [field.column for field in row._meta.concrete_fields]
    values = [own.get(column, f'pattern."{column}"') for column in columns]
    named = ", ".join(f'"{column}"' for column in columns)
    return (
        f"INSERT INTO {row._meta.db_table} ({named})"  # noqa: S608  our own words only
        f" SELECT {', '.join(values)} FROM {row._meta.db_table} pattern, lot WHERE pattern.id = %s"
    )


OF_A_DAY = 20
"""Urgent times that a large clinic keeps in a day, half an hour apart."""


def urgent_times(rota: list[tuple[Unit, User]], count: int) -> None:
    """So many free urgent times in each unit, from tomorrow on, over as many days as they need; all times of before are gone."""
    first = clock.now() + timedelta(days=1)
    half = timedelta(minutes=30)
    sessions, slots = [], []
    for unit, person in rota:
        for number in range(count):
            day, place = divmod(number, OF_A_DAY)
            start = first + timedelta(days=day) + half * place
            if place == 0:
                hours = {"starts_at": start, "ends_at": start + half * OF_A_DAY}
                sessions.append(Session(unit=unit, person=person, kind="clinic", **hours))
            slots.append(Slot(session=sessions[-1], unit=unit, kind="urgent", starts_at=start, ends_at=start + half))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE clinic_appointment, clinic_slot, clinic_session CASCADE")
    Session.objects.bulk_create(sessions, batch_size=2_000)
    Slot.objects.bulk_create(slots, batch_size=2_000)
    let_go()


def let_go() -> None:
    """No time is held or booked any more; what is over stays."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE clinic_appointment")
        _a_past(cursor)
        cursor.execute("VACUUM ANALYZE clinic_slot, clinic_appointment, clinic_session")


A_MONTH = 2_000
_SLOTS_OVER = """
INSERT INTO clinic_slot (id, created_at, session_id, unit_id, kind, starts_at, ends_at, opened_why)
SELECT gen_random_uuid(), n.starts_at, n.id, n.unit_id, 'urgent', n.starts_at + i * interval '20 minutes',
       n.starts_at + (i + 1) * interval '20 minutes', ''
  FROM clinic_session n, generate_series(0, %(count)s - 1) i WHERE n.id = %(session)s
"""
_OVER = """
INSERT INTO clinic_appointment (id, created_at, unit_id, slot_id, case_id, patient_id, state, held_at, ended_at, ended_why)
SELECT gen_random_uuid(), s.starts_at, s.unit_id, s.id, c.id, c.patient_id, 'attended', s.starts_at, s.ends_at, ''
  FROM (SELECT *, row_number() OVER () AS n FROM clinic_slot WHERE unit_id = %(unit)s) s
  JOIN (SELECT *, row_number() OVER () - 1 AS n FROM cases_case WHERE unit_id = %(unit)s) c ON c.n = s.n %% %(people)s
"""


def _a_past(cursor) -> None:
    """The clinic next door has had people come for a month. A database that has never seen a time taken plans as if none would be."""
    unit = _next_door()
    if not Session.objects.filter(unit=unit).exists():
        person = User.objects.filter(memberships__unit=unit).first()
        before = clock.now() - timedelta(days=60)
        over = {"starts_at": before, "ends_at": before + timedelta(days=40)}
        session = Session.objects.create(unit=unit, person=person, kind="clinic", **over)
        cursor.execute(_SLOTS_OVER, {"session": session.id, "count": A_MONTH})
    cursor.execute(_OVER, {"unit": unit.id, "people": NEXT_DOOR})


def times(unit: Unit, person: User, count: int, *, kind: str = "urgent", after: timedelta = timedelta(days=1)) -> None:
    """So many free times from `after` now; appointments and times of before are gone."""
    start = clock.now() + after
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE clinic_appointment")
        cursor.execute("DELETE FROM clinic_slot WHERE unit_id = %s", [unit.id])
        cursor.execute("DELETE FROM clinic_session WHERE unit_id = %s", [unit.id])
    let_go()
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
