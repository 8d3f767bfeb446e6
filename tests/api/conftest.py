"""A unit and its people, a unit next door, and a way to call the API as any of them."""

from datetime import date

import pytest
from rest_framework.test import APIClient

from followup.people import services as people
from tests import factories as make

TUESDAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def on_monday(db, monday):
    """Every call here is made at nine on Monday, when the clinic has been open for an hour."""


@pytest.fixture
def calling():
    """`calling(user)`: a client with that person's key; a patient calls with their own."""

    def client(user=None) -> APIClient:
        calls = APIClient()
        if user is not None:
            key = people.new_token(user=getattr(user, "user", user), by=make.TESTS)
            calls.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
        return calls

    return client


@pytest.fixture
def flare(unit, anna):
    """Anna feels worse; the call is laid and a time is kept for her."""
    make.urgent_times(unit, TUESDAY, 3)
    return make.a_flare(anna)
