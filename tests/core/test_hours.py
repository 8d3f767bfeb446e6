"""Promises on the calendar of a Swedish clinic: weekdays 8-16, lunch closed on Wednesdays, eves closed too."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from followup.core.hours import Duration, NeverOpen, OpeningHours, closed_days, swedish_eves

STOCKHOLM = ZoneInfo("Europe/Stockholm")
DAY = [(time(8), time(16))]
WITH_LUNCH = [(time(8), time(12)), (time(13), time(16))]
EVES = swedish_eves(2026) | swedish_eves(2027)
CLINIC = OpeningHours(STOCKHOLM, {0: DAY, 1: DAY, 2: WITH_LUNCH, 3: DAY, 4: DAY}, closed_days("SE", EVES))
NIGHT_LINE = OpeningHours(STOCKHOLM, dict.fromkeys(range(7), [(time(0), time(0))]))
YEARS = datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2027-12-01")
MOMENTS = st.datetimes(*YEARS, timezones=st.just(UTC))
LENGTHS = st.timedeltas(timedelta(minutes=1), timedelta(hours=90))
CALENDARS = st.sampled_from([CLINIC, NIGHT_LINE])


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM)


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2026-11-22T20:15", 4, "2026-11-23T12:00"),  # Sunday evening
        ("2026-11-22T20:15", 0, "2026-11-23T08:00"),
        ("2026-11-20T15:30", 1, "2026-11-23T08:30"),  # Friday, half an hour left
        ("2026-11-20T16:30", 4, "2026-11-23T12:00"),  # Friday 16:30, just closed
        ("2026-11-20T16:30", 16, "2026-11-24T16:00"),  # ends with the second day, not with the third morning
        ("2026-11-25T11:30", 1, "2026-11-25T13:30"),  # over Wednesday's lunch
        ("2026-11-25T12:30", 0, "2026-11-25T13:00"),
        ("2026-12-23T19:00", 1, "2026-12-28T09:00"),  # Christmas: 24 eve, 25 Friday, 26 Saturday, 27 Sunday
        ("2026-12-23T14:00", 4, "2026-12-28T10:00"),
        ("2026-10-24T11:00", 4, "2026-10-26T12:00"),  # Saturday before the clocks go back
        ("2027-03-25T15:00", 4, "2027-03-30T11:00"),  # Maundy Thursday, Easter and summer time
    ],
)
def test_open_hours_are_counted_only_while_open(asked, hours, due):
    assert CLINIC.add_open(local(asked), hours) == local(due)
    assert CLINIC.moment(Duration(open_hours=hours), local(asked)) == local(due)


@pytest.mark.parametrize(
    ("asked", "see_by"),
    [
        ("2026-11-22T20:15", "2026-11-25T16:00"),  # Sunday evening: Wednesday
        ("2026-11-20T16:30", "2026-11-23T16:00"),  # Friday 16:30: Monday
        ("2026-12-23T19:00", None),  # Wednesday evening before Christmas: 24, 25, 26 are closed
        ("2026-12-23T15:00", "2026-12-23T16:00"),  # an hour left of the day itself
        ("2026-12-23T16:00", None),  # closing moment: nothing is left of the day
        ("2026-10-24T11:00", "2026-10-27T16:00"),
        ("2026-10-25T02:30", "2026-10-28T16:00"),
        ("2027-03-25T17:00", None),  # Maundy Thursday after closing: Good Friday to Easter Sunday
        ("2027-03-25T10:00", "2027-03-25T16:00"),
        ("2027-03-26T00:30", None),  # Good Friday: the third day is Easter Monday, closed as well
    ],
)
def test_seen_within_three_days_is_the_last_closing_inside_them(asked, see_by):
    assert CLINIC.last_closing_by(local(asked), 3) == (see_by and local(see_by))
    assert CLINIC.moment(Duration(calendar_days=3), local(asked)) == (see_by and local(see_by))


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-11-20T16:30", 1, "2026-11-23T16:00"),
        ("2026-11-20T09:00", 10, "2026-12-04T16:00"),
        ("2026-12-23T19:00", 1, "2026-12-28T16:00"),
        ("2026-11-22T12:00", 0, "2026-11-23T16:00"),
        ("2026-11-23T12:00", 0, "2026-11-23T16:00"),
    ],
)
def test_working_days_end_with_the_closing_of_the_last(start, days, due):
    assert CLINIC.add_working_days(local(start), days) == local(due)
    assert CLINIC.add_working_days(local(start).date(), days) == local(due)
    assert CLINIC.moment(Duration(working_days=days), local(start)) == local(due)


@pytest.mark.parametrize(
    ("tried", "again"),
    [
        ("2026-11-23T09:00", "2026-11-24T12:00"),  # morning: the next day from its middle
        ("2026-11-23T15:00", "2026-11-24T08:00"),  # afternoon: the next morning
        ("2026-11-24T09:00", "2026-11-25T11:30"),  # Wednesday is shorter, its middle comes earlier
        ("2026-11-20T09:00", "2026-11-23T12:00"),  # over a week-end
        ("2026-11-22T09:00", "2026-11-23T08:00"),  # a try on a closed day leaves the morning free
    ],
)
def test_the_last_try_falls_in_another_part_of_the_next_open_day(tried, again):
    assert CLINIC.moment(Duration(other_part_of_open_day=1), local(tried)) == local(again)


def test_the_middle_of_a_day_is_never_inside_lunch():
    even = OpeningHours(STOCKHOLM, dict.fromkeys(range(5), [(time(8), time(12)), (time(13), time(17))]))
    assert even.other_part_of_open_day(local("2026-11-23T09:00")) == local("2026-11-24T13:00")


@pytest.mark.parametrize(
    ("start", "hours", "before"),
    [
        ("2026-11-24T09:00", 2, "2026-11-23T15:00"),
        ("2026-11-24T10:00", 2, "2026-11-24T08:00"),  # the latest such moment, not last night's closing
        ("2026-11-25T13:30", 1, "2026-11-25T11:30"),
        ("2026-11-26T10:20", 24, "2026-11-23T09:20"),  # 2:20 + 7 (Wednesday) + 8 + the last 6:40 of Monday
        ("2026-12-28T08:30", 1, "2026-12-23T15:30"),
    ],
)
def test_open_hours_are_counted_backwards(start, hours, before):
    assert CLINIC.back_open(local(start), hours) == local(before)


def test_opens_at_the_first_moment_and_is_closed_at_the_last():
    assert CLINIC.is_open(local("2026-11-23T08:00"))
    assert not CLINIC.is_open(local("2026-11-23T16:00"))
    assert not CLINIC.is_open(local("2026-11-25T12:00"))
    assert CLINIC.is_open(local("2026-11-25T13:00"))
    assert not CLINIC.is_open(local("2026-12-24T10:00"))
    assert CLINIC.close_of(date(2026, 11, 25)) == local("2026-11-25T16:00")
    assert CLINIC.close_of(date(2026, 11, 22)) is None
    assert CLINIC.next_open_day(date(2027, 3, 25)) == date(2027, 3, 30)


def test_the_same_clock_time_is_another_moment_after_the_clocks_go_back():
    assert CLINIC.open_of(date(2026, 10, 23)) == datetime(2026, 10, 23, 6, tzinfo=UTC)
    assert CLINIC.open_of(date(2026, 10, 26)) == datetime(2026, 10, 26, 7, tzinfo=UTC)


def test_a_line_open_day_and_night_counts_the_hours_that_pass():
    assert NIGHT_LINE.open_hours_between(local("2026-10-24T12:00"), local("2026-10-25T12:00")) == 25
    assert NIGHT_LINE.open_hours_between(local("2027-03-27T12:00"), local("2027-03-28T12:00")) == 23
    assert NIGHT_LINE.add_open(local("2026-10-24T22:00"), 4) == datetime(2026, 10, 25, 0, tzinfo=UTC)


def test_spans_pushed_together_by_the_missing_hour_do_not_overlap():
    nights = OpeningHours(STOCKHOLM, {6: [(time(1), time(2, 30)), (time(2, 40), time(3, 30))]})
    assert nights.open_hours_between(local("2027-03-28T00:00"), local("2027-03-28T06:00")) == 1.5


@pytest.mark.parametrize(
    "hours",
    [
        OpeningHours(STOCKHOLM, {}),
        OpeningHours(STOCKHOLM, {0: []}),
        OpeningHours(STOCKHOLM, {0: DAY}, closed=lambda day: True),
    ],
)
def test_a_unit_that_never_opens_is_refused_and_not_searched_for_ever(hours):
    at = local("2026-11-22T20:15")
    for ask in (hours.next_opening, lambda at: hours.add_open(at, 4), lambda at: hours.back_open(at, 4)):
        with pytest.raises(NeverOpen):
            ask(at)
    with pytest.raises(NeverOpen):
        hours.add_working_days(at, 1)
    assert hours.last_closing_by(at) is None
    assert hours.open_hours_between(at, at + timedelta(days=30)) == 0


@pytest.mark.parametrize(
    "weekly",
    [
        {7: DAY},
        {0: [(time(16), time(8))]},
        {0: [(time(8), time(12)), (time(11), time(16))]},
        {0: [(time(13), time(16)), (time(8), time(12))]},
    ],
)
def test_hours_that_make_no_sense_are_refused(weekly):
    with pytest.raises(ValueError):
        OpeningHours(STOCKHOLM, weekly)


@pytest.mark.parametrize(
    "given_",
    [
        {},
        {"open_hours": 1, "working_days": 1},
        {"open_hours": -1},
        {"working_days": 1.5},
        {"calendar_days": True},
        {"open_hours": "4"},
        {"other_part_of_open_day": 0},
    ],
)
def test_a_duration_says_one_thing(given_):
    with pytest.raises(ValueError):
        Duration(**given_)


def test_the_eves_are_closed_on_top_of_the_holidays():
    assert swedish_eves(2026) == {date(2026, 6, 19), date(2026, 12, 24), date(2026, 12, 31)}
    assert swedish_eves(2027) == {date(2027, 6, 25), date(2027, 12, 24), date(2027, 12, 31)}
    for year in range(2024, 2040):  # the eve of the library's own Midsummer Day
        assert all(closed_days("SE")(eve + timedelta(days=1)) for eve in swedish_eves(year) if eve.month == 6)


def test_holidays_follow_the_country_and_its_regions():
    assert closed_days("SE")(date(2027, 1, 6))
    assert not closed_days("SE")(date(2026, 12, 24))
    assert closed_days("GB-ENG")(date(2027, 3, 29))  # Easter Monday, no holiday in Scotland
    assert not closed_days("GB-SCT")(date(2027, 3, 29))
    assert not closed_days("")(date(2027, 1, 1))
    assert closed_days("SE")(date(2031, 1, 1))


@given(hours=CALENDARS, at=MOMENTS, length=LENGTHS)
def test_the_hours_added_are_the_hours_between(hours, at, length):
    due = hours.add_open(at, length)
    assert due > at
    assert hours.open_between(at, due) == length


@given(hours=CALENDARS, at=MOMENTS, length=LENGTHS)
def test_counting_back_leads_to_where_counting_began(hours, at, length):
    assert hours.back_open(hours.add_open(at, length), length) == hours.next_opening(at)


@given(hours=CALENDARS, at=MOMENTS, length=LENGTHS)
def test_counting_back_leaves_just_so_many_hours(hours, at, length):
    before = hours.back_open(at, length)
    assert before < at
    assert hours.open_between(before, at) == length


@given(at=MOMENTS, first=LENGTHS, second=LENGTHS)
def test_a_promise_in_two_halves_is_the_whole_promise(at, first, second):
    assert CLINIC.add_open(CLINIC.add_open(at, first), second) == CLINIC.add_open(at, first + second)


@given(at=MOMENTS, days=st.integers(0, 10))
def test_a_see_by_is_a_closing_ahead_and_inside_the_days(at, days):
    see_by = CLINIC.last_closing_by(at, days)
    assume(see_by)
    assert see_by > at
    assert see_by == CLINIC.close_of(CLINIC.day_of(see_by))
    assert CLINIC.day_of(see_by) <= CLINIC.day_of(at) + timedelta(days=days)
    assert CLINIC.open_between(see_by, local(f"{CLINIC.day_of(at) + timedelta(days=days)}T23:59")) == timedelta(0)


@given(hours=CALENDARS, at=MOMENTS)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours, at):
    opens = hours.next_opening(at)
    assert hours.is_open(opens)
    assert hours.open_between(at, opens) == timedelta(0)
    assert (opens == at) == hours.is_open(at)
