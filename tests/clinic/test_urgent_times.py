"""Urgent times are kept free for those who get worse; one that nobody has needed falls to others 24 open hours before it starts."""

from datetime import date, datetime, time, timedelta

import pytest

from followup.clinic import services as clinic
from followup.clinic.models import Slot
from followup.contacts import services as contacts
from followup.contacts.queries import times_for
from followup.core import clock
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

# From Monday 09:00, with 8.5 open hours a day, 24 open hours have passed on Wednesday at 16:00.
MONDAY, THURSDAY, FRIDAY = date(2026, 11, 23), date(2026, 11, 26), date(2026, 11, 27)


def a_question(unit):
    """Somebody who comes for another reason than getting worse."""
    return make.a_flare(make.a_patient(unit), reason="other", message="About my tablets").case


def starts(slots) -> list[date]:
    return [slot.starts_at.date() for slot in slots]


def test_an_urgent_time_is_listed_for_others_from_24_open_hours_before(unit):
    case = a_question(unit)
    make.urgent_times(unit, THURSDAY, 1, first=time(9, 0))
    make.urgent_times(unit, FRIDAY, 1, kind="revisit")
    assert starts(times_for(case)) == [FRIDAY]
    with clock.turned(make.MONDAY_MORNING + timedelta(hours=2)):
        assert starts(times_for(case)) == [THURSDAY, FRIDAY]


def test_the_earliest_time_for_another_reason_is_an_urgent_one_only_when_it_has_fallen_free(unit):
    nurse = make.a_nurse(unit)
    make.urgent_times(unit, THURSDAY, 2, first=time(9, 0))
    make.urgent_times(unit, FRIDAY, 1, kind="revisit")
    assert contacts.give_time(a_question(unit), by=nurse).slot.kind == "revisit"
    with pytest.raises(clinic.NoTimeWithinPromise):
        contacts.give_time(a_question(unit), by=nurse)
    with clock.turned(make.MONDAY_MORNING + timedelta(hours=2)):
        assert contacts.give_time(a_question(unit), by=nurse).slot.kind == "urgent"


def test_a_flare_up_never_takes_another_kind_by_itself(unit):
    make.urgent_times(unit, date(2026, 11, 24), 1, kind="revisit")
    case = make.a_flare(make.a_patient(unit)).case
    case.refresh_from_db()
    assert case.shortage == "no_time_left"
    assert Slot.objects.get().appointments.count() == 0


def test_the_hours_are_the_programmes_own(unit):
    rules = make.a_programme().rules
    assert rules.slots.urgent_falls_to_others_open_hours_before == 24
    assert unit.hours.add_open(make.MONDAY_MORNING, 24) == datetime(2026, 11, 25, 16, 0, tzinfo=unit.zone)
