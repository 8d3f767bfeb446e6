"""A call that is sent twice at once with one Idempotency-Key is done once."""

import threading

import pytest
from django.db import connection, transaction
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from api import idempotency
from api.idempotency import TwinRunning, once
from followup.cases.models import Case
from followup.contacts.models import Addition
from followup.core import journal
from followup.core.models import Entry
from followup.people import services as people
from followup.people.models import Patient
from tests import factories as make
from tests.house import until
from tests.races.at_once import at_once

MANY = 6
WORK = "INSERT INTO journal"


def sender(patient):
    """Calls as this patient; every thread has a connection of its own."""
    key = people.new_token(user=patient.user, by=make.TESTS)

    def send(idempotency_key="k-1"):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        body = {"reason": "other", "message": "A question"}
        headers = {"HTTP_IDEMPOTENCY_KEY": idempotency_key} if idempotency_key else {}
        return client.post("/api/v1/contacts", body, **headers)

    return send


def test_twins_at_once_do_the_work_once(unit):
    anna = make.a_patient(unit)
    send = sender(anna)
    answers = at_once([send] * MANY)
    done = [each for each in answers if each.status_code == 201]
    refused = [each.json()["type"] for each in answers if each.status_code != 201]
    assert len({each.content for each in done}) == 1
    assert set(refused) <= {f"urn:followup:problem:{TwinRunning.code}"}
    assert Case.objects.filter(patient=anna).count() == 1
    assert not Addition.objects.filter(contact__case__patient=anna).exists()


def test_without_the_key_each_of_them_finds_the_open_request(unit):
    """The verb behind it has a guard of its own: the same words are said once."""
    anna = make.a_patient(unit)
    send = sender(anna)
    answers = at_once([lambda: send(None)] * MANY)
    assert sorted(each.status_code for each in answers) == [200] * (MANY - 1) + [201]
    assert not Addition.objects.filter(contact__case__patient=anna).exists()


class Work(APIView):
    """Work that has no guard of its own: each time it is done there is a line more."""

    @once
    @transaction.atomic
    def post(self, request):
        journal.write("test.worked", by=request.user, unit_id=request.user.unit.id)
        return Response(status=201)


@pytest.fixture
def worker_of(unit):
    """Calls to that work by a nurse, with or without a key; and how often it was done."""
    key = people.new_token(user=make.a_nurse(unit), by=make.TESTS)

    def call(idempotency_key=None):
        headers = {"Authorization": f"Bearer {key}"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        return Work.as_view()(APIRequestFactory().post("/work", {}, headers=headers)).status_code

    call.times_done = lambda: Entry.objects.filter(unit_id=unit.id, verb="test.worked").count()
    return call


def test_work_that_is_sent_twice_at_once_with_a_key_is_done_once(worker_of):
    answers = at_once([lambda: worker_of("k-1")] * 2, meet=WORK)
    assert sorted(answers) == [201, 409]
    assert worker_of("k-1") == 201
    assert worker_of.times_done() == 1


def test_without_the_key_it_is_done_twice(worker_of):
    """The control."""
    assert at_once([worker_of] * 2, meet=WORK) == [201, 201]
    assert worker_of.times_done() == 2


def test_without_the_lock_on_the_key_its_row_is_the_last_guard(worker_of, monkeypatch):
    """The control of the lock: both do the work, and one of them in vain; it is undone where its answer cannot be kept."""
    monkeypatch.setattr(idempotency, "_lock", lambda caller, key: None)
    answers = at_once([lambda: worker_of("k-1")] * 2, meet=WORK)
    assert sorted(answers) == [201, 500]
    assert worker_of.times_done() == 1


def test_a_twin_of_a_call_that_is_being_worked_on_is_told_so(unit):
    anna = make.a_patient(unit)
    send = sender(anna)
    answers = []

    def first():
        answers.append(send())
        connection.close()

    with transaction.atomic():
        Patient.objects.select_for_update().get(id=anna.id)  # holds the first call in the middle of its work
        thread = threading.Thread(target=first)
        thread.start()
        until(waiting_for_a_row, what="the first call waiting")
        twin = send()
    thread.join(timeout=10)
    assert (twin.status_code, twin.json()["type"]) == (409, f"urn:followup:problem:{TwinRunning.code}")
    again = send()
    assert (answers[0].status_code, again.status_code) == (201, 201)
    assert again.content == answers[0].content


def waiting_for_a_row():
    """How many others wait for a lock that this very connection holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
        return cursor.fetchone()[0]
