"""Days and times are said as people in each language say them, on the clinic's wall clock."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import translation

from followup.core import words

STOCKHOLM = "Europe/Stockholm"
VISIT = datetime(2026, 11, 26, 14, 40, tzinfo=UTC)  # 15:40 in Stockholm


def at(day: int, hour: int, minute: int = 0, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "said", "named"),
    [
        ("en", "26 November 2026", "Thursday 26 November"),
        ("sv", "26 november 2026", "torsdag 26 november"),
        ("sv-se", "26 november 2026", "torsdag 26 november"),
    ],
)
def test_a_day_is_written_out_in_full(language, said, named):
    assert words.day(date(2026, 11, 26), language=language) == said
    assert words.day_name(date(2026, 11, 26), language=language) == named


def test_the_language_of_the_request_is_used_when_none_is_named():
    with translation.override("sv"):
        assert words.day(date(2026, 11, 26)) == "26 november 2026"
    with translation.override("en"):
        assert words.day(date(2026, 11, 26)) == "26 November 2026"


def test_a_language_we_do_not_speak_gets_english():
    assert words.day(date(2026, 11, 26), language="xx") == "26 November 2026"


def test_the_day_of_a_moment_is_the_clinics_day():
    late_evening = at(26, 23, 30)
    assert words.day(late_evening, zone=STOCKHOLM, language="en") == "27 November 2026"
    assert words.day_name(late_evening, zone=UTC, language="en") == "Thursday 26 November"


def test_a_moment_without_its_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        words.day(VISIT)
    with pytest.raises(ValueError, match="zone"):
        words.clock_time(VISIT)


@pytest.mark.parametrize(
    ("wall", "english", "swedish"),
    [
        (time(15, 40), "3:40pm", "15:40"),
        (time(8, 0), "8am", "08:00"),
        (time(10, 0), "10am", "10:00"),
        (time(12, 0), "midday", "12:00"),
        (time(12, 5), "12:05pm", "12:05"),
        (time(0, 0), "midnight", "00:00"),
        (time(0, 30), "12:30am", "00:30"),
    ],
)
def test_times_are_said_as_each_language_says_them(wall, english, swedish):
    assert words.clock_time(wall, language="en") == english
    assert words.clock_time(wall, language="sv") == swedish


def test_staff_read_24_hours_in_every_language():
    with translation.override("en"):
        assert words.clock24(VISIT, zone=STOCKHOLM) == "15:40"


@pytest.mark.parametrize(
    ("now", "english", "swedish"),
    [
        (at(26, 8), "3:40pm today", "15:40 i dag"),
        (at(25, 8), "3:40pm tomorrow", "15:40 i morgon"),
        (at(27, 8), "3:40pm yesterday", "15:40 i går"),
        (at(23, 8), "3:40pm on Thursday 26 November", "15:40 torsdag 26 november"),
        (at(25, 23, 30), "3:40pm today", "15:40 i dag"),
        (at(2, 8, month=1, year=2027), "3:40pm on Thursday 26 November 2026", "15:40 torsdag 26 november 2026"),
    ],
)
def test_a_moment_is_said_from_where_the_reader_stands(now, english, swedish):
    assert words.moment(VISIT, now=now, zone=STOCKHOLM, language="en") == english
    assert words.moment(VISIT, now=now, zone=STOCKHOLM, language="sv") == swedish


def test_a_moment_that_may_be_read_tomorrow_names_its_day():
    assert words.moment(VISIT, zone=STOCKHOLM, language="en") == "3:40pm on Thursday 26 November"
    assert words.moment(VISIT, zone=STOCKHOLM, language="sv") == "15:40 torsdag 26 november"


def test_staff_read_a_moment_in_24_hours():
    assert words.moment(VISIT, now=at(26, 8), zone=STOCKHOLM, language="en", staff=True) == "15:40 today"


def test_day_and_time_always_names_the_day():
    assert words.day_and_time(VISIT, zone=STOCKHOLM, language="en") == "Thursday 26 November, 3:40pm"
    assert words.day_and_time(VISIT, zone=STOCKHOLM, language="sv") == "torsdag 26 november, 15:40"
    assert words.day_and_time(VISIT, zone=STOCKHOLM, language="en", staff=True) == "Thursday 26 November, 15:40"


def test_day_and_time_names_the_year_only_when_it_is_another():
    assert words.day_and_time(VISIT, zone=STOCKHOLM, now=at(1, 8), language="sv") == "torsdag 26 november, 15:40"
    a_year_before = at(1, 8, year=2025)
    assert words.day_and_time(VISIT, zone=STOCKHOLM, now=a_year_before, language="en") == (
        "Thursday 26 November 2026, 3:40pm"
    )


@pytest.mark.parametrize(
    ("length", "english", "swedish", "short"),
    [
        (timedelta(seconds=59), "less than a minute", "mindre än en minut", "0 min"),
        (timedelta(minutes=1), "1 minute", "1 minut", "1 min"),
        (timedelta(minutes=22, seconds=50), "22 minutes", "22 minuter", "22 min"),
        (timedelta(hours=1), "1 hour", "1 timme", "1 h"),
        (timedelta(hours=3, minutes=10), "3 hours 10 minutes", "3 timmar 10 minuter", "3 h 10 min"),
        (timedelta(hours=47, minutes=59), "47 hours 59 minutes", "47 timmar 59 minuter", "47 h 59 min"),
    ],
)
def test_a_length_of_time_is_said_in_whole_minutes(length, english, swedish, short):
    assert words.duration(length, language="en") == english
    assert words.duration(length, language="sv") == swedish
    assert words.duration(length, language="sv", short=True) == short


def test_from_two_days_on_whole_days_say_enough():
    assert words.duration(timedelta(days=6, hours=5), language="en") == "6 days"
    assert words.duration(timedelta(days=2), language="sv", short=True) == "2 dygn"


def test_late_is_as_long_as_early():
    assert words.duration(-22 * 60, language="en", short=True) == "22 min"


EIGHT_TO_FOUR = [(time(8), time(16))]
WEEK = dict.fromkeys(range(5), EIGHT_TO_FOUR)


def test_days_with_the_same_hours_are_said_together():
    assert words.opening_hours(WEEK, language="en") == "Monday to Friday 8am to 4pm"
    assert words.opening_hours(WEEK, language="sv") == "måndag till fredag 08:00–16:00"


def test_other_hours_and_lone_days_are_said_apart():
    weekly = {0: EIGHT_TO_FOUR, 1: EIGHT_TO_FOUR, 3: EIGHT_TO_FOUR, 4: [(time(8), time(15, 30))], 5: []}
    assert words.opening_hours(weekly, language="en") == (
        "Monday to Tuesday 8am to 4pm, Thursday 8am to 4pm, Friday 8am to 3:30pm"
    )


def test_a_closed_lunch_hour_is_said():
    weekly = {0: [(time(8), time(12)), (time(13), time(16))]}
    assert words.opening_hours(weekly, language="en") == "Monday 8am to midday and 1pm to 4pm"
    assert words.opening_hours(weekly, language="sv") == "måndag 08:00–12:00 och 13:00–16:00"


def test_no_open_day_says_nothing():
    assert words.opening_hours({}, language="en") == ""
