"""A unit on a Monday morning, with the people who work there and one who works elsewhere."""

from datetime import date

import pytest
from django.test import Client

from tests import factories as make


@pytest.fixture(autouse=True)
def a_light_door(settings):
    """No second factor: the door is tested elsewhere."""
    settings.FOLLOWUP_STAFF_MFA = False


@pytest.fixture
def unit(db, monday):
    return make.a_unit()


@pytest.fixture
def eva(unit):
    return make.a_coordinator(unit, "Eva")


@pytest.fixture
def stranger(db):
    """Charlie, a nurse of another unit."""
    return make.a_nurse(make.a_unit(), "Charlie")


@pytest.fixture
def flare(unit, anna, doctor):
    """Anna feels worse; a call is laid and a time on Tuesday is kept."""
    make.urgent_times(unit, date(2026, 11, 24), 3, doctor=doctor)
    return make.a_flare(anna, message="It hurts <again>.", answers={"since": "days"})


@pytest.fixture
def desk():
    """A browser in which somebody is signed in: desk(karin)."""

    def of(user=None) -> Client:
        client = Client(headers={"accept": "text/html"})
        if user:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return of


def text(answer) -> str:
    return " ".join(answer.content.decode().split())
