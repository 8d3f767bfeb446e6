"""Attacks on the living product: its parts are killed, halted and starved while patients and nurses go on.

They run by themselves (`pytest tests/faults`: a selection; `--whole`: every cell, about an hour), in a house of their own whose
texts go to a Twilio of the tests' own, which counts what it took. `--figures=FILE` keeps what was measured, for `tests.faults.table`.
"""

import json
import os
import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import factories as make
from tests.faults.blows import Besieged
from tests.faults.story import Story
from tests.journeys.conftest import django_db_setup, live_database
from tests.messages.twilio_server import Twilio, serving

CELLS = pytest.StashKey[list[dict]]()
__all__ = ["django_db_setup", "live_database"]


def pytest_addoption(parser):
    parser.addoption("--whole", action="store_true", help="every cell of the kill matrix, not the selection")
    parser.addoption("--figures", type=Path, help="write the figures of each cell into this file, as JSON")


def pytest_collection_modifyitems(config, items):
    """The whole matrix is for somebody who has an hour: `make faults`."""
    if config.getoption("--whole"):
        return
    left = [item for item in items if item.get_closest_marker("whole")]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_configure(config):
    config.addinivalue_line("markers", "whole: a cell of the whole kill matrix (--whole)")
    config.stash[CELLS] = []


def pytest_sessionfinish(session):
    keep_figures(session.config, failed=session.testsfailed)


def keep_figures(config, *, failed: int) -> None:
    """Written after each cell, for a run that is cut short: a cell that failed has no row, and the number of failures says so."""
    file = config.getoption("--figures")
    if file:
        said = {
            "on": datetime.now(UTC).date().isoformat(),  # noqa: TID251  the day of the run, not of the clinic
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "failed": failed,
            "cells": config.stash[CELLS],
        }
        file.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")


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


@pytest.fixture(scope="session")
def clinic(besieged, twilio) -> Story:
    """One clinic for the whole run."""
    return Story(besieged, make.a_unit(), twilio)


@pytest.fixture
def story(besieged, clinic) -> Iterator[Story]:
    """A clinic at work: patients get in touch all the while, nurses ring, messages go out."""
    besieged.is_well(within=60)
    with clinic.going_on():
        yield clinic
        # Where a cell failed in the midst of its blow, the next one does not begin with somebody who stands still.
        besieged.crash_no_more()
        besieged.wake()


@pytest.fixture
def reported(request) -> Callable[..., None]:
    """Figures of a cell, shown as it ends and kept for the table."""

    def note(blow: str, **figures: float) -> None:
        row = {"blow": blow, **figures}
        request.config.stash[CELLS].append(row)
        keep_figures(request.config, failed=request.session.testsfailed)
        with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"\n  {json.dumps(row)}", flush=True)  # noqa: T201

    return note
