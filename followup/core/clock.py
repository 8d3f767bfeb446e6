"""The only clock of the house.

Under test and simulation its hands are turned: in this process by `turned`, in every other process of a running product by the file
that FOLLOWUP_CLOCK_FILE names (an offset in seconds), which counts only while FOLLOWUP_TESTING is on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings

_standing: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    if _standing is not None:
        return _standing
    return datetime.now(UTC) + _offset()  # noqa: TID251  here it is allowed


@contextmanager
def turned(to: datetime) -> Iterator[datetime]:
    """Let the clock of this process stand still at `to` (aware)."""
    global _standing
    before, _standing = _standing, to.astimezone(UTC)
    try:
        yield _standing
    finally:
        _standing = before


def _offset() -> timedelta:
    path = getattr(settings, "FOLLOWUP_CLOCK_FILE", "")
    if not (path and settings.FOLLOWUP_TESTING):
        return timedelta()
    try:
        return timedelta(seconds=float(Path(path).read_text() or 0))
    except FileNotFoundError:
        return timedelta()
