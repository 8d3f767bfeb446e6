"""Whatever goes wrong is said as a problem document, and nothing is said that need not be."""

import pytest
from django.db import OperationalError

from followup.messages import queries as messages
from tests import factories as make

CONTACTS = "/api/v1/contacts"


def said(answer):
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    problem = answer.json()
    assert {"type", "title", "status", "detail", "trace_id"} <= set(problem)
    assert problem["status"] == answer.status_code
    return problem["status"], problem["type"].removeprefix("urn:followup:problem:")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nonsense", "Bearer a b", "Basic YTpi", "Bearer \xff"]
)
def test_without_a_good_key_nobody_is_known(calling, header):
    answer = calling().get(CONTACTS, **({"HTTP_AUTHORIZATION": header} if header else {}))
    assert said(answer) == (401, "not-authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_that_was_ended_is_no_key(calling, nurse):
    from followup.people import services as people

    client = calling(nurse)
    people.revoke_tokens(user=nurse, by=make.TESTS)
    assert said(client.get(CONTACTS)) == (401, "not-authenticated")


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"\xff\xfe", b'{"reason": NaN}', b'{"reason": ' + b"1" * 5_000 + b"}"]
)
def test_what_is_not_json_is_400(calling, anna, body):
    assert said(calling(anna).post(CONTACTS, body, content_type="application/json")) == (400, "malformed")


def test_other_kinds_of_body_are_415_and_large_ones_413(calling, anna, settings):
    assert said(calling(anna).post(CONTACTS, "reason=flare", content_type="application/x-www-form-urlencoded")) == (
        415,
        "unsupported-media-type",
    )
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    assert said(calling(anna).post(CONTACTS, {"reason": "x" * 2_000})) == (413, "too-large")


def test_other_methods_are_405_and_other_answers_406(calling, anna):
    assert said(calling(anna).delete(CONTACTS)) == (405, "method-not-allowed")
    assert said(calling(anna).get("/api/v1/me/cases", HTTP_ACCEPT="text/html")) == (406, "not-acceptable")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v2/contacts", "/api/v1/contacts/", f"{CONTACTS}/1"])
def test_what_is_not_there_is_404(calling, nurse, path):
    for call in (calling(nurse).get, calling(nurse).post, calling().get):
        assert said(call(path)) == (404, "not-found")


def test_the_callers_own_trace_comes_back(calling):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = calling().get(CONTACTS, HTTP_TRACEPARENT=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.json()["trace_id"] == trace
    assert calling().get(CONTACTS, HTTP_TRACEPARENT="<script>").json()["trace_id"].isalnum()


def test_a_page_session_needs_its_token_for_what_changes_something(anna):
    from rest_framework.test import APIClient

    client = APIClient(enforce_csrf_checks=True)
    client.force_login(anna.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/me/cases").status_code == 200
    assert said(client.post(CONTACTS, {"reason": "other"})) == (403, "not-allowed")


def break_it(monkeypatch, error):
    """The database fails in the middle of a call."""

    def broken(unit):
        raise error

    monkeypatch.setattr(messages, "in_unit", broken)


def test_a_fault_of_ours_tells_the_caller_nothing_and_the_log_everything(calling, nurse, monkeypatch, caplog):
    break_it(monkeypatch, RuntimeError("Anna Berg has colitis"))
    client = calling(nurse)
    client.raise_request_exception = False
    answer = client.get("/api/v1/messages")
    assert said(answer) == (500, "fault")
    assert "Anna" not in answer.content.decode()
    assert any(
        record.trace_id == answer.json()["trace_id"] for record in caplog.records if record.name == "api.problems"
    )


def test_a_database_that_does_not_answer_is_503_and_worth_another_try(calling, nurse, monkeypatch):
    break_it(monkeypatch, OperationalError("connection to 10.0.0.1 refused"))
    answer = calling(nurse).get("/api/v1/messages")
    assert said(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    assert "10.0.0.1" not in answer.content.decode()
