"""The API is held to its document: schemathesis reads what is served, calls every operation as everybody, and compares."""

import uuid

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from followup.clinic.models import Appointment
from followup.people import services as people
from tests import factories as make

TUESDAY = make.date(2026, 11, 24)
STAFF = {"nurse", "clinician", "coordinator"}
CALLERS = {"nurse", "coordinator"}
EVERYBODY = {"patient", *STAFF, "wall", "system"}

MAY_USE = {
    "sendContact": STAFF | {"patient"},
    "listContacts": STAFF,
    "readContact": STAFF | {"patient"},
    "listMyCases": {"patient"},
    "listCasesOfPatient": STAFF | {"patient"},
    "listCallbacks": CALLERS,
    "claimNextCallback": CALLERS,
    "extendCallback": CALLERS,
    "releaseCallback": CALLERS,
    "dialCallback": CALLERS,
    "finishCallback": CALLERS,
    "listFreeSlots": STAFF | {"patient"},
    "listAppointments": STAFF,
    "giveTime": STAFF | {"patient"},
    "cancelAppointment": STAFF | {"patient"},
    "readBoard": STAFF | {"wall"},
    "listMessages": STAFF,
    "readWorklists": STAFF,
    "workAtRisk": STAFF,
    "workLate": STAFF,
    "workToDecide": STAFF,
    "workHeldNear": STAFF,
    "workUnmarked": STAFF,
    "workAsks": STAFF,
    "workMessages": STAFF,
    "workNoChannel": STAFF,
}
"""One line for each operation: whom it answers with a 2xx."""

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 4}


@pytest.fixture
def operations(calling):
    document = calling().get("/api/v1/schema").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    # As Django's own test client does: the connection that holds the test's transaction stays open between calls.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    found = [each.ok() for each in schema.get_all_operations()]
    yield {each.definition.raw["operationId"]: each for each in found}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_operation_has_a_line_here(operations):
    assert operations.keys() == MAY_USE.keys()


class World:
    """A unit where something waits for everybody; `ids` by the names of the addresses."""

    def __init__(self, unit, role):
        make.urgent_times(unit, TUESDAY, 6)
        self.anna = make.a_patient(unit)
        self.contact = make.a_flare(self.anna)
        self.caller = self.anna.user if role == "patient" else somebody(role, unit)
        other = make.a_flare(make.a_patient(unit, given_name="Bo"))
        call = make.a_call_with(self.caller, other) if role in CALLERS else make.callback_of(other)
        self.ids = {
            "contact_id": self.contact.id,
            "patient_id": self.anna.id,
            "callback_id": call.id,
            "appointment_id": Appointment.objects.get(case=self.contact.case).id,
        }
        own = {} if role == "patient" else {"patient": str(self.anna.id)}
        self.bodies = {
            "sendContact": {"reason": "worry", "message": "It is back.", **own},
            "giveTime": {"case": str(self.contact.case_id)},
            "finishCallback": {"outcome": "all_well", "note": "Well again."},
            "releaseCallback": {"note": "She is asleep."},
        }

    def path_of(self, operation):
        return {each.name: str(self.ids[each.name]) for each in operation.path_parameters}


def somebody(role, unit):
    name = f"{role}-{uuid.uuid4().hex[:8]}"
    return people.add_staff(username=name, name=role.title(), role=role, unit=unit, by=make.TESTS)


def answer_to(case, key):
    """Called and compared with the document; whatever it changed is as before."""
    with transaction.atomic():
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)
        transaction.set_rollback(True)
    return answer.status_code


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_every_answer_is_as_the_document_says(operations, unit, role):
    world = World(unit, role)
    key = people.new_token(user=world.caller, by=make.TESTS)
    for name, operation in operations.items():
        body = {"body": world.bodies[name], "media_type": "application/json"} if name in world.bodies else {}
        usual = operation.Case(path_parameters=world.path_of(operation), **body)
        status = answer_to(usual, key)
        assert (200 <= status < 300) == (role in MAY_USE[name]), (name, status)
        for mode in GenerationMode if role in MAY_USE[name] else ():
            anything_like(operation, mode, world, lambda case: answer_to(case, key))


def anything_like(operation, mode, world, ask):
    """What the document allows with the ids of rows that are there, and what it does not with any."""
    fixed = {"path_parameters": world.path_of(operation)} if mode == GenerationMode.POSITIVE else {}

    @settings(
        max_examples=EXAMPLES[mode],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, **fixed))
    def each(case):
        ask(case)

    each()
