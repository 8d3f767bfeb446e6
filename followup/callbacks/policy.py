"""Pure decisions about calls."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from followup.core.hours import OpeningHours
from followup.programmes.schema import Rules

Window = tuple[datetime, datetime]

SHORTEST_WINDOW = timedelta(minutes=30)


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
    not_before = hours.moment(wait, at)
    return not_before, hours.add_open(not_before, 1)
