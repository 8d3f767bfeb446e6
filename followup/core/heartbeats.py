"""Proof of life of the background processes, kept as rows so that any page can ask."""

from datetime import timedelta

from followup.core import clock
from followup.core.models import Heartbeat

SILENT_AFTER = timedelta(minutes=2)
NAMES = ("beat", "worker")


def note(name: str) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"at": clock.now()})


def ages() -> dict[str, float | None]:
    """Seconds since each background process was last known to work; None when it never was."""
    seen = dict(Heartbeat.objects.filter(name__in=NAMES).values_list("name", "at"))
    at = clock.now()
    return {name: (at - seen[name]).total_seconds() if name in seen else None for name in NAMES}


def silent() -> list[str]:
    """Names of the background processes that nobody has heard of for two minutes."""
    limit = SILENT_AFTER.total_seconds()
    return [name for name, age in ages().items() if age is None or age > limit]
