"""Opening-hours arithmetic: when a unit is open, and when a promise falls due.

Pure: no database, no clock, no settings. Moments go in aware and come out aware in UTC; the weekly
hours are local to the unit, so a day that gains or loses an hour is handled by the calendar, not by us.
A span is open from its first moment up to, not including, its last.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

Span = tuple[datetime, datetime]
NOTHING = timedelta(0)
ONE_DAY = timedelta(days=1)
LOOK_AHEAD_DAYS = 366


class NeverOpen(ValueError):
    """No opening hour within a year: there is no moment to promise."""


@dataclass(frozen=True)
class Duration:
    """How long a promise runs. Exactly one field is set.

    open_hours: hours during which the unit is open. 0 means the next open moment.
    working_days: the closing of the nth open day after the day it starts on.
    calendar_days: the last closing at or before the end of the nth day after; there may be none.
    other_part_of_open_day: the nth open day after, in the half of the day the start was not in.
    """

    open_hours: float | None = None
    working_days: int | None = None
    calendar_days: int | None = None
    other_part_of_open_day: int | None = None

    def __post_init__(self):
        given = [value for f in fields(self) if (value := getattr(self, f.name)) is not None]
        if len(given) != 1:
            raise ValueError("a duration names exactly one of " + ", ".join(f.name for f in fields(self)))
        if isinstance(given[0], bool) or not isinstance(given[0], int | float):
            raise ValueError("a duration is a number")
        if self.open_hours is None and not isinstance(given[0], int):
            raise ValueError("days are counted whole")
        if not 0 <= given[0] <= 10_000:
            raise ValueError("a duration lies between 0 and 10,000")
        if self.other_part_of_open_day == 0:
            raise ValueError("another part of the day is sought on a later day: 1 or more")


@dataclass(frozen=True)
class OpeningHours:
    """One unit's calendar.

    weekly: weekday (Monday is 0) to its spans of local time, in order; an end of 00:00 is midnight
    at the end of the day. closed: days on which nothing is open, as dates or as a question.
    """

    zone: ZoneInfo
    weekly: Mapping[int, Collection[tuple[time, time]]]
    closed: Callable[[date], bool] | Collection[date] = field(default=frozenset())

    def __post_init__(self):
        for weekday, spans in self.weekly.items():
            if weekday not in range(7):
                raise ValueError(f"weekday {weekday!r}: Monday is 0, Sunday is 6")
            ends = [_minutes_to(end) for _, end in spans]
            starts = [start.hour * 60 + start.minute for start, _ in spans]
            if any(start >= end for start, end in zip(starts, ends, strict=True)):
                raise ValueError(f"weekday {weekday}: a span closes before it opens")
            if any(end > start for end, start in zip(ends, starts[1:], strict=False)):
                raise ValueError(f"weekday {weekday}: spans overlap or are out of order")

    # days

    def day_of(self, at: datetime) -> date:
        """The unit's own date at a moment."""
        return at.astimezone(self.zone).date()

    def is_closed(self, day: date) -> bool:
        """True for a closed day; a weekday without hours is answered by `spans`, not here."""
        return self.closed(day) if callable(self.closed) else day in self.closed

    def spans(self, day: date) -> list[Span]:
        """The day's open spans as pairs of UTC moments, in order; none on a closed day."""
        if self.is_closed(day):
            return []
        spans: list[Span] = []
        for start, end in self.weekly.get(day.weekday(), ()):
            last_day = day + ONE_DAY if end == time(0) else day
            opens, closes = self._utc(day, start), self._utc(last_day, end)
            if spans:  # a clock change in the night may push two spans into one another
                opens = max(opens, spans[-1][1])
            if opens < closes:
                spans.append((opens, closes))
        return spans

    def open_of(self, day: date) -> datetime | None:
        """First opening of the day, None when it is closed."""
        spans = self.spans(day)
        return spans[0][0] if spans else None

    def close_of(self, day: date) -> datetime | None:
        """Last closing of the day, None when it is closed."""
        spans = self.spans(day)
        return spans[-1][1] if spans else None

    def next_open_day(self, day: date) -> date:
        """The first day after `day` with an opening hour. Raises NeverOpen."""
        for ahead in range(1, LOOK_AHEAD_DAYS + 1):
            if self.spans(candidate := day + ahead * ONE_DAY):
                return candidate
        raise NeverOpen(f"nothing is open within a year after {day}")

    # moments

    def is_open(self, at: datetime) -> bool:
        return any(opens <= at < closes for opens, closes in self.spans(self.day_of(at)))

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself when open, else the next moment that is. Raises NeverOpen."""
        opens, _ = next(self._forward(at))
        return opens

    def add_open(self, at: datetime, hours: float | timedelta) -> datetime:
        """The moment when so many open hours have passed since `at`; with 0, the next opening.

        A count that ends exactly at a closing ends there, not at the next opening. Raises NeverOpen.
        """
        left = _span_of(hours)
        for opens, closes in self._forward(at):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise NeverOpen

    def back_open(self, at: datetime, hours: float | timedelta) -> datetime:
        """The latest moment that has so many open hours between itself and `at`. Raises NeverOpen.

        With 0, `at` when open or closing just then, else the closing before it.
        """
        left = _span_of(hours)
        for opens, closes in self._backward(at):
            if left <= closes - opens:
                return closes - left
            left -= closes - opens
        raise NeverOpen

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """Open time from `start` to `end`; nothing when `end` is not later."""
        total, day, last = NOTHING, self.day_of(start), self.day_of(end)
        while day <= last:
            for opens, closes in self.spans(day):
                total += max(min(closes, end) - max(opens, start), NOTHING)
            day += ONE_DAY
        return total

    def open_hours_between(self, start: datetime, end: datetime) -> float:
        return self.open_between(start, end) / timedelta(hours=1)

    # promises

    def moment(self, duration: Duration, from_at: datetime) -> datetime | None:
        """When a promise that starts at `from_at` falls due: the one way from duration to moment.

        None only for calendar days with no closing left inside them. Raises NeverOpen.
        """
        if duration.open_hours is not None:
            return self.add_open(from_at, duration.open_hours)
        if duration.working_days is not None:
            return self.add_working_days(from_at, duration.working_days)
        if duration.calendar_days is not None:
            return self.last_closing_by(from_at, duration.calendar_days)
        return self.other_part_of_open_day(from_at, duration.other_part_of_open_day or 1)

    def add_working_days(self, start: date | datetime, days: int) -> datetime:
        """Closing of the nth open day after the day of `start`. With 0: of that day, or the next open one."""
        day = self.day_of(start) if isinstance(start, datetime) else start
        if days == 0 and not self.spans(day):
            days = 1
        for _ in range(days):
            day = self.next_open_day(day)
        return self.spans(day)[-1][1]

    def last_closing_by(self, at: datetime, calendar_days: int = 3) -> datetime | None:
        """The last closing after `at` and before the end of the nth calendar day (the day of `at` is day 0).

        None when no open time is left inside: the promise cannot be kept and a person must know.
        """
        today = self.day_of(at)
        for ahead in range(calendar_days, -1, -1):
            closes = self.close_of(today + ahead * ONE_DAY)
            if closes and closes > at:
                return closes
        return None

    def last_closed(self, at: datetime) -> datetime:
        """When the clinic last closed before `at`: last night, before the weekend, an hour ago. A unit that never opens: a week before."""
        today = self.day_of(at)
        closings = (self.close_of(today - back * ONE_DAY) for back in range(LOOK_AHEAD_DAYS))
        return next((closing for closing in closings if closing and closing <= at), at - timedelta(days=7))

    def other_part_of_open_day(self, at: datetime, days: int = 1) -> datetime:
        """On the nth open day after `at`: its opening if `at` fell late in the day, its middle if early.

        The middle halves the open time, so a unit open only in the afternoon has two parts as well.
        """
        day = self.day_of(at)
        early = bool(self.spans(day)) and at < self._middle(day)
        for _ in range(days):
            day = self.next_open_day(day)
        return self._middle(day) if early else self.spans(day)[0][0]

    # inside

    def _middle(self, day: date) -> datetime:
        spans = self.spans(day)
        half = sum((closes - opens for opens, closes in spans), NOTHING) / 2
        return self.next_opening(self.add_open(spans[0][0], half))

    def _utc(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, tzinfo=self.zone).astimezone(UTC)

    def _forward(self, at: datetime) -> Iterator[Span]:
        """Open spans from `at` on, the first cut to begin no earlier."""
        day, at = self.day_of(at), at.astimezone(UTC)
        yield from ((max(opens, at), closes) for opens, closes in self.spans(day) if closes > at)
        while True:
            day = self.next_open_day(day)
            yield from self.spans(day)

    def _backward(self, at: datetime) -> Iterator[Span]:
        """Open spans before `at`, latest first, the first cut to end no later."""
        day, at = self.day_of(at), at.astimezone(UTC)
        yield from ((opens, min(closes, at)) for opens, closes in reversed(self.spans(day)) if opens < at)
        barren = 0
        while barren < LOOK_AHEAD_DAYS:
            day -= ONE_DAY
            spans = self.spans(day)
            barren = 0 if spans else barren + 1
            yield from reversed(spans)
        raise NeverOpen(f"nothing was open within a year before {day}")


def closed_days(country: str, extra: Collection[date] = ()) -> Callable[[date], bool]:
    """The question `OpeningHours.closed` asks: public holidays of any year, and the unit's own days.

    `country` is a code ("SE"), perhaps with its region ("GB-SCT"), or empty where no holiday is kept.
    """
    extra = frozenset(extra)
    return lambda day: day in extra or bool(country and day in _holidays_in(country, day.year))


def swedish_eves(year: int) -> frozenset[date]:
    """Midsummer, Christmas and New Year's Eve: no public holidays by law, yet clinics are closed."""
    first = date(year, 6, 19)  # Midsummer Eve is the Friday between 19 and 25 June
    midsummer_eve = first + timedelta(days=(4 - first.weekday()) % 7)
    return frozenset({midsummer_eve, date(year, 12, 24), date(year, 12, 31)})


@lru_cache(maxsize=256)
def _holidays_in(country: str, year: int) -> frozenset[date]:
    # One fresh calendar per year: the library's own growing calendar is not safe among threads.
    nation, _, region = country.partition("-")
    return frozenset(holidays.country_holidays(nation, subdiv=region or None, years=year, expand=False))


def _minutes_to(end: time) -> int:
    return end.hour * 60 + end.minute or 24 * 60


def _span_of(hours: float | timedelta) -> timedelta:
    span = hours if isinstance(hours, timedelta) else timedelta(hours=hours)
    if span < NOTHING:
        raise ValueError("open hours are counted from 0 upwards")
    return span
