"""Journeys: a real browser, the whole product, and its own database, which the tests read and write beside it.

They run by themselves (`pytest tests/journeys`), one after the other. Nothing is rolled back: each journey makes a unit
of its own. No `django_db` mark here: it would wrap the test in a transaction that the product cannot see.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from playwright.sync_api import expect

from followup.cases import services as cases
from followup.cases.models import Case
from followup.contacts import policy
from followup.contacts.queries import facts_of
from tests import factories as make
from tests.house import until
from tests.journeys import axe

# A page that comes late on a busy machine is no fault; one that never comes is.
expect.set_options(timeout=20_000)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def django_db_setup():
    """No test database: the product's own is the one under test."""


@pytest.fixture(scope="session", autouse=True)
def live_database(django_db_blocker) -> Iterator[None]:
    if connection.settings_dict["NAME"] != "followup":
        pytest.fail("Journeys run by themselves: pytest tests/journeys", pytrace=False)
    # Playwright keeps an event loop in this thread; nothing here is asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with django_db_blocker.unblock():
        yield
    connection.close()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    path = os.environ.get("FOLLOWUP_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        quiet.append("--no-sandbox")
    # Without a path Playwright looks for a browser of its own, and says how to get one.
    return {**browser_type_launch_args, "args": quiet, **({"executable_path": path} if path else {})}


@pytest.fixture(scope="session")
def base_url(house) -> str:
    return house.url


@pytest.fixture
def accessible():
    """Call it with a page: fails when axe finds anything serious there."""
    return axe.check


@pytest.fixture
def unit():
    """A unit of the demo kind: what it "sends" can be read on a page."""
    return make.a_unit(demo=True)


@pytest.fixture(autouse=True)
def steps_agree() -> Iterator[None]:
    """After each journey every open contact stands where its rows say; the worker has a moment to finish what it was told."""
    yield
    until(lambda: not strayed(), within=10, what="the agreement of every stored step with its rows")


def strayed() -> list[tuple]:
    """Open contacts that do not stand where their rows say: what is stored, and what the rows say."""
    found = []
    for case_id in Case.objects.open().filter(kind="contact").values_list("id", flat=True):
        with transaction.atomic():
            case = cases.lock(case_id)  # so that no verb is in the middle of it
            said = policy.step_for(facts_of(case))
            if case.closed is None and said != (case.step, case.due):
                found.append((case.reference, (case.step, case.due), said))
    return found


@pytest.fixture
def turn(house) -> Iterator[Callable[[datetime], None]]:
    """Turn the hands of every clock in the house to a moment."""

    def to(moment: datetime) -> None:
        house.turn_clock((moment - datetime.now(UTC)).total_seconds())  # noqa: TID251  the real time is what is turned

    yield to
    house.turn_clock(0)


@pytest.fixture
def visit(browser, house, accessible):
    """Somebody comes in: `visit(AtHome, PHONE)`."""
    inside = []

    def come(kind, screen, **more):
        visitor = kind(browser, house.url, accessible, **screen, **more)
        inside.append(visitor)
        return visitor

    yield come
    for visitor in inside:
        visitor.leaves()
