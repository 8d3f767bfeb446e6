"""Looking after the house: when something was last done for it, and from when on a number is no longer well.

The limits stand here once: the administrator's page judges by them, and docs/running.md says them.
"""

from datetime import datetime, timedelta
from typing import Any

from followup.core import clock
from followup.core.models import Upkeep

WELL, LOOK, ACT = "well", "look", "act"
WORST_FIRST = (ACT, LOOK, WELL)

DAY = timedelta(days=1)
LIMITS: dict[str, tuple[timedelta, timedelta]] = {
    "heartbeat": (timedelta(seconds=45), timedelta(minutes=2)),
    "outbox": (timedelta(minutes=1), timedelta(minutes=10)),
    "messages": (timedelta(minutes=5), timedelta(minutes=30)),
    "unsealed": (timedelta(minutes=5), timedelta(minutes=30)),
    "backup": (timedelta(hours=25), 7 * DAY),
    "verify": (8 * DAY, 31 * DAY),
}
"""How old the oldest of each may be: from the first on somebody looks, from the second on somebody acts."""

DISK_LOOK, DISK_ACT = 0.15, 0.05
"""Parts of the disk that are free."""


def note(name: str, **detail: Any) -> None:
    """That it was done just now. `detail` holds numbers and states."""
    Upkeep.objects.update_or_create(name=name, defaults={"at": clock.now(), "detail": detail})


def last() -> dict[str, Upkeep]:
    """What was done last, by name: `backup` {bytes, rows}, `verify` {sound, entries}."""
    return {row.name: row for row in Upkeep.objects.all()}


def by_age(name: str, since: datetime | None, at: datetime) -> str:
    """How a thing stands whose oldest is from `since`; nothing that waits is well."""
    look, act = LIMITS[name]
    age = at - since if since else timedelta(0)
    return ACT if age > act else LOOK if age > look else WELL


def by_space(free: int, total: int) -> str:
    part = free / total if total else 1.0
    return ACT if part < DISK_ACT else LOOK if part < DISK_LOOK else WELL


def worst(states: list[str]) -> str:
    return next((state for state in WORST_FIRST if state in states), WELL)
