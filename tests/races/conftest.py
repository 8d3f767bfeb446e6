"""Races need rows that every connection sees: they run on the living product's database, like the journeys."""

import pytest

from tests.journeys.conftest import django_db_setup, live_database, turn, unit
from tests.messages.conftest import twilio

__all__ = ["django_db_setup", "live_database", "turn", "twilio", "unit"]


@pytest.fixture
def alone(house):
    """The worker is halted for as long as the test runs: it must not be quicker, nor be caught with a row in its hand."""
    with house.stopped("worker"):
        yield
