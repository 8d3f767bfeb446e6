"""The board on the third screen: it moves by itself, shows no name, and never looks fresh when it is not."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from followup.contacts import services as contacts
from followup.core import heartbeats
from followup.people import services as people
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, AtTheClinic, Visitor

MONDAY = datetime(2027, 1, 18, 9, 0, tzinfo=UTC)  # 10:00 in Eksjö
WALL = {"viewport": {"width": 1920, "height": 1080}, "locale": "sv-SE"}


@pytest.fixture
def monday(turn):
    turn(MONDAY)


def test_the_wall_shows_a_case_move_and_never_a_name(monday, unit, visit):
    screen = people.add_staff(username=f"wall-{unit.id.hex[:8]}", name="Wall", role="wall", unit=unit, by=make.TESTS)
    key = people.new_token(user=screen, by=make.TESTS)
    wall = visit(Visitor, WALL)
    wall.goes_to(f"/wall/{key}/")
    wall.page.wait_for_url("**/wall/")

    contact = make.a_flare(make.a_patient(unit, given_name="Greta", family_name="Lindqvist"), booked=False)
    row = wall.page.get_by_role("row", name=re.compile(contact.case.code))
    expect(row).to_be_visible(timeout=20_000)
    before = row.inner_text()
    nurse = make.a_nurse(unit)
    contacts.dial(make.a_call_with(nurse, contact), by=nurse)
    expect(row).not_to_have_text(before, timeout=20_000)
    wall.does_not_see("Lindqvist")
    wall.does_not_see("Greta")
    assert wall.page.locator("main a").count() == 0


def test_a_board_whose_worker_is_silent_says_that_it_is_not_live(monday, house, turn, unit, visit):
    make.a_flare(make.a_patient(unit))
    until(lambda: not heartbeats.silent(), within=20, what="a heartbeat at the new time")
    board = visit(AtTheClinic, DESKTOP)
    board.signs_in(make.a_coordinator(unit))
    board.goes_to("/desk/board/")
    band = board.page.locator("#not-live")
    expect(band).to_be_hidden()
    with house.stopped("worker", "beat"):
        turn(MONDAY + timedelta(minutes=3))
        expect(band).to_be_visible(timeout=25_000)
    expect(band).to_be_hidden(timeout=30_000)
