from django.test import Client

from tests import factories as make


def test_numbers_for_whoever_watches_the_machines(unit, anna):
    make.a_flare(anna)
    answer = Client().get("/metrics")
    lines = dict(line.rsplit(" ", 1) for line in answer.content.decode().splitlines())
    assert lines["followup_calls_waiting"] == "1"
    assert lines["followup_cases_at_risk"] == "1"
    assert lines['followup_messages{state="queued"}'] == "2"
    assert float(lines["followup_outbox_age_seconds"]) >= 0
    assert "Anna" not in answer.content.decode()


def test_ready_says_what_it_looked_at(db):
    answer = Client().get("/readyz")
    said = answer.json()
    assert {"ready", "database", "migrations", "heartbeats", "outbox_age", "journal_head"} <= set(said)
    assert answer.status_code == (200 if said["migrations"] == 0 else 503)
