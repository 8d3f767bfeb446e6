"""A call that is repeated with its key is done once."""

from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection

from api.models import KeptAnswer
from followup.cases.models import Case
from followup.contacts.models import Addition
from followup.core import clock
from tests import factories as make

CONTACTS = "/api/v1/contacts"
BODY = {"reason": "other", "message": "A question"}


@pytest.fixture
def send(calling, anna):
    client = calling(anna)
    return lambda body=BODY, key="k-1", path=CONTACTS: client.post(path, body, HTTP_IDEMPOTENCY_KEY=key)


def test_the_same_call_again_gets_the_first_answer_to_the_letter(send, anna):
    first, again = send(), send()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert not Addition.objects.exists()


def test_the_order_of_names_does_not_make_it_another_call(send):
    send()
    assert send(dict(reversed(BODY.items()))).headers["Idempotency-Replayed"] == "true"


def test_another_body_or_address_under_the_same_key_is_refused(send):
    send()
    for answer in (send({"reason": "worry"}), send(path="/api/v1/appointments")):
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:followup:problem:idempotency-key-reused")
    assert not Addition.objects.exists()


def test_everybody_has_keys_of_their_own(send, calling, unit):
    first = send()
    other = calling(make.a_patient(unit)).post(CONTACTS, BODY, HTTP_IDEMPOTENCY_KEY="k-1")
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


def test_nothing_is_kept_after_a_refused_input(send):
    assert send({"reason": "bored"}).status_code == 422
    assert not KeptAnswer.objects.exists()
    assert send().status_code == 201


def test_nothing_is_kept_after_a_crash(send, anna):
    rename_table("outbox", "outbox_gone")
    with pytest.raises(ProgrammingError):
        send()
    rename_table("outbox_gone", "outbox")
    assert not KeptAnswer.objects.exists()
    assert not Case.objects.exists()
    assert send().status_code == 201


def rename_table(name, to):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} RENAME TO {to}")


def test_after_a_day_the_key_is_free_and_what_was_kept_is_gone(send, anna):
    send()
    send(key="k-2")
    with clock.turned(clock.now() + timedelta(hours=24)):
        answer = send({"reason": "worry", "message": "New"})
        assert answer.status_code == 200
        assert KeptAnswer.objects.count() == 1


def test_an_empty_answer_is_kept_too(calling, nurse):
    client = calling(nurse)
    claims = [client.post("/api/v1/callbacks/claim", HTTP_IDEMPOTENCY_KEY="c") for _ in range(2)]
    assert [(each.status_code, each.content) for each in claims] == [(204, b""), (204, b"")]
    assert claims[1].headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "k" * 201, "a\tb"])
def test_a_key_that_is_none_is_refused(send, key):
    answer = send(key=key)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:followup:problem:idempotency-key-invalid")
    assert not Case.objects.exists()
