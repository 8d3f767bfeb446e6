"""The marks of the board, walked as a table: each step, each promise."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from followup.board import policy
from followup.board.policy import Place
from followup.cases.flows import CONTACT, FLOWS

STOCKHOLM = ZoneInfo("Europe/Stockholm")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PASSED, LATER_TODAY, TOMORROW = NOW - timedelta(minutes=1), NOW + timedelta(hours=4), NOW + timedelta(days=1)
YESTERDAY = NOW - timedelta(days=1)
OPEN_STEPS = [step for step in CONTACT.steps if step != "closed"]


def dot_of(step: str, due: datetime | None, *, at: datetime = NOW) -> str:
    return policy.dot(Place("contact", step, due), at=at, zone=STOCKHOLM)


@pytest.mark.parametrize("step", ["received", "call_booked", "unreached", "with_clinician"])
@pytest.mark.parametrize(
    ("due", "dot"),
    [(PASSED, "late"), (LATER_TODAY, "due"), (TOMORROW, "clinic"), (None, "clinic"), (YESTERDAY, "late")],
)
def test_what_the_clinic_owes_is_late_due_today_or_its_move(step, due, dot):
    assert dot_of(step, due) == dot


@pytest.mark.parametrize("due", [PASSED, LATER_TODAY, TOMORROW, None])
def test_a_call_that_is_going_on_is_active_even_when_it_came_late(due):
    assert dot_of("ringing", due) == "active"


@pytest.mark.parametrize(
    ("due", "dot"),
    [(TOMORROW, "patient"), (LATER_TODAY, "due"), (PASSED, "due"), (YESTERDAY, "late"), (None, "patient")],
)
def test_a_visit_is_the_patients_move_and_late_only_when_its_day_has_passed(due, dot):
    assert dot_of("clinic_time", due) == dot


def test_today_is_the_day_of_the_unit():
    late_evening = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # 23:30 in Stockholm
    after_midnight = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # 00:30 on the 24th
    due = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert dot_of("call_booked", due, at=late_evening) == "clinic"
    assert dot_of("call_booked", due, at=after_midnight) == "due"


def test_a_promise_passes_the_moment_after_it():
    assert dot_of("call_booked", NOW) == "due"
    assert dot_of("call_booked", NOW - timedelta(microseconds=1)) == "late"


@pytest.mark.parametrize("step", OPEN_STEPS)
def test_before_the_present_step_all_is_done_or_dropped_and_behind_it_nothing_is_yet(step):
    here = OPEN_STEPS.index(step)
    reached = {"received": YESTERDAY, step: NOW}
    marks = policy.dots(Place("contact", step, TOMORROW), reached, at=NOW, zone=STOCKHOLM)
    assert [mark.step for mark in marks] == OPEN_STEPS
    assert {mark.dot for mark in marks[:here]} <= {"done", "dropped"}
    assert all(mark.dot == "done" for mark in marks[:here] if mark.step == "received")
    assert all(mark.dot == "dropped" and mark.at is None for mark in marks[1:here])
    assert marks[here].at is not None
    assert all((mark.dot, mark.at) == ("not_yet", None) for mark in marks[here + 1 :])


def test_a_second_round_forgets_what_lies_ahead_again():
    """A missed visit made a new call: ringing and visit are to come, whatever happened the first time."""
    reached = dict.fromkeys(("received", "call_booked", "ringing", "clinic_time"), YESTERDAY)
    marks = policy.dots(Place("contact", "call_booked", TOMORROW), reached, at=NOW, zone=STOCKHOLM)
    assert [mark.dot for mark in marks] == ["done", "clinic", "not_yet", "not_yet", "not_yet", "not_yet"]


def test_a_closed_case_shows_what_it_went_through():
    reached = dict.fromkeys(("received", "call_booked", "ringing", "closed"), YESTERDAY)
    place = Place("contact", "closed", None, closed=True)
    assert policy.dot(place, at=NOW, zone=STOCKHOLM) == "done"
    marks = policy.dots(place, reached, at=NOW, zone=STOCKHOLM)
    assert [mark.dot for mark in marks] == ["done", "done", "done", "dropped", "dropped", "dropped"]


@pytest.mark.parametrize("kind", FLOWS)
def test_every_kind_has_its_columns(kind):
    steps = policy.columns(kind)
    assert "closed" not in steps
    assert steps[0] == FLOWS[kind].first
