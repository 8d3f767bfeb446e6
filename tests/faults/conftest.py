"""Attacks on the living product: its parts are killed, halted and starved while patients and nurses go on.

They run by themselves (`pytest tests/faults`: a selection; `--whole`: every cell, about half an hour), in a house of their own whose
texts go to a Twilio of the tests' own, which counts what it took.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import factories as make
from tests.faults.blows import Besieged
from tests.faults.story import Story
from tests.journeys.conftest import django_db_setup, live_database
from tests.messages.twilio_server import Twilio, serving

__all__ = ["django_db_setup", "live_database"]


def pytest_addoption(parser):
    parser.addoption("--whole", action="store_true", help="every cell of the kill matrix, not the selection")


def pytest_collection_modifyitems(config, items):
    """The whole matrix is for somebody who has half an hour: `make faults`."""
    if config.getoption("--whole"):
        return
    left = [item for item in items if item.get_closest_marker("whole")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_configure(config):
    config.addinivalue_line("markers", "whole: a cell of the whole kill matrix (--whole)")


@pytest.fixture(scope="session")
def twilio() -> Iterator[Twilio]:
    with serving(urlsplit(os.environ["TWILIO_BASE_URL"]).port) as server:
        yield server


@pytest.fixture(scope="session")
def besieged(twilio, live_database) -> Iterator[Besieged]:
    """The product under attack. It is ten in the morning of a working day, so that calls may be made and texts may be sent."""
    house = Besieged(Path(os.environ["FOLLOWUP_HOUSE"]))
    now = datetime.now(UTC)  # noqa: TID251  the real time is what is turned
    day = now + timedelta(days=1)
    while day.weekday() > 3 or day.weekday() == 0:
        day += timedelta(days=1)
    house.turn_clock((day.replace(hour=9, minute=0) - now).total_seconds())
    yield house
    house.turn_clock(0)
    house.leave()


@pytest.fixture
def story(besieged, twilio) -> Iterator[Story]:
    """A clinic at work: patients get in touch all the while, nurses ring, messages go out."""
    story = Story(besieged, make.a_unit(), twilio)
    with story.going_on():
        yield story
