"""Days, times and lengths of time as people say them, in the reader's language.

Pages and messages say them alike, so the wording lives here. It is kept in a table beside Babel's formats, not in the message
catalogue: a text is often written for somebody whose language is not the one of the request.
Moments are aware; `zone` is the clinic's (a `tzinfo` or its name), because a time is always the time on the clinic's wall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import groupby
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.units import format_unit
from django.utils.translation import get_language

Zone = tzinfo | str


@dataclass(frozen=True)
class _Language:
    locale: str
    clock: str
    today: str
    tomorrow: str
    yesterday: str
    other_day: str
    less_than_a_minute: str
    days_from_to: str
    hours_from_to: str
    also: str
    minutes_dropped: bool
    named_hours: dict[time, str]
    clinic_number: str
    advice_line: str


_LANGUAGES = {
    "en": _Language(
        locale="en_GB",
        clock="h:mma",
        today="{time} today",
        tomorrow="{time} tomorrow",
        yesterday="{time} yesterday",
        other_day="{time} on {day}",
        less_than_a_minute="less than a minute",
        days_from_to="{first} to {last}",
        hours_from_to="{opens} to {closes}",
        also=" and ",
        minutes_dropped=True,
        named_hours={time(0): "midnight", time(12): "midday"},
        clinic_number="the clinic's number",
        advice_line="your local health advice line",
    ),
    "sv": _Language(
        locale="sv_SE",
        clock="HH:mm",
        today="{time} i dag",
        tomorrow="{time} i morgon",
        yesterday="{time} i går",
        other_day="{time} {day}",
        less_than_a_minute="mindre än en minut",
        days_from_to="{first} till {last}",
        hours_from_to="{opens}–{closes}",
        also=" och ",
        minutes_dropped=False,
        named_hours={},
        clinic_number="mottagningens nummer",
        advice_line="sjukvårdsrådgivningen där du bor",
    ),
}


def _speaking(language: str | None) -> _Language:
    code = (language or get_language() or "en").split("-")[0].split("_")[0]
    return _LANGUAGES.get(code, _LANGUAGES["en"])


def _in_zone(zone: Zone) -> tzinfo:
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def _date_of(value: date, zone: Zone | None) -> date:
    if not isinstance(value, datetime):
        return value
    if zone is None:
        raise ValueError("the day of a moment depends on the zone: name it")
    return value.astimezone(_in_zone(zone)).date()


def day(value: date, *, zone: Zone | None = None, language: str | None = None) -> str:
    """26 November 2026, 26 november 2026. `value` is a day, or a moment together with its zone."""
    return format_date(_date_of(value, zone), "d MMMM y", locale=_speaking(language).locale)


def day_name(value: date, *, zone: Zone | None = None, language: str | None = None) -> str:
    """Thursday 26 November, torsdag 26 november: for days near enough to need no year."""
    return format_date(_date_of(value, zone), "EEEE d MMMM", locale=_speaking(language).locale)


def clock_time(value: datetime | time, *, zone: Zone | None = None, language: str | None = None) -> str:
    """3:40pm, 3pm or midday in English, 15:40 in Swedish. A bare `time` is taken as it stands on the clinic's wall."""
    speaking = _speaking(language)
    at = _wall_time(value, zone)
    if named := speaking.named_hours.get(at.replace(second=0, microsecond=0)):
        return named
    said = format_time(at, speaking.clock, locale=speaking.locale)
    return said.replace(":00", "") if speaking.minutes_dropped else said


def clock24(value: datetime | time, *, zone: Zone | None = None) -> str:
    """15:40 in every language: for staff."""
    return _wall_time(value, zone).strftime("%H:%M")


def _wall_time(value: datetime | time, zone: Zone | None) -> time:
    if not isinstance(value, datetime):
        return value
    if zone is None:
        raise ValueError("the time of a moment depends on the zone: name it")
    return value.astimezone(_in_zone(zone)).time()


def moment(
    value: datetime, *, zone: Zone, now: datetime | None = None, language: str | None = None, staff: bool = False
) -> str:
    """3:40pm today, 10:20am tomorrow, 10:20am on Thursday 26 November, 15:40 i dag: fits after "before" and "at".

    Without `now` the day is always named: for a text that may be read tomorrow. `staff` gives 24 hours.
    """
    speaking = _speaking(language)
    said = clock24(value, zone=zone) if staff else clock_time(value, zone=zone, language=language)
    its_day, today = _date_of(value, zone), _date_of(now, zone) if now else None
    near = {0: speaking.today, 1: speaking.tomorrow, -1: speaking.yesterday}
    pattern = near.get((its_day - today).days) if today else None
    if pattern:
        return pattern.format(time=said)
    named = _named_day(its_day, today, language)
    return speaking.other_day.format(time=said, day=named)


def day_and_time(
    value: datetime, *, zone: Zone, now: datetime | None = None, language: str | None = None, staff: bool = False
) -> str:
    """Thursday 26 November, 10:20am; torsdag 26 november, 10:20. The year is added when it is not the year of `now`."""
    said = clock24(value, zone=zone) if staff else clock_time(value, zone=zone, language=language)
    today = _date_of(now, zone) if now else None
    return f"{_named_day(_date_of(value, zone), today, language)}, {said}"


def _named_day(its_day: date, today: date | None, language: str | None) -> str:
    named = day_name(its_day, language=language)
    return named if today is None or today.year == its_day.year else f"{named} {its_day.year}"


def duration(length: timedelta | float, *, language: str | None = None, short: bool = False) -> str:
    """How long, rounded down: 6 days, 3 hours 10 minutes, 22 minutes; `short` for staff: 6 days, 3 h 10 min, 22 min.

    `length` is a timedelta or seconds; its sign is left to the sentence around it. From two days on, whole days say enough.
    """
    speaking = _speaking(language)
    seconds = abs(length.total_seconds() if isinstance(length, timedelta) else length)
    minutes = int(seconds // 60)
    if minutes >= 2 * 24 * 60:
        return format_unit(minutes // (24 * 60), "duration-day", locale=speaking.locale)
    hours, minutes = divmod(minutes, 60)
    if not hours and not minutes:
        return "0 min" if short else speaking.less_than_a_minute
    parts = [(hours, "h", "duration-hour"), (minutes, "min", "duration-minute")]
    return " ".join(
        f"{count} {brief}" if short else format_unit(count, unit, locale=speaking.locale)
        for count, brief, unit in parts
        if count
    )


def opening_hours(weekly: Mapping[int, Sequence[tuple[time, time]]], *, language: str | None = None) -> str:
    """Monday to Friday 8am to 4pm; måndag till fredag 08:00–16:00.

    `weekly` has for each open weekday (Monday is 0) its spans as (opens, closes); neighbours with the same hours are said together.
    """
    speaking = _speaking(language)
    days = [(weekday, tuple(weekly[weekday])) for weekday in sorted(weekly) if weekly[weekday]]
    said = []
    # A run of neighbours keeps a constant difference between weekday and position.
    for (_, spans), run in groupby(enumerate(days), key=lambda place: (place[1][0] - place[0], place[1][1])):
        weekdays = [weekday for _, (weekday, _) in run]
        first, last = _weekday(weekdays[0], speaking), _weekday(weekdays[-1], speaking)
        name = first if len(weekdays) == 1 else speaking.days_from_to.format(first=first, last=last)
        said.append(f"{name} {speaking.also.join(_span(span, speaking) for span in spans)}")
    return ", ".join(said)


def clinic_number(number: str, *, language: str | None = None) -> str:
    """The number on which a clinic is rung. Where none is written down, words in its place that keep every sentence whole."""
    return number or _speaking(language).clinic_number


def advice_line(number: str, *, language: str | None = None) -> str:
    """The same for advice at hours when the clinic is closed."""
    return number or _speaking(language).advice_line


def _span(span: tuple[time, time], speaking: _Language) -> str:
    opens, closes = (clock_time(edge, language=speaking.locale) for edge in span)
    return speaking.hours_from_to.format(opens=opens, closes=closes)


def _weekday(weekday: int, speaking: _Language) -> str:
    a_monday = date(2024, 1, 1)
    return format_date(a_monday + timedelta(days=weekday), "EEEE", locale=speaking.locale)
