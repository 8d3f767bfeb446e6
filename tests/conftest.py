"""What every test may use; `house` itself is in tests/house.py."""

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from followup.core import clock
from tests import factories as make

# Asserts outside of test files say what they compared, too.
pytest.register_assert_rewrite("tests.faults.story", "tests.faults.blows")


# What a password costs to keep is Django's business; as many rounds as it takes would be half of a test's time.
PBKDF2PasswordHasher.iterations = 1

# The clinic of most tests: Monday morning, an hour after opening. Whoever needs another one makes it.


@pytest.fixture
def monday():
    """The hands of the clock stand at Monday 23 November, 09:00 in Eksjö."""
    with clock.turned(make.MONDAY_MORNING) as at:
        yield at


@pytest.fixture
def unit():
    return make.a_unit()


@pytest.fixture
def anna(unit):
    return make.a_patient(unit)


@pytest.fixture
def nurse(unit):
    return make.a_nurse(unit)


@pytest.fixture
def karin(unit):
    return make.a_nurse(unit, "Karin")


@pytest.fixture
def maria(unit):
    return make.a_nurse(unit, "Maria")


@pytest.fixture
def doctor(unit):
    return make.a_clinician(unit)


@pytest.fixture
def eva(unit):
    return make.a_coordinator(unit)
