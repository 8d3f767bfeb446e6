"""What the lines of the log say besides their message: one id from the request through the outbox to the worker's task."""

import json
import logging
from io import StringIO

import pytest
from django.test import Client

from followup.core import outbox, trace
from followup.core.models import Outbox
from followup.running.logs import Lines
from tests import factories as make
from worker import topics
from worker.app import app

OWN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def lines():
    """The lines written so far, as objects: `lines()`."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Lines())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    trace.begin("")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)
    trace.begin("")


def requests_in(lines):
    return [line for line in lines if line["logger"] == "followup.requests"]


def test_a_line_has_its_moment_level_logger_message_and_request(lines, db):
    answer = Client().get("/livez")
    (line,) = requests_in(lines())
    assert {"at", "level", "logger", "message", "trace", "method", "route", "status", "ms"} == set(line)
    assert line["trace"] == answer.headers["X-Request-ID"]


def test_each_request_has_an_id_of_its_own_or_that_of_the_proxy_before_us(db):
    own = [Client().get("/livez").headers["X-Request-ID"] for _ in range(2)]
    assert len(set(own)) == 2
    assert Client().get("/livez", headers={"X-Request-ID": OWN}).headers["X-Request-ID"] == OWN
    assert Client().get("/livez", headers={"traceparent": f"00-{OWN}-{'1' * 16}-01"}).headers["X-Request-ID"] == OWN


@pytest.mark.parametrize("told", ["Anna Berg", "070-174 06 05 <b>", "a" * 65, "1971", "19710503\n"])
def test_what_is_no_id_does_not_come_into_the_log(lines, db, told):
    answer = Client().get("/livez", headers={"X-Request-ID": told})
    assert answer.headers["X-Request-ID"] != told.strip()
    assert told.strip() not in json.dumps(lines())


@pytest.mark.django_db
def test_what_a_request_left_to_do_is_worked_under_its_id(lines, unit):
    first, second = make.a_patient(unit), make.a_patient(unit)
    for patient, trace_id in ((first, OWN), (second, "f" * 32)):
        trace.begin(trace_id)
        make.a_flare(patient, booked=False)
    trace.begin("", "")
    rows = dict(Outbox.objects.filter(topic="contacts.received").values_list("id", "trace"))
    outbox.handle(list(rows))
    told = {line["row"]: line["trace"] for line in lines() if line["message"] == "outbox row worked"}
    assert told == rows
    assert set(rows.values()) == {OWN, "f" * 32}
    assert trace.current() == ""


@pytest.mark.django_db
def test_a_row_that_fails_says_whose_request_it_was(lines, unit, monkeypatch):
    def fails(**_):
        raise ValueError

    trace.begin(OWN)
    make.a_flare(make.a_patient(unit), booked=False)
    trace.begin("")
    monkeypatch.setitem(outbox._handlers, "contacts.received", fails)
    outbox.handle(list(Outbox.objects.values_list("id", flat=True)))
    assert [line["trace"] for line in lines() if line["level"] == "error"] == [OWN]


def test_a_task_goes_on_under_the_id_of_whoever_asked_for_it(lines):
    @app.task(name="tests.says")
    def says(**_):
        logging.getLogger("somewhere").info("said")

    says.apply(kwargs={"ids": []}, headers={"trace": OWN})
    (line,) = [line for line in lines() if line["message"] == "said"]
    assert line["trace"] == OWN
    assert line["task"]
    assert (trace.current(), trace.task()) == ("", "")


def test_the_nudge_carries_the_id_to_the_worker(monkeypatch):
    sent = {}
    monkeypatch.setattr(app, "send_task", lambda name, **more: sent.update(more))
    trace.begin(OWN)
    topics.nudge("outbox.work", [1])
    trace.begin("")
    assert sent["headers"] == {"trace": OWN}
