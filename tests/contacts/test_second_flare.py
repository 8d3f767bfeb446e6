"""A second flare-up within seven days is linked to the first, and rung sooner."""

from datetime import date, timedelta

import pytest

from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(unit, anna):
    """A flare-up on Monday morning that ended with self-care."""
    nurse = make.a_nurse(unit)
    with clock.turned(make.MONDAY_MORNING):
        contact = make.a_flare(anna)
        contacts.finish(
            make.a_call_with(nurse, contact), by=nurse, outcome="self_care", call_again_on=date(2026, 11, 27)
        )
    return contact


def later(**delta):
    return clock.turned(make.MONDAY_MORNING + timedelta(**delta))


def test_the_second_within_seven_days_follows_the_first_and_is_owed_an_earlier_call(first, anna, unit):
    with later(days=2) as at:
        second = make.a_flare(anna)
        alone = make.a_flare(make.a_patient(unit))
    assert second.follows == first
    assert alone.follows is None
    call, other = make.callback_of(second), make.callback_of(alone)
    assert call.due == unit.hours.add_open(at, 2)
    assert other.due == unit.hours.add_open(at, 4)
    assert (call.priority, other.priority) == (2, 2)


def test_it_is_claimed_before_a_flare_up_that_came_earlier(first, anna, unit):
    from followup.callbacks import services as callbacks

    with later(days=2):
        make.a_flare(make.a_patient(unit))
    with later(days=2, minutes=30):
        second = make.a_flare(anna)
        assert callbacks.claim_next(by=make.a_nurse(unit)).case_id == second.case_id


@pytest.mark.parametrize(
    ("after", "reason"), [({"days": 7, "minutes": 1}, "flare"), ({"days": 2}, "worry"), ({"days": 2}, "prescription")]
)
def test_later_than_that_or_for_another_reason_it_stands_alone(first, anna, unit, after, reason):
    with later(**after) as at:
        contact = make.a_flare(anna, reason=reason)
    assert contact.follows is None
    assert make.callback_of(contact).due != unit.hours.add_open(at, 2)


def test_a_red_flag_is_still_first_of_all(first, anna, unit):
    with later(days=1) as at:
        contact = contacts.warn(patient=anna, red_flags=["rf_pain"], by=anna.user)
    assert contact.follows == first
    call = make.callback_of(contact)
    assert (call.priority, call.due) == (1, unit.hours.add_open(at, 1))


def test_the_nurse_reads_what_came_before_it(first, anna, unit, settings):
    from django.test import Client

    settings.FOLLOWUP_STAFF_MFA = False
    nurse = make.a_nurse(unit)
    with later(days=2):
        second = make.a_flare(anna)
        call = make.a_call_with(nurse, second)
        desk = Client()
        desk.force_login(nurse, backend="django.contrib.auth.backends.ModelBackend")
        assert "second flare-up in a week" in desk.get("/desk/queue/").content.decode()
        page = desk.get(f"/desk/calls/{call.id}/").content.decode()
    assert "he second in 7 days, the first came on 23 November 2026: self-care advice" in page
