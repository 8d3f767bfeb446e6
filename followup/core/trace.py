"""One id for a request and for everything that it sets in motion, so that the lines of all processes about it are found together.

The web process gives it (or takes it from the proxy), an outbox row keeps it, the worker goes on under it. An id and nothing else.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-Request-ID"
LONGEST = 64

_current: ContextVar[str] = ContextVar("trace", default="")
_task: ContextVar[str] = ContextVar("task", default="")


def current() -> str:
    """The id that this process works under now, or nothing."""
    return _current.get()


def task() -> str:
    """The id of the worker's task, where this is one."""
    return _task.get()


def begin(trace: str, task: str = "") -> None:
    """From here on, until the next one begins in this context."""
    _current.set(trace)
    _task.set(task)


@contextmanager
def scope() -> Iterator[None]:
    """What the block goes on with ends with it."""
    token = _current.set(current())
    try:
        yield
    finally:
        _current.reset(token)


def go_on(trace: str) -> None:
    """This continues what began under that id; without one, it belongs to what goes on already."""
    _current.set(trace or current())


def of_request(headers: Mapping[str, str]) -> str:
    """The caller's own (W3C traceparent, or the `X-Request-ID` of a proxy), else a new one.

    Hexadecimal digits and dashes only: whatever else a caller writes there does not come into the log.
    """
    if found := re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", headers.get("traceparent", "")):
        return found[1]
    told = headers.get(HEADER, "")
    return told if re.fullmatch(rf"[0-9a-fA-F-]{{8,{LONGEST}}}", told) else uuid.uuid4().hex
