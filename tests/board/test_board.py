"""The board of a unit: its rows, its counts, how many questions it asks, and who may see it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from followup.board import door, live, queries
from followup.board.door import Visitor
from followup.cases import services as cases
from followup.cases.models import Case
from followup.core import clock, heartbeats
from followup.people import services as people
from followup.people.models import Token
from tests import factories as make
from tests.factories import MONDAY_MORNING, TESTS

pytestmark = pytest.mark.django_db

NAMES = [("Anna", "Berg"), ("Lina", "Haddad"), ("Sven", "Lind"), ("Mats", "Ek")]


@pytest.fixture(autouse=True)
def monday():
    with clock.turned(MONDAY_MORNING) as at:
        yield at


@pytest.fixture(autouse=True)
def without_second_factor(settings):
    settings.FOLLOWUP_STAFF_MFA = False


@pytest.fixture
def screen(unit):
    return people.add_staff(username=f"wall-{unit.id.hex[:8]}", name="Wall", role="wall", unit=unit, by=TESTS)


def a_case(unit, *, due=None, step="received", name=("Anna", "Berg")) -> Case:
    patient = make.a_patient(unit, given_name=name[0], family_name=name[1])
    case = cases.open_case(patient=patient, kind="contact", by=TESTS, due=due)
    return cases.move(cases.lock(case.id), step, by=TESTS, due=due) if step != "received" else case


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend="followup.people.backends.WithoutPassword")
    return client


def with_key(user) -> dict[str, str]:
    return {"Authorization": f"Bearer {people.new_token(user=user, by=TESTS)}"}


# rows


def test_late_comes_first_then_due_today_then_the_rest(unit, monday):
    rest = a_case(unit, due=monday + timedelta(days=2))
    today = a_case(unit, due=monday + timedelta(hours=2))
    late = a_case(unit, due=monday - timedelta(hours=2))
    later = a_case(unit, due=monday - timedelta(hours=1), step="ringing")
    over = a_case(unit, step="closed")
    rows = queries.cases_on(unit, "contact")
    assert [row.id for row in rows] == [late.id, later.id, today.id, rest.id, over.id]
    assert [row.dot for row in rows] == ["late", "active", "due", "clinic", "done"]
    assert [" ".join(map(str, row.order)) for row in rows] == sorted(" ".join(map(str, row.order)) for row in rows)
    assert queries.counts(rows) == {"open": 4, "late": 2, "due": 1, "at_risk": 0}


def test_what_closed_is_seen_for_an_hour_and_then_no_more(unit, monday):
    case = a_case(unit, step="closed")
    assert [row.id for row in queries.cases_on(unit)] == [case.id]
    assert queries.cases_on(unit, at=monday + timedelta(minutes=61)) == []
    assert [row.id for row in queries.rows_of([case.id])] == [case.id]


def test_the_row_says_what_the_contract_says(unit, monday):
    due = monday + timedelta(days=1)
    case = a_case(unit, due=due, step="call_booked")
    cases.put_at_risk(cases.lock(case.id), "no_time_left", by=TESTS)
    said = queries.cases_on(unit, "contact")[0].as_contract()
    assert said["marks"][:3] == [
        {"step": "received", "dot": "done", "at": monday.isoformat()},
        {"step": "call_booked", "dot": "clinic", "at": monday.isoformat()},
        {"step": "ringing", "dot": "not_yet", "at": None},
    ]
    assert {
        name: said[name] for name in ("id", "kind", "step", "since", "due", "dot", "code", "meeting", "at_risk")
    } == {
        "id": str(case.id),
        "kind": "contact",
        "step": "call_booked",
        "since": monday.isoformat(),
        "due": due.isoformat(),
        "dot": "clinic",
        "code": case.code,
        "meeting": False,
        "at_risk": True,
    }
    assert "name" not in said


@pytest.mark.parametrize("number", [1, 50])
def test_as_many_questions_for_one_row_as_for_fifty(unit, monday, number, django_assert_num_queries):
    for n in range(number):
        a_case(unit, due=monday + timedelta(hours=n - 5), name=NAMES[n % 4])
    a_case(unit, step="closed")
    with django_assert_num_queries(3):
        assert len(queries.cases_on(unit, "contact", names=True)) == number + 1


def test_another_kind_and_another_unit_are_other_boards(unit):
    a_case(unit)
    a_case(make.a_unit())
    assert len(queries.cases_on(unit, "contact")) == 1
    assert queries.cases_on(unit, "review") == []


# who may


def test_the_api_gives_staff_their_own_board(unit):
    a_case(unit)
    a_case(make.a_unit())
    nurse = make.a_nurse(unit)
    answer = Client().get("/api/v1/board?kind=contact", headers=with_key(nurse))
    assert answer.status_code == 200
    assert answer.json()["as_of"] == MONDAY_MORNING.isoformat()
    assert [case["kind"] for case in answer.json()["cases"]] == ["contact"]
    assert "Berg" not in answer.content.decode()


def test_names_are_for_staff_who_ask(unit, screen):
    a_case(unit)
    nurse, wall = make.a_nurse(unit), screen
    asked = "/api/v1/board?kind=contact&names=1"
    assert Client().get(asked, headers=with_key(nurse)).json()["cases"][0]["name"] == "Anna Berg"
    assert "name" not in Client().get(asked, headers=with_key(wall)).json()["cases"][0]


@pytest.mark.parametrize("address", ["/api/v1/board?kind=contact", "/api/v1/board/stream?kind=contact"])
def test_strangers_get_a_problem(unit, address):
    patient = make.a_patient(unit)
    nobody, forbidden = Client().get(address), Client().get(address, headers=with_key(patient.user))
    assert (nobody.status_code, forbidden.status_code) == (401, 403)
    for answer in (nobody, forbidden):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("address", ["/api/v1/board?kind=meeting", "/api/v1/board/stream?kind=meeting"])
def test_a_kind_that_is_none_is_refused(unit, address):
    assert Client().get(address, headers=with_key(make.a_nurse(unit))).status_code == 422


def test_a_visitor_is_welcome_until_they_sign_out_or_the_key_is_revoked(unit, screen):
    nurse, wall = make.a_nurse(unit), screen
    client, key = signed_in(nurse), people.new_token(user=wall, by=TESTS)
    here = Visitor(nurse.id, session=client.session.session_key)
    there = Visitor(wall.id, key=Token.digest_of(key))
    assert door.still_welcome([here, there]) == {here, there}
    client.logout()
    assert door.still_welcome([here, there]) == {there}
    people.revoke_tokens(user=wall, by=TESTS)
    assert door.still_welcome([here, there]) == set()
    assert door.still_welcome([Visitor(make.a_patient(unit).user.id)]) == set()


# what a stream is told first


class Board:
    """Stands where a stream stands when it opens; only its unit and kind count here."""

    def __init__(self, unit, kind="contact"):
        self.unit_id, self.kind = unit.id, kind

    wants = live.Stream.wants


def kinds_of(events) -> list[str]:
    return [line for event in events for line in event.decode().splitlines() if line.startswith("event: ")]


def test_a_stream_that_comes_back_is_told_what_it_missed(unit, monday):
    case = a_case(unit, due=monday + timedelta(hours=1))
    a_case(make.a_unit())
    told = live.catch_up(Board(unit), monday - timedelta(minutes=1))
    assert kinds_of(told) == ["event: case", "event: ping"]
    assert str(case.id) in told[0].decode()
    assert "Anna" not in told[0].decode()
    assert len(told[0]) < 2048
    assert kinds_of(live.catch_up(Board(unit), monday + timedelta(minutes=5))) == ["event: ping"]


def test_a_promise_that_passed_meanwhile_is_a_change(unit, monday):
    case = a_case(unit, due=monday + timedelta(minutes=3))
    with clock.turned(monday + timedelta(minutes=5)):
        told = live.catch_up(Board(unit), monday + timedelta(minutes=2))
    assert str(case.id) in told[0].decode()
    assert '"dot":"late"' in told[0].decode()


def test_after_a_long_absence_the_page_reloads(unit, monday):
    assert kinds_of(live.catch_up(Board(unit), monday - timedelta(hours=1))) == ["event: reload", "event: ping"]


# pages


@pytest.fixture
def well():
    for name in heartbeats.NAMES:
        heartbeats.note(name)


def test_the_page_says_each_mark_in_words_and_when_it_was_made(unit, monday, well):
    case = a_case(unit, due=monday + timedelta(hours=2), step="call_booked")
    page = signed_in(make.a_nurse(unit)).get(reverse("desk:board")).content.decode()
    assert "Received, done on 23 November 09:00" in page
    assert "Call booked, due today by 11:00" in page
    assert "As it was at 09:00" in page
    assert case.code in page
    assert "Anna" not in page
    assert 'id="not-live" hidden' in page


def test_a_board_whose_worker_is_silent_says_so_when_it_is_made(unit, monday, well):
    with clock.turned(monday + timedelta(minutes=3)):
        page = signed_in(make.a_nurse(unit)).get(reverse("desk:board")).content.decode()
    assert 'id="not-live">' in page
    assert "<span data-since>09:00</span>" in page
    assert "is-stale" in page


def test_a_row_comes_alone_with_the_counts_and_only_to_its_own_unit(unit, monday):
    case = a_case(unit, due=monday - timedelta(hours=2))
    nurse, stranger = signed_in(make.a_nurse(unit)), signed_in(make.a_nurse(make.a_unit()))
    address = reverse("desk:board_row", args=[case.id])
    assert f'id="case-{case.id}"' in nurse.get(address).content.decode()
    assert "<html" not in nurse.get(address).content.decode()
    assert f'id="case-{case.id}"' not in stranger.get(address).content.decode()
    assert f'id="case-{case.id}"' not in nurse.get(address + "?show=at_risk").content.decode()
    assert f'id="case-{case.id}"' in nurse.get(address + "?show=late").content.decode()


def test_names_are_shown_after_a_press_and_never_on_the_wall(unit, screen):
    a_case(unit)
    assert "Anna Berg" in signed_in(make.a_nurse(unit)).get(reverse("desk:board") + "?names=1").content.decode()
    wall = signed_in(screen)
    page = wall.get(reverse("wall") + "?names=1").content.decode()
    assert "Anna" not in page
    assert "<a " not in page[page.index("<main") : page.index("</main>")]
    assert wall.get(reverse("desk:board")).headers["Location"] == reverse("wall")


def test_the_wall_sleeps_while_the_clinic_is_closed(unit, screen):
    a_case(unit)
    wall = signed_in(screen)
    with clock.turned(make.SUNDAY_EVENING):
        page = wall.get(reverse("wall")).content.decode()
    assert "Closed until 08:00 tomorrow" in page
    assert "<table" not in page


def test_a_screen_goes_dark_when_its_key_is_revoked(unit, screen):
    key = people.new_token(user=screen, by=TESTS)
    client = Client()
    assert client.get(f"/wall/{key}/").headers["Location"] == reverse("wall")
    assert client.get(reverse("wall")).status_code == 200
    people.revoke_tokens(user=screen, by=TESTS)
    assert client.get(reverse("wall")).status_code == 403


def test_patients_and_strangers_see_no_board(unit):
    assert signed_in(make.a_patient(unit).user).get(reverse("desk:board")).status_code == 403
    assert Client().get(reverse("desk:board")).status_code == 302
