"""The clock table: what is promised at the awkward hours of the year, worked out by hand from the words of the design.

The unit is in Eksjö: Monday to Friday 08:00 to 16:30, Swedish public holidays, and the eves that `create-unit` closes (24 and 31
December, Midsummer Eve). A red flag is rung within 1 open hour, a flare-up within 4, a worry or a prescription with 2 days left within 8,
the rest within 16. `see by` is the last closing that is still to come and lies before the end of the third calendar day.
"""

from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from django.core.management import call_command

from followup import programmes
from followup.cases.models import Shortage
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.hours import OpeningHours, closed_days, swedish_eves
from followup.people.models import Unit
from followup.programmes.schema import Rules
from tests import factories as make

EKSJÖ = ZoneInfo("Europe/Stockholm")

REQUESTS = {
    "red flag": {"reason": "flare", "answers": {"red_flags": ["rf_bleed"]}},
    "flare": {"reason": "flare"},
    "worry": {"reason": "worry"},
    "prescription, 2 days left": {"reason": "prescription", "answers": {"days_left": 2}},
    "prescription": {"reason": "prescription"},
    "other": {"reason": "other"},
}
PRIORITY = {
    "red flag": 1,
    "flare": 2,
    "worry": 3,
    "prescription, 2 days left": 3,
    "prescription": 4,
    "other": 4,
}

NONE, AT_ONCE = "not at risk", "at risk at once"

# Closed until Monday 28: the eve, Christmas Day, Boxing Day (a Saturday), Sunday. The third day is that Saturday: nothing is open inside.
CHRISTMAS = {
    "red flag": ("2026-12-28T09:00+01:00", None, AT_ONCE),
    "flare": ("2026-12-28T12:00+01:00", None, AT_ONCE),
    "worry": ("2026-12-28T16:00+01:00", None, NONE),
    "prescription, 2 days left": ("2026-12-28T16:00+01:00", None, NONE),
    "prescription": ("2026-12-29T15:30+01:00", None, NONE),
    "other": ("2026-12-29T15:30+01:00", None, NONE),
}
# A plain week. At 16:30 sharp the clinic has closed: every hour is counted from Monday 08:00, and Monday is the third day.
FRIDAY_CLOSING = {
    "red flag": ("2026-11-16T09:00+01:00", "2026-11-16T16:30+01:00", NONE),
    "flare": ("2026-11-16T12:00+01:00", "2026-11-16T16:30+01:00", NONE),
    "worry": ("2026-11-16T16:00+01:00", None, NONE),
    "prescription, 2 days left": ("2026-11-16T16:00+01:00", None, NONE),
    "prescription": ("2026-11-17T15:30+01:00", None, NONE),
    "other": ("2026-11-17T15:30+01:00", None, NONE),
}
# The night has 25 hours. Asked in summer time, answered in winter time; Tuesday is the third day.
CLOCK_CHANGE = {
    "red flag": ("2026-10-26T09:00+01:00", "2026-10-27T16:30+01:00", NONE),
    "flare": ("2026-10-26T12:00+01:00", "2026-10-27T16:30+01:00", NONE),
    "worry": ("2026-10-26T16:00+01:00", None, NONE),
    "prescription, 2 days left": ("2026-10-26T16:00+01:00", None, NONE),
    "prescription": ("2026-10-27T15:30+01:00", None, NONE),
    "other": ("2026-10-27T15:30+01:00", None, NONE),
}
# Two and a half hours are left today; Good Friday to Easter Monday are closed, and summer time begins on Easter Day. The third day is
# Easter Day, so the last closing inside is today's. A flare-up's four hours end on Tuesday: no time starts after that call and before it.
MAUNDY_THURSDAY_AT_TWO = {
    "red flag": ("2027-03-25T15:00+01:00", "2027-03-25T16:30+01:00", NONE),
    "flare": ("2027-03-30T09:30+02:00", "2027-03-25T16:30+01:00", AT_ONCE),
    "worry": ("2027-03-30T13:30+02:00", None, NONE),
    "prescription, 2 days left": ("2027-03-30T13:30+02:00", None, NONE),
    "prescription": ("2027-03-31T13:00+02:00", None, NONE),
    "other": ("2027-03-31T13:00+02:00", None, NONE),
}
# Today's closing is over: until Easter Day nothing is open any more.
MAUNDY_THURSDAY_EVENING = {
    "red flag": ("2027-03-30T09:00+02:00", None, AT_ONCE),
    "flare": ("2027-03-30T12:00+02:00", None, AT_ONCE),
    "worry": ("2027-03-30T16:00+02:00", None, NONE),
    "prescription, 2 days left": ("2027-03-30T16:00+02:00", None, NONE),
    "prescription": ("2027-03-31T15:30+02:00", None, NONE),
    "other": ("2027-03-31T15:30+02:00", None, NONE),
}
TABLE = {
    "Wed 23 Dec 2026 19:00": ("2026-12-23T19:00+01:00", CHRISTMAS),
    "Fri 13 Nov 2026 16:30": ("2026-11-13T16:30+01:00", FRIDAY_CLOSING),
    "Sat 24 Oct 2026 20:00": ("2026-10-24T20:00+02:00", CLOCK_CHANGE),
    "Maundy Thursday 25 Mar 2027 14:00": ("2027-03-25T14:00+01:00", MAUNDY_THURSDAY_AT_TWO),
    "Maundy Thursday 25 Mar 2027 18:00": ("2027-03-25T18:00+01:00", MAUNDY_THURSDAY_EVENING),
}
LINES = [
    pytest.param(datetime.fromisoformat(at), request, *expected, id=f"{moment}, {request}")
    for moment, (at, lines) in TABLE.items()
    for request, expected in lines.items()
]


def local(moment):
    """As the clinic's clock and the table say it."""
    return moment.astimezone(EKSJÖ).isoformat(timespec="minutes") if moment else None


@pytest.fixture(scope="module")
def rules():
    file = Path(programmes.__file__).parent / "shipped" / "ibd.yaml"
    return Rules.model_validate(yaml.safe_load(file.read_text()))


@pytest.fixture(scope="module")
def hours():
    weekly = {day: [(time(8), time(16, 30))] for day in range(5)}
    return OpeningHours(zone=EKSJÖ, weekly=weekly, closed=closed_days("SE", swedish_eves(2026) | swedish_eves(2027)))


@pytest.mark.parametrize(("at", "request_", "due", "see_by", "risk"), LINES)
def test_the_policy_promises_what_the_table_says(rules, hours, at, request_, due, see_by, risk):
    promise = policy.promise_for(rules, hours, policy.Request(**REQUESTS[request_]), at=at)
    assert promise.priority == PRIORITY[request_]
    assert local(promise.not_before) == local(at)
    assert (local(promise.due), local(promise.see_by)) == (due, see_by)
    assert promise.cannot_be_seen_in_time == (risk == AT_ONCE)


SENT = [line for line in LINES if line.values[1] in ("red flag", "flare")]


@pytest.mark.django_db
@pytest.mark.parametrize(("at", "request_", "due", "see_by", "risk"), SENT)
def test_what_is_stored_for_a_patient_is_what_the_table_says(at, request_, due, see_by, risk):
    with clock.turned(at):
        anna = make.a_patient(the_unit_that_the_console_makes())
        doctor = make.a_clinician(anna.unit)
        # Every day has times to the last half hour before closing, so that only the calendar can stand in the way.
        for ahead in range(7):
            day = (at + timedelta(days=ahead)).astimezone(EKSJÖ).date()
            if anna.unit.hours.spans(day):
                make.urgent_times(anna.unit, day, 17, first=time(8), doctor=doctor)
        contact = make.a_flare(anna, booked=False, **REQUESTS[request_])
        callback = make.callback_of(contact)
        assert (callback.priority, local(callback.due), local(contact.see_by)) == (PRIORITY[request_], due, see_by)
        assert (contact.case.step, contact.case.due) == ("received", callback.due)
        assert contact.case.shortage == (Shortage.NOTHING_TO_HOLD if risk == AT_ONCE else "")

        contacts.book(contact.id)
        case = type(contact.case).objects.get(id=contact.case_id)
        assert (case.shortage != "") == (risk == AT_ONCE)
        held = case.appointments.filter(state="held").select_related("slot").first()
        assert (held is not None) == (see_by is not None and risk == NONE)
        if held:
            assert callback.due + timedelta(hours=1) <= held.slot.starts_at < contact.see_by


def the_unit_that_the_console_makes():
    name = f"Eksjö {make.a_unit().id}"
    call_command("create_unit", name, programme="ibd", timezone="Europe/Stockholm", verbosity=0)
    return Unit.objects.get(name=name)
