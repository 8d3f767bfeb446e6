"""Pure decisions about calls."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from followup.core.errors import Invalid
from followup.core.hours import OpeningHours
from followup.programmes.schema import Rules

Window = tuple[datetime, datetime]

SHORTEST_WINDOW = timedelta(minutes=30)
OPEN_HOURS_OF_A_TRY = 1
FURTHEST_AHEAD = timedelta(days=14)
"""A call may be put so far off by whoever decides after the last try; further is most likely a slip of the pen."""
PRESSED_AGAIN = timedelta(seconds=5)
"""So soon after a call was opened, "take next" at a desk is the same press: the page that it leads to is not there yet."""


def lay_window(*, earliest: datetime, due: datetime, nurse_hours: Iterable[Window], hours: OpeningHours) -> Window:
    """When the patient can expect the call: from the first nurse hour after `earliest` until `due`.

    Without a nurse on the rota before `due` the opening hours stand in: the promise does not fall because a rota is missing.
    """
    for start, end in sorted(nurse_hours):
        begin = max(start, earliest)
        if begin < min(end, due):
            return begin, due
    begin = hours.next_opening(earliest)
    return (begin, due) if begin < due else (begin, begin + SHORTEST_WINDOW)


def next_try(rules: Rules, hours: OpeningHours, *, attempt: int, at: datetime) -> Window | None:
    """When to try again after the `attempt`th try (from 1) found nobody; None after the last: then a person decides.

    Source: domain.md §4.2, "unreached patients": at once, two open hours later, the next open day in another part of the day.
    """
    wait = rules.retry_after(attempt)
    if wait is None:
        return None
    return window_from(hours, hours.moment(wait, at))


def window_from(hours: OpeningHours, start: datetime) -> Window:
    """A try that begins at `start`: the patient waits for it one open hour at most."""
    return start, hours.add_open(start, OPEN_HOURS_OF_A_TRY)


def check_ring_again(hours: OpeningHours, *, at: datetime, start: datetime | None, why: str) -> None:
    """May a person decide so after the last try? Raises `Invalid`."""
    errors = {}
    if start is None or start < at or not hours.is_open(start):
        errors["time"] = _("Choose a day and a time to come, while we are open.")
    elif start > at + FURTHEST_AHEAD:
        errors["time"] = _("Choose a day within the next two weeks.")
    if not why.strip():
        errors["why"] = _("Say why then.")
    if errors:
        raise Invalid(errors)


def check_put_off(
    hours: OpeningHours,
    *,
    at: datetime,
    not_before: datetime,
    due: datetime,
    start: datetime | None,
    why: str,
    agreed: bool,
) -> None:
    """May a call be put off until `start`? Within the day; past its promise only if the patient agreed to that. Raises `Invalid`."""
    errors = {}
    today = start is not None and hours.day_of(start) == hours.day_of(at) and hours.is_open(start)
    if not today or start <= max(at, not_before):
        errors["time"] = _("Choose a time later today, while we are open.")
    elif start >= due and not agreed:
        errors["time"] = _("We have promised to ring before that. Only the patient can agree to a later time.")
    if not why.strip():
        errors["why"] = _("Say why the call has to wait.")
    if errors:
        raise Invalid(errors)
