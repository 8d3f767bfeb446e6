"""The clock, names for rows, and announcements."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from followup.core import announce, clock, ids
from tests.factories import MONDAY_MORNING, SUNDAY_EVENING


def test_the_clock_is_aware_and_turned_only_inside_the_block():
    with clock.turned(SUNDAY_EVENING):
        assert clock.now() == SUNDAY_EVENING
        with clock.turned(MONDAY_MORNING):
            assert clock.now() == MONDAY_MORNING
        assert clock.now() == SUNDAY_EVENING
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)  # noqa: TID251  this is what it is compared with
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(("testing", "expected"), [(True, 3600), (False, 0)])
def test_the_hands_in_the_file_count_only_under_test(settings, tmp_path, testing, expected):
    hands = tmp_path / "clock"
    hands.write_text("3600")
    settings.FOLLOWUP_CLOCK_FILE, settings.FOLLOWUP_TESTING = str(hands), testing
    ahead = clock.now() - datetime.now(UTC)  # noqa: TID251  this is what it is compared with
    assert abs(ahead - timedelta(seconds=expected)) < timedelta(minutes=1)


def test_no_file_means_the_real_time(settings, tmp_path):
    settings.FOLLOWUP_CLOCK_FILE, settings.FOLLOWUP_TESTING = str(tmp_path / "none"), True
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)  # noqa: TID251  this is what it is compared with


def test_references_hold_nothing_that_can_be_misread():
    made = {ids.new_reference() for _ in range(500)}
    assert len(made) == 500
    for reference in made:
        first, dash, last = reference[:3], reference[3], reference[4:]
        assert dash == "-"
        assert set(first + last) <= set(ids.REFERENCE_LETTERS)
    assert not set("01OILU") & set(ids.REFERENCE_LETTERS)


def test_lists_of_people_are_in_swedish_order():
    names = ["Östlund", "Zetterberg", "Åkesson", "andersson", "Ärlig", "Öberg", "Berg"]
    assert sorted(names, key=ids.sort_key) == [
        "andersson",
        "Berg",
        "Zetterberg",
        "Åkesson",
        "Ärlig",
        "Öberg",
        "Östlund",
    ]
    assert ids.sort_key("Berg", "Anna") < ids.sort_key("Berg", "Örjan") < ids.sort_key("Bergman", "Anna")


@pytest.mark.django_db
def test_an_announcement_never_fails_and_never_keeps_anybody_long(
    settings, monkeypatch, django_capture_on_commit_callbacks
):
    """Redis is away: nothing listens where it should."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(announce, "_redis", None)
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True) as said:
        for _ in range(20):
            announce.case_on_commit(uuid4(), uuid4())
    assert len(said) == 20
    assert time.monotonic() - began < 2


def test_nobody_imports_the_real_clock_around_ours():
    """The lint that keeps `core.clock` the only clock does bite."""
    planted = "from datetime import datetime\n\nnow = datetime.now()\n"
    command = [sys.executable, "-m", "ruff", "check", "--stdin-filename", "followup/people/planted.py", "-"]
    said = subprocess.run(command, input=planted, capture_output=True, text=True)
    assert "TID251" in said.stdout
