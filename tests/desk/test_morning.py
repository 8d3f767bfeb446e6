"""The coordinator's morning: numbers that come from the lists they lead to."""

from datetime import date, timedelta

import pytest

from followup.callbacks.models import Callback
from followup.cases.models import Ask
from followup.clinic import services as clinic
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make
from tests.desk.conftest import text

MORNING = "/desk/morning/"


@pytest.fixture(autouse=True)
def somebody_on_the_line(unit, karin):
    for day in (23, 24):
        start = make.MONDAY_MORNING.replace(day=day, hour=7, minute=0)
        clinic.add_session(
            unit=unit,
            person=karin,
            kind="nurse_line",
            starts_at=start,
            ends_at=start + timedelta(hours=8, minutes=30),
            room="",
            slots=[],
            by=make.TESTS,
        )


def test_on_a_calm_morning_nothing_waits(desk, eva, unit, anna):
    make.urgent_times(unit, date(2026, 11, 24), 3)
    page = text(desk(eva).get(MORNING))
    assert "Nothing waits." in page
    assert "<b>3</b> <span>Tuesday 24 November</span>" in page
    assert "<b>0</b> <span>Wednesday 25 November</span>" in page


def test_it_is_where_the_coordinator_comes_in(desk, eva):
    assert desk(eva).get("/desk/")["Location"] == MORNING


def test_requests_of_the_weekend_are_counted_by_priority_from_the_last_closing(desk, eva, unit):
    with clock.turned(make.SUNDAY_EVENING):
        make.a_flare(make.a_patient(unit))
        make.a_flare(make.a_patient(unit), reason="other")
    with clock.turned(make.SUNDAY_EVENING - timedelta(days=2, hours=4)):  # Friday, an hour and a half before closing
        make.a_flare(make.a_patient(unit), reason="worry")
    me = desk(eva)
    page, led_to = text(me.get(MORNING)), text(me.get("/desk/queue/?show=new"))
    assert (
        'href="/desk/queue/?show=new"><b>2</b> <span>requests since we closed, Friday 20 November, 16:30</span>' in page
    )
    assert led_to.count('<tr id="callback-') == 2
    assert "1 of priority 2, 1 of priority 4. The oldest came Sunday 22 November, 19:00." in page


def test_each_thing_that_waits_has_its_number_and_leads_to_its_list(desk, eva, karin, unit, flare, doctor):
    other = make.a_flare(make.a_patient(unit), reason="other")
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="clinician_asked", to=doctor, note="MRI?")
    Ask.objects.update(due=clock.now() - timedelta(hours=1))
    Callback.objects.filter(case=other.case).update(decide_since=clock.now())
    make.a_flare(make.a_patient(unit, phone="", email=""), reason="other")
    nobody_left = make.a_flare(make.a_patient(unit))
    make.urgent_times(unit, date(2026, 11, 24), 1)
    page = text(desk(eva).get(MORNING))
    for said in (
        '<a href="/desk/alerts/#asks-heading"><b>1</b> <span>answer from a clinician is late',
        '<a href="/desk/alerts/#decide-heading"><b>1</b> <span>person not reached',
        '<a href="/desk/alerts/#channel-heading"><b>1</b> <span>person whom only a letter reaches',
    ):
        assert said in page
    assert nobody_left.case.shortage == ""


def test_hours_without_anybody_on_the_line_are_named(desk, eva, unit):
    with clock.turned(make.MONDAY_MORNING + timedelta(days=2)):
        page = text(desk(eva).get(MORNING))
    assert "gap on the nurse line today" in page
    assert "09:00–16:30" in page  # noqa: RUF001  a span of time


def test_a_time_that_nobody_marked_is_counted(desk, eva, karin, flare):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="clinic_time")
    with clock.turned(Appointment.objects.get(case=flare.case).slot.ends_at + timedelta(days=1)):
        page = text(desk(eva).get(MORNING))
        alerts = text(desk(eva).get("/desk/alerts/"))
    assert '<a href="/desk/alerts/#unmarked-heading"><b>1</b> <span>clinic time not marked' in page
    assert "Had a time Tuesday 24 November, 13:00" in alerts
    assert "/desk/clinic-day/?day=2026-11-24" in alerts
