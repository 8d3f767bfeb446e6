"""Pages: nothing is shown twice and nothing is left out, forwards and back."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from followup.core import clock
from followup.messages import services as messages
from followup.messages.models import Message
from tests import factories as make


@pytest.fixture
def twelve(unit, anna):
    """Twelve messages, four at each of three moments."""
    programme = make.a_programme()
    for number in range(6):
        with clock.turned(clock.now() + timedelta(minutes=number // 2)):
            messages.tell("agreed", patient=anna, programme=programme, occasion=str(number), by=make.TESTS)
    return Message.objects.filter(unit=unit)


def follow(client, address):
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}").json()


def test_pages_lead_to_the_end_and_back(calling, nurse, twelve):
    client, seen = calling(nurse), []
    page = follow(client, "/api/v1/messages?limit=5")
    assert page["previous"] is None
    while True:
        seen.append([row["id"] for row in page["results"]])
        if page["next"] is None:
            break
        page = follow(client, page["next"])
    assert [len(rows) for rows in seen] == [5, 5, 2]
    flat = [row for rows in seen for row in rows]
    assert len(set(flat)) == 12
    back = follow(client, page["previous"])
    assert [row["id"] for row in back["results"]] == seen[1]
    first = follow(client, back["previous"])
    assert [row["id"] for row in first["results"]] == seen[0]
    assert first["previous"] is None
    assert [row["id"] for row in follow(client, first["next"])["results"]] == seen[1]


def test_a_row_that_comes_meanwhile_moves_no_other(calling, nurse, twelve, anna):
    client = calling(nurse)
    page = follow(client, "/api/v1/messages?limit=6")
    with clock.turned(clock.now() + timedelta(hours=1)):
        messages.tell("agreed", patient=anna, programme=make.a_programme(), occasion="new", by=make.TESTS)
    rest = follow(client, page["next"])
    assert not {row["id"] for row in rest["results"]} & {row["id"] for row in page["results"]}
    assert len(rest["results"]) == 6


@pytest.mark.parametrize(
    "cursor", ["x", "W10=", "WzAsIFsxLCAyXV0=", "bnVsbA==", "WzAsIFsiMjAyNiIsICJ6Il1d", "é", "e30="]
)
def test_a_cursor_that_leads_nowhere_is_refused(calling, nurse, cursor):
    answer = calling(nurse).get("/api/v1/messages", {"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


def test_a_page_has_at_most_two_hundred(calling, nurse, twelve):
    assert len(calling(nurse).get("/api/v1/messages", {"limit": "99999999999999999999"}).json()["results"]) == 12


def test_messages_have_their_states_and_can_be_asked_for_by_them(calling, nurse, twelve):
    lost = twelve.first()
    Message.objects.filter(id=lost.id).update(state="unknown")
    make.a_flare(make.a_patient(make.a_unit()))
    rows = calling(nurse).get("/api/v1/messages", {"state": "unknown"}).json()["results"]
    assert [row["id"] for row in rows] == [str(lost.id)]
    work = calling(nurse).get("/api/v1/worklists").json()
    assert [row["id"] for row in work["messages"]] == [str(lost.id)]


@pytest.mark.parametrize("route", ["callbacks", "appointments", "messages", "me/cases"])
def test_long_lists_cost_as_many_queries_as_short_ones(calling, nurse, unit, anna, flare, route):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = calling(anna if route == "me/cases" else nurse)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(f"/api/v1/{route}").status_code == 200
        counts.append(len(queries))
        for _more in range(4):
            make.a_flare(make.a_patient(unit))
    assert counts[0] == counts[1] <= 12
