"""One caller has so many calls a minute, counted in the database; the others are not in their way."""

from datetime import timedelta

import pytest

from api import limits
from followup.core import clock

CASES = "/api/v1/me/cases"


@pytest.fixture(autouse=True)
def three_a_minute(monkeypatch):
    monkeypatch.setattr(limits, "CALLS_A_MINUTE", 3)


def test_too_many_calls_are_refused_until_the_minute_is_over(calling, anna, nurse):
    client, at = calling(anna), clock.now()
    with clock.turned(at + timedelta(seconds=20)):
        assert [client.get(CASES).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = client.get(CASES)
        assert refused.headers["Retry-After"] == "41"
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:followup:problem:too-many-requests"
        assert "Retry-After" in refused.json()["detail"]
        assert calling(nurse).get("/api/v1/callbacks").status_code == 200
    with clock.turned(at + timedelta(seconds=60)):
        assert client.get(CASES).status_code == 200


def test_another_key_of_the_same_person_counts_with_the_first(calling, anna):
    statuses = [calling(anna).get(CASES).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
