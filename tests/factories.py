"""People and states in words: what tests begin with. Everything is made through the rooms' own verbs."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from django.db.models import F

from followup import programmes
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.clinic import services as clinic
from followup.clinic.models import Session, SlotKind
from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.core.journal import System
from followup.core.models import Entry
from followup.people import services as people
from followup.people.models import Patient, Unit, User
from followup.programmes import queries as programme_queries
from followup.programmes import services as programme_services
from followup.programmes.models import Programme

TESTS = System("tests")
IBD = Path(programmes.__file__).parent / "shipped" / "ibd.yaml"
WORKDAY = {str(day): [["08:00", "16:30"]] for day in range(5)}

SUNDAY_EVENING = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
"""19:00 in Eksjö; the clinic opens on Monday 23 November at 08:00 and the third day ends on Wednesday at 16:30."""
MONDAY_MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""09:00 in Eksjö, an hour after opening."""

PASSWORD = "a long pass phrase"

_numbers = itertools.count(1)


def a_programme() -> Programme:
    loaded = Programme.objects.filter(key="ibd").exists()
    if not loaded:
        programme_services.load(IBD, by=TESTS)
    return programme_queries.current("ibd")


def a_unit(**columns: Any) -> Unit:
    number = next(_numbers)
    return Unit.objects.create(
        **{
            "name": f"Unit {number} {datetime.now(UTC).timestamp()}",  # noqa: TID251  a name, not a time
            "sender": "Mottagningen",
            "weekly_hours": WORKDAY,
            "holidays": "SE",
            "phone": "08-465 004 00",
            "place": "Eksjö",
            "country_codes": [46, 44],
            **columns,
        }
    )


def _staff(role: str, unit: Unit, name: str) -> User:
    username = f"{role}-{unit.id.hex[:8]}-{next(_numbers)}"
    return people.add_staff(username=username, name=name, role=role, unit=unit, by=TESTS, password=PASSWORD)


def a_nurse(unit: Unit, name: str = "Karin Nurse") -> User:
    return _staff("nurse", unit, name)


def a_clinician(unit: Unit, name: str = "Dr Olsson") -> User:
    return _staff("clinician", unit, name)


def a_coordinator(unit: Unit, name: str = "Eva Coordinator") -> User:
    return _staff("coordinator", unit, name)


def a_patient(unit: Unit, **columns: Any) -> Patient:
    number = next(_numbers)
    return people.add_patient(
        **{
            "unit": unit,
            "programme": a_programme(),
            "by": TESTS,
            "number": f"T{number:05}",
            "username": f"patient-{unit.id.hex[:8]}-{number}",
            "given_name": "Anna",
            "family_name": "Berg",
            "born_on": date(1971, 5, 3),
            "diagnosis": "uc",
            "group": "annual_phone",
            "phone": f"+4670174{number % 10_000:04}",
            "email": f"anna{number}@example.org",
            "language": "en",
            **columns,
        }
    )


def urgent_times(
    unit: Unit,
    day: date,
    count: int = 2,
    *,
    first: time = time(13, 0),
    kind: str = SlotKind.URGENT,
    doctor: User | None = None,
) -> Session:
    """A clinic session with `count` times of half an hour from `first`, local time."""
    starts = datetime.combine(day, first, unit.zone)
    spans = [(starts + timedelta(minutes=30 * n), starts + timedelta(minutes=30 * (n + 1))) for n in range(count)]
    return clinic.add_session(
        unit=unit,
        person=doctor or a_clinician(unit),
        kind="clinic",
        starts_at=starts,
        ends_at=spans[-1][1],
        room="room 4",
        slots=[(kind, start, end) for start, end in spans],
        by=TESTS,
    )


def a_flare(patient: Patient, *, booked: bool = True, **request: Any) -> Contact:
    """A patient who feels worse; `booked`: the worker has laid the call and kept a time."""
    contact = contacts.receive(
        patient=patient, by=patient.user, **{"reason": "flare", "message": "It hurts again.", **request}
    )
    if booked:
        contacts.book(contact.id)
    contact.refresh_from_db()
    return contact


def texts_of(**whose: object) -> list[str]:
    """The templates of the texts to somebody, in the order in which they were queued: a clock that stands still tells them not apart."""
    queued = Entry.objects.filter(verb="message.queued", detail__channel="sms", **whose).order_by("id")
    return list(queued.values_list("detail__template", flat=True))


def callback_of(contact: Contact) -> Callback:
    """The open callback of a contact, else its latest."""
    rows = Callback.objects.select_related("case", "patient", "unit").filter(case_id=contact.case_id)
    return rows.order_by(F("ended_at").desc(nulls_first=True)).first()


def a_call_with(nurse: User, contact: Contact) -> Callback:
    """The callback of this contact, claimed by this nurse."""
    return callbacks.claim_chosen(callback_of(contact), by=nurse, why="she is on the line")
