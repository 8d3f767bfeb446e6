"""Who opens the pages of the portal: Anna, her neighbour Bengt, Karin the nurse."""

import pytest
from django.test import Client

from followup.core import clock
from tests import factories as make

BACKEND = "followup.people.backends.WithoutPassword"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def at_evening():
    """Sunday evening: the clinic opens on Monday at 08:00."""
    with clock.turned(make.SUNDAY_EVENING) as moment:
        yield moment
