"""No page and no call of the API asks the database more often because the clinic has grown."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from followup.callbacks import services as callbacks
from followup.callbacks.models import Attempt, Callback, CallOutcome, LeftNote
from followup.cases import services as cases
from followup.cases.models import Ask, Case, Move, Shortage
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Session, Slot
from followup.contacts import services as contacts
from followup.contacts.models import Addition, Contact
from followup.core import clock
from followup.messages.models import Message
from followup.people import access
from followup.people import services as people
from followup.people.models import Role, User
from tests import factories as make
from tests.growth import copies
from tests.security.test_who_sees_what import TABLE, Rows

MANY = 200
CLINICS = 25
"""So many times the whole unit, some ten open requests each: every list has more than a hundred lines or all that its page shows."""
SAYS_NOTHING_OF_ROWS = {"api/v1/schema"}
FIXED = {"name": "what", "on": "2026-11-24"}
NEWCOMER, BEGINS = "patient who begins", ("home/", "tell-us/")
DIFFERS = {"desk/calls/<uuid:callback_id>/", "desk/calls/<uuid:callback_id>/take-over/", "desk/asks/<uuid:ask_id>/"}
"""What a colleague's page reads is not what one's own does; all else is the same for whoever of staff may see it."""
OTHER_FACES = {
    "desk/patients/": ["?q=Berg"],
    "desk/queue/": ["?show=new", "?show=retry", "?show=decide"],
    "desk/board/": ["?names=1"],
    "desk/clinic-day/": ["?day=2026-11-24"],
    "api/v1/callbacks": ["?state=done", "?mine=1"],
    "api/v1/board": ["?names=1"],
    "api/v1/slots": ["?kind=urgent"],
}
"""The same address, asked in ways that read something else."""

MOST_OF_A_PAGE = 15
MOST: dict[str, int] = {
    "desk/alerts/": 31,
    "desk/calls/<uuid:callback_id>/": 31,
    "desk/cases/<uuid:case_id>/ways-out/": 30,
    "desk/calls/<uuid:callback_id>/decide/": 28,
    "desk/asks/<uuid:ask_id>/": 27,
    "api/v1/worklists": 25,
    "desk/morning/": 23,
    "desk/patients/<uuid:patient_id>/": 23,
    "desk/appointments/<uuid:appointment_id>/change/": 21,
    "home/": 21,
    "desk/cases/<uuid:case_id>/open-time/": 20,
    "times/": 19,
    "times/cancel/": 19,
    "times/day/": 19,
    "times/day/<str:on>/": 19,
    "times/none/": 19,
    "tell-us/": 18,
    "tell-us/emergency/": 18,
    "tell-us/sent/": 18,
    "desk/appointments/<uuid:appointment_id>/cancel/": 17,
    "api/v1/patients/<uuid:patient_id>/cases": 16,
    "desk/patients/<uuid:patient_id>/request/": 16,
    "desk/queue/?show=retry": 16,
    "where/": 16,
}
"""Statements of the pages that tell of many things at once; every other page must do with fewer."""


@dataclass
class World:
    """Who looks, and what they look at: the ids of one patient with a past, and other ids for pages that are about something else."""

    people: dict[str, User]
    ids: dict[str, UUID]
    other_ids: dict[str, dict[str, UUID]]


def test_no_page_asks_more_often_when_the_clinic_has_grown(settings, db, monday, unit, karin, doctor, eva):
    settings.FOLLOWUP_STAFF_MFA = False
    world = one_of_everything(unit, karin, doctor, eva)
    few = asked_by_everybody(world)
    grow(world)
    many = asked_by_everybody(world)
    assert few.keys() == many.keys()
    grown = [longer(which, few[which], many[which]) for which in few if len(few[which]) != len(many[which])]
    assert "\n".join(grown) == ""
    most: dict[str, int] = {}
    for (_who, page), said in few.items():
        most[page] = max(most.get(page, 0), len(said))
    assert {page: n for page, n in most.items() if n > MOST.get(page, MOST_OF_A_PAGE)} == {}


def test_a_claim_and_a_hold_take_two_round_trips_at_most(db, monday, unit, karin, maria, doctor):
    make.urgent_times(unit, make.date(2026, 11, 24), 6, doctor=doctor)
    case, at = make.a_flare(make.a_patient(unit), booked=False).case, clock.now()
    assert access.unit_of(karin) == access.unit_of(maria)  # who they are is read at the door
    with statements() as asked:
        assert clinic.hold_earliest(case=case, earliest=at, before=at + timedelta(days=3), by=make.TESTS)
    assert len(asked) <= 2
    with statements() as asked:
        assert callbacks.claim_next(by=karin)
    assert len(asked) <= 2
    with statements() as asked:
        assert callbacks.claim_next(by=maria) is None
    assert len(asked) <= 2


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database inside; not the words that begin and end a part of a transaction, which is a test's own."""
    asked: list[str] = []
    connection.queries_log.clear()  # it holds only so many
    with CaptureQueriesContext(connection) as said:
        yield asked
    asked += [each["sql"] for each in said if "SAVEPOINT" not in str(each["sql"])]


def asked_by_everybody(world: World) -> dict[tuple[str, str], list[str]]:
    """What each address asks the database, by who opened it and the address; nothing stays of what that wrote."""
    found: dict[tuple[str, str], list[str]] = {}
    seen_by_staff: set[str] = set()
    for who, user in world.people.items():
        client = Client(headers={"accept": "text/html, */*"})
        client.force_login(user, backend="followup.people.backends.WithoutPassword")
        for pattern, (methods, may) in TABLE.items():
            if user.role not in may or "get" not in methods.split() or pattern in SAYS_NOTHING_OF_ROWS:
                continue
            if who == NEWCOMER and not pattern.startswith(BEGINS):
                continue
            if user.membership and pattern in seen_by_staff and pattern not in DIFFERS:
                continue
            seen_by_staff |= {pattern} if user.membership else set()
            ids = FIXED | world.ids | world.other_ids.get(pattern, {})
            path = "/" + re.sub(r"<\w+:(\w+)>", lambda name, ids=ids: str(ids.get(name[1])), pattern)
            for face in ["", *OTHER_FACES.get(pattern, [])]:
                with transaction.atomic(), statements() as asked:
                    answer = client.get(path + face)
                    transaction.set_rollback(True)
                assert answer.status_code < 400, (who, path + face, answer.status_code)
                found[who, pattern + face] = asked
    return found


def longer(which: tuple[str, str], few: list[str], many: list[str]) -> str:
    """Who asked for what, and the statements that come more often, without their values."""
    shape = partial(re.sub, r"'[^']*'(::\w+)?|\b\d+\b", "?")
    more = Counter(map(shape, many)) - Counter(map(shape, few))
    told = [f"  {count} x {sql[:600]}" for sql, count in more.items()]
    return "\n".join([f"{which}: {len(few)} statements, {len(many)} in the clinic that has grown", *told])


# What there is: one of each thing that a page can list


def one_of_everything(unit, nurse, doctor, coordinator) -> World:
    rows = Rows(unit, nurse, doctor, make.urgent_times(unit, make.date(2026, 11, 24), 6, doctor=doctor))
    call = Callback.objects.get(id=rows.ids["callback_id"])
    contacts.dial(call, by=nurse)
    LeftNote.objects.create(callback=call, by=make.a_nurse(unit), text="She rang at noon.")
    access.open_record(rows.patient, by=nurse, where="call")
    earlier = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(nurse, earlier), by=nurse, outcome="all_well", note="Better.")
    Case.objects.filter(id=earlier.case_id).update(patient=rows.patient)
    for row in (Callback, Message, Appointment):
        row.objects.filter(case=earlier.case_id).update(patient=rows.patient)
    at = clock.now()
    CallOutcome.objects.filter(callback__case=earlier.case_id).update(at=at - timedelta(days=7))
    waits(unit, phone="", email="")
    cases.put_at_risk(waits(unit).case, Shortage.NEEDS_A_TIME, by=make.TESTS)
    late, to_decide = make.callback_of(waits(unit)), make.callback_of(waits(unit))
    Callback.objects.filter(id=late.id).update(due=at - timedelta(hours=1))
    Callback.objects.filter(id=to_decide.id).update(unanswered=3, decide_since=at)
    asked = waits(unit)
    contacts.finish(make.a_call_with(nurse, asked), by=nurse, outcome="clinician_asked", to=doctor, note="MRI?")
    Ask.objects.filter(case=asked.case).update(due=at - timedelta(hours=1))
    has_a_time(waits(unit), "held", at + timedelta(hours=1))
    has_a_time(waits(unit), "booked", at - timedelta(hours=3))
    begins = make.a_patient(unit)
    contacts.save_draft(patient=begins, answers={"answers": {"red_flags": []}, "reason": "other", "message": "Hello."})
    call = "desk/calls/<uuid:callback_id>/"
    return World(
        people={
            "patient": rows.patient.user,
            NEWCOMER: begins.user,
            "nurse": nurse,
            "clinician": doctor,
            "coordinator": coordinator,
            "wall": people.add_staff(username="the-wall", name="Wall", role=Role.WALL, unit=unit, by=make.TESTS),
        },
        ids=rows.ids,
        other_ids={f"{call}open/": {"callback_id": late.id}, f"{call}decide/": {"callback_id": to_decide.id}},
    )


def waits(unit, **columns) -> Contact:
    return make.a_flare(make.a_patient(unit, **columns))


def has_a_time(contact: Contact, state: str, starts_at) -> None:
    Appointment.objects.filter(case=contact.case).delete()
    case, ends_at = contact.case, starts_at + timedelta(minutes=30)
    session = Session.objects.create(
        unit=case.unit, person=make.a_clinician(case.unit), kind="clinic", starts_at=starts_at, ends_at=ends_at
    )
    slot = Slot.objects.create(session=session, unit=case.unit, kind="urgent", starts_at=starts_at, ends_at=ends_at)
    Appointment.objects.create(
        unit=case.unit, slot=slot, case=case, patient=case.patient, state=state, held_at=starts_at
    )


# And the same with many of each


def grow(world: World) -> None:
    copies(CLINICS)
    Ask.objects.update(owner=world.people["clinician"])
    case, call = Case.objects.get(id=world.ids["case_id"]), Callback.objects.get(id=world.ids["callback_id"])
    past = Case.objects.filter(patient=case.patient).exclude(id=case.id).get()
    copies(MANY - 1, of=[past.id, *ids_around(past)])
    for rows in (
        Addition.objects.filter(contact__case=case),
        Attempt.objects.filter(callback__case=case),
        Message.objects.filter(case=case),
        Move.objects.filter(case=case),
    ):
        copies(MANY - 1, of=rows.values_list("id", flat=True))
    colleagues = User.objects.filter(memberships__role=Role.NURSE).exclude(id=call.claimed_by_id)
    notes = LeftNote.objects.filter(callback=call)
    LeftNote.objects.bulk_create(
        LeftNote(callback=call, by=each, text="And again.")
        for each in colleagues.exclude(id__in=notes.values("by"))[:MANY]
    )


def ids_around(case: Case) -> list:
    around = [
        Contact.objects.filter(case=case),
        Move.objects.filter(case=case),
        Addition.objects.filter(contact__case=case),
        Callback.objects.filter(case=case),
        Attempt.objects.filter(callback__case=case),
        CallOutcome.objects.filter(callback__case=case),
        Ask.objects.filter(case=case),
        Appointment.objects.filter(case=case),
        Message.objects.filter(case=case),
    ]
    return [id for rows in around for id in rows.values_list("id", flat=True)]
