"""The matrix: every role at every address, with an id of its own, of its unit, of another unit, and of nobody.

Somebody else's id and an id that nobody has answer alike, to the letter. The table below is the whole: an address that is not in it fails
the first test, so a new page says here who may open it.
"""

import re
import uuid

import pytest
from django.db import transaction
from django.urls import URLPattern, get_resolver

from followup.callbacks import services as callbacks
from followup.callbacks.models import CallOutcome
from followup.cases.models import Ask
from followup.clinic.models import Appointment, SlotKind, TemplateLine
from followup.contacts import services as contacts
from followup.core.models import Outbox
from followup.messages.models import Message
from followup.people import services as people
from tests import factories as make

STAFF = {"nurse", "clinician", "coordinator"}
CALLS = {"nurse", "coordinator"}
ASKS = {"clinician", "coordinator"}
BOARD = {*STAFF, "wall"}
RUNS_IT = {"coordinator"}
PATIENT = {"patient"}
EVERYBODY = {*BOARD, *PATIENT, "system", "administrator", "nobody"}
ROLES = sorted(EVERYBODY)

# address: (methods that it answers, who may)
TABLE = {
    "api/v1/schema": ("get", EVERYBODY),
    "api/v1/contacts": ("get", STAFF),
    "api/v1/contacts/<uuid:contact_id>": ("get", STAFF | PATIENT),
    "api/v1/me/cases": ("get", PATIENT),
    "api/v1/patients/<uuid:patient_id>/cases": ("get", STAFF | PATIENT),
    "api/v1/callbacks": ("get", CALLS),
    "api/v1/callbacks/claim": ("post", CALLS),
    "api/v1/callbacks/<uuid:callback_id>/extend": ("post", CALLS),
    "api/v1/callbacks/<uuid:callback_id>/release": ("post", CALLS),
    "api/v1/callbacks/<uuid:callback_id>/dial": ("post", CALLS),
    "api/v1/callbacks/<uuid:callback_id>/outcome": ("post", CALLS),
    "api/v1/slots": ("get", STAFF | PATIENT),
    "api/v1/appointments": ("get", STAFF),
    "api/v1/appointments/<uuid:appointment_id>/cancel": ("post", STAFF | PATIENT),
    "api/v1/board": ("get", BOARD),
    "api/v1/messages": ("get", STAFF),
    "api/v1/worklists": ("get", STAFF),
    "api/v1/worklists/at_risk": ("get", STAFF),
    "api/v1/worklists/late": ("get", STAFF),
    "api/v1/worklists/to_decide": ("get", STAFF),
    "api/v1/worklists/held_near": ("get", STAFF),
    "api/v1/worklists/unmarked": ("get", STAFF),
    "api/v1/worklists/asks": ("get", STAFF),
    "api/v1/worklists/messages": ("get", STAFF),
    "api/v1/worklists/no_channel": ("get", STAFF),
    "wall/": ("get", BOARD),
    "wall/rows/<uuid:case_id>/": ("get", BOARD),
    "staff/": ("get", STAFF | {"wall", "administrator"}),
    "desk/": ("get", STAFF | {"wall", "administrator"}),
    "desk/house/": ("get", {"administrator"}),
    "desk/queue/": ("get", CALLS),
    "desk/queue/rows/": ("get", CALLS),
    "desk/calls/next/": ("post", CALLS),
    "desk/calls/<uuid:callback_id>/": ("get post", CALLS),
    "desk/calls/<uuid:callback_id>/open/": ("get post", CALLS),
    "desk/calls/<uuid:callback_id>/dial/": ("post", CALLS),
    "desk/calls/<uuid:callback_id>/keep/": ("post", CALLS),
    "desk/calls/<uuid:callback_id>/whose/": ("get", CALLS),
    "desk/calls/<uuid:callback_id>/take-over/": ("get post", CALLS),
    "desk/calls/<uuid:callback_id>/hand-over/": ("get post", CALLS),
    "desk/calls/<uuid:callback_id>/later/": ("get post", CALLS),
    "desk/calls/<uuid:callback_id>/decide/": ("get post", CALLS),
    "desk/going/": ("get post", CALLS),
    "desk/patients/": ("get", STAFF),
    "desk/patients/<uuid:patient_id>/": ("get", STAFF),
    "desk/patients/<uuid:patient_id>/request/": ("get post", STAFF),
    "desk/board/": ("get", BOARD),
    "desk/board/rows/<uuid:case_id>/": ("get", STAFF),
    "desk/alerts/": ("get", STAFF),
    "desk/alerts/told-where/": ("get post", RUNS_IT),
    "desk/alerts/messages/<uuid:message_id>/": ("post", STAFF),
    "desk/alerts/given-up/<int:row_id>/": ("post", RUNS_IT),
    "desk/cases/<uuid:case_id>/ways-out/": ("get", RUNS_IT),
    "desk/cases/<uuid:case_id>/ways-out/take/": ("post", RUNS_IT),
    "desk/cases/<uuid:case_id>/ways-out/trade/": ("post", RUNS_IT),
    "desk/cases/<uuid:case_id>/open-time/": ("get post", STAFF),
    "desk/asks/": ("get", ASKS),
    "desk/asks/<uuid:ask_id>/": ("get", ASKS),
    "desk/asks/<uuid:ask_id>/hand/": ("post", ASKS),
    "desk/cases/<uuid:case_id>/": ("get post", STAFF),
    "desk/cases/<uuid:case_id>/meeting/": ("post", STAFF),
    "desk/cases/<uuid:case_id>/reopen/": ("get post", STAFF),
    "desk/agreed/<uuid:outcome_id>/": ("get", STAFF),
    "desk/morning/": ("get", STAFF),
    "desk/sessions/": ("get", STAFF),
    "desk/sessions/add/": ("get post", RUNS_IT),
    "desk/sessions/open-time/": ("get post", STAFF),
    "desk/sessions/template/": ("get", RUNS_IT),
    "desk/sessions/template/add/": ("get post", RUNS_IT),
    "desk/sessions/template/<uuid:line_id>/": ("get post", RUNS_IT),
    "desk/sessions/template/<uuid:line_id>/remove/": ("get post", RUNS_IT),
    "desk/sessions/<uuid:session_id>/": ("get", STAFF),
    "desk/sessions/<uuid:session_id>/close/": ("get post", RUNS_IT),
    "desk/slots/<uuid:slot_id>/urgent/": ("post", RUNS_IT),
    "desk/slots/<uuid:slot_id>/close/": ("post", RUNS_IT),
    "desk/clinic-day/": ("get", STAFF),
    "desk/appointments/<uuid:appointment_id>/mark/": ("post", STAFF),
    "desk/appointments/<uuid:appointment_id>/cancel/": ("get post", STAFF),
    "desk/appointments/<uuid:appointment_id>/change/": ("get post", STAFF),
    "signed-in/": ("get", EVERYBODY - {"wall", "nobody"}),
    "home/": ("get", PATIENT),
    "where/": ("get", PATIENT),
    "free-now/": ("post", PATIENT),
    "tell-us/": ("get", PATIENT),
    "tell-us/emergency/": ("get", PATIENT),
    "tell-us/check/": ("get", PATIENT),
    "tell-us/sent/": ("get", PATIENT),
    "tell-us/sent/now/": ("get", PATIENT),
    "tell-us/<slug:name>/": ("get", PATIENT),
    "times/": ("get", PATIENT),
    "times/day/": ("get", PATIENT),
    "times/day/<str:on>/": ("get", PATIENT),
    "times/check/": ("get", PATIENT),
    "times/done/": ("get", PATIENT),
    "times/none/": ("get", PATIENT),
    "times/cancel/": ("get", PATIENT),
    "times/given-back/": ("get", PATIENT),
    "times/<uuid:appointment_id>/calendar.ics": ("get", PATIENT),
    "messages/": ("get", PATIENT),
    "who-looked/": ("get", PATIENT),
    "agreed/<uuid:outcome_id>/": ("get", PATIENT),
    "contacts/": ("get", PATIENT),
    "how-to-reach-me/": ("get", PATIENT),
}
ALSO = [("post", "desk/asks/<uuid:ask_id>/", {"clinician"})]
"""Where reading and doing differ: the coordinator gives a question to somebody, a clinician answers it."""

ELSEWHERE = {
    "livez": "for the machine: tests/api/test_health.py",
    "readyz": "for the machine: tests/api/test_health.py",
    "metrics": "for the machine: tests/api/test_health.py",
    "api/": "what is not there: tests/api/test_problems.py",
    "api/v1/board/stream": "has no end: tests/board/test_board.py",
    "webhooks/twilio/status": "signed, not signed in: tests/api/test_twilio.py",
    "language": "anybody",
    "": "the first page: anybody",
    "in": "the door: tests/portal/test_signin.py",
    "sign-in/": "the door",
    "sign-in/birth/": "the door",
    "sign-in/code/": "the door",
    "sign-in/new-code/": "the door",
    "sign-in/new-number/": "the door",
    "sign-out/": "the door",
    "desk/sign-out/": "the way out: tests/desk/test_hands.py",
    "desk/sessions/copy/": "begins with a week of one's own unit: tests/desk/test_sessions.py",
    "stay-signed-in/": "the door",
    "wall/<str:key>/": "the key of a wall screen is its door: tests/people/test_staff_signin.py",
    "emergency/": "anybody: it must open without signing in",
    "demo/messages/": "the demo alone: tests/portal/test_reading.py",
}
"""Addresses that ask nobody who they are, or have no end, each with where it is tested."""

EMPTY_WHERE_GONE = "rows/<uuid:case_id>/"
"""A row of a board that is gone answers with nothing, so that it leaves the page."""

SIGN_IN_OF_STAFF = ("staff/sign-in/", "staff/not-active/", "staff/again/", "staff/password/", "staff/security/")
"""allauth's own: tests/people/test_staff_signin.py, tests/security/test_every_address.py."""


def addresses(resolver=None, before=""):
    for each in (resolver or get_resolver()).url_patterns:
        path = before + str(each.pattern).lstrip("^")
        if isinstance(each, URLPattern):
            yield path
        else:
            yield from addresses(each, path)


def test_every_address_stands_in_the_table():
    there = {path for path in addresses() if not path.startswith(SIGN_IN_OF_STAFF)}
    assert there - TABLE.keys() - ELSEWHERE.keys() == set(), "say in the table who may open it"
    assert (TABLE.keys() | ELSEWHERE.keys()) - there == set(), "these are gone"


class Rows:
    """Everything that can be named about one patient of a unit: `callback_id`, `case_id` and so on; the call is in `nurse`'s hands."""

    def __init__(self, unit, nurse, doctor, session):
        self.patient = make.a_patient(unit)
        contact = make.a_flare(self.patient)
        contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinician_asked", to=doctor, note="MRI?")
        contacts.add(patient=self.patient, by=self.patient.user, text="It is worse today.")
        contacts.give_time(contact.case, by=nurse)
        call = callbacks.claim_chosen(make.callback_of(contact), by=nurse, why="she is on the line")
        slots = session.slots.exclude(appointments__state__in=["held", "booked"]).order_by("starts_at")
        self.ids = {
            "patient_id": self.patient.id,
            "contact_id": contact.id,
            "case_id": contact.case_id,
            "callback_id": call.id,
            "ask_id": Ask.objects.get(case=contact.case).id,
            "outcome_id": CallOutcome.objects.get(callback__case=contact.case).id,
            "appointment_id": Appointment.objects.get(case=contact.case).id,
            "message_id": failed(contact),
            "row_id": given_up(unit, contact),
            "session_id": session.id,
            "slot_id": slots.first().id,
            "line_id": TemplateLine.objects.create(
                unit=unit, person=doctor, kind="clinic", weekday=0, starts=make.time(9), ends=make.time(10)
            ).id,
        }


def failed(contact):
    message = Message.objects.filter(case=contact.case).first()
    Message.objects.filter(id=message.id).update(state="failed")
    return message.id


def given_up(unit, contact):
    """Work that nobody could do, about this contact."""
    at = make.MONDAY_MORNING
    told = {"contact_id": str(contact.id)}
    return Outbox.objects.create(topic="contacts.received", payload=told, due_at=at, gave_up_at=at).id


@pytest.fixture
def rows(unit, karin, doctor):
    """By whose they are: Anna's, a neighbour's whom colleagues look after, those of a clinic elsewhere, and ids that nobody has."""
    elsewhere = make.a_unit(demo=True)

    def of(unit, nurse, doctor):
        return Rows(
            unit,
            nurse,
            doctor,
            make.urgent_times(unit, make.date(2026, 11, 24), 6, kind=SlotKind.URGENT, doctor=doctor),
        )

    return {
        "own": of(unit, karin, doctor),
        "same unit": of(unit, make.a_nurse(unit), make.a_clinician(unit)),
        "other unit": of(elsewhere, make.a_nurse(elsewhere), make.a_clinician(elsewhere)),
    }


@pytest.fixture
def asks(visitor, program, unit, karin, doctor, eva, rows):
    """`asks(role)(method, pattern, ids)`: what that role is answered; whatever it changed is as before."""
    known = {"patient": rows["own"].patient, "nurse": karin, "clinician": doctor, "coordinator": eva, "nobody": None}

    def of(role):
        user = known.get(role) if role in known else somebody(role, unit)
        page, api = visitor(user), program(user)

        def ask(method, pattern, ids):
            path = "/" + re.sub(r"<\w+:(\w+)>", lambda name: str(ids.get(name[1], FIXED.get(name[1]))), pattern)
            client = api if pattern.startswith("api/") else page
            with transaction.atomic():
                answer = said(getattr(client, method)(path), ids)
                transaction.set_rollback(True)
            return answer

        return ask

    return of


FIXED = {"name": "what", "on": "2026-11-24"}


def somebody(role, unit):
    name = f"{role}-{uuid.uuid4().hex[:6]}"
    return people.add_staff(username=name, name="Somebody", role=role, unit=unit, by=make.TESTS, password=make.PASSWORD)


NEW_EACH_TIME = re.compile(r'nonce="[^"]*"|name="csrfmiddlewaretoken" value="[^"]*"|"trace_id": ?"[^"]*"')


def said(answer, ids):
    """Status, where to, and the body, without what is new each time and without the id that was asked for."""
    body = NEW_EACH_TIME.sub("", answer.content.decode())
    where = answer.headers.get("Location", "")
    for each in filter(lambda given: isinstance(given, uuid.UUID), ids.values()):
        body, where = body.replace(str(each), "ID"), where.replace(str(each), "ID")
    return answer.status_code, where, body


def is_let_in(answer):
    """An answer about what was asked for: not a no, and not the way to a door."""
    status, where, _body = answer
    sent_away = where == "/" or where.startswith(("/sign-in/", "/staff/sign-in/", "/staff/security/"))
    return status < 500 and status not in (401, 403, 404, 405) and not sent_away


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_own_and_nothing_else(asks, rows, role):
    ask, wrong = asks(role), []
    nobodys = {name: uuid.uuid4() for name in rows["own"].ids} | {"row_id": 2_000_000_000}
    each = [(method, pattern, who) for pattern, (methods, who) in TABLE.items() for method in methods.split()]
    for method, pattern, who in each + ALSO:
        own = ask(method, pattern, rows["own"].ids)
        if is_let_in(own) != (role in who):
            wrong.append((method, pattern, own[:2]))
        if "_id>" not in pattern:
            continue
        nothing = ask(method, pattern, nobodys)
        expected = {"other unit": nothing}
        # Whoever may not even open their own is told the same of every id; to a patient their neighbour is a stranger.
        knows_of_it = role in who | TABLE[pattern][1]
        if not knows_of_it:
            expected["own"] = nothing
        if not knows_of_it or role == "patient":
            expected["same unit"] = nothing
        elif role in who:
            same = ask(method, pattern, rows["same unit"].ids)
            if not is_let_in(same):
                wrong.append((method, pattern, "same unit", same[:2]))
        if is_let_in(nothing) and not pattern.endswith(EMPTY_WHERE_GONE):
            wrong.append((method, pattern, "an id of nobody", nothing[:2]))
        for whose, answer in expected.items():
            if ask(method, pattern, rows[whose].ids) != answer:
                wrong.append((method, pattern, whose, ask(method, pattern, rows[whose].ids)[:2], answer[:2]))
    assert "\n".join(map(str, wrong)) == ""
