"""What the outside can say to a message."""

from collections.abc import Sequence
from typing import Protocol

from django.conf import settings

from followup.messages.models import Message


class Never(Exception):
    """It will not be delivered, however often it is tried: a bad number, one that opted out. The text is the provider's code."""


def rest() -> float:
    """Seconds for which a gateway that does not answer is left alone: each try keeps a worker waiting, and others wait for that worker."""
    return min(15.0, settings.FOLLOWUP_RETRY_SECONDS)


class Trouble(Exception):
    """`wait_seconds`: for how long nothing more is handed to this gateway."""

    def __init__(self, reason: str, *, wait_seconds: float | None = None):
        self.wait_seconds = wait_seconds
        super().__init__(reason)


class NotNow(Trouble):
    """It was not taken, and may be later."""


class Uncertain(Trouble):
    """It may or may not have been taken: the line broke after the request."""


class Gateway(Protocol):
    """One way out. More than one message `at_once` goes only to a gateway that takes each once however often it is handed over."""

    at_once: int = 1
    per_second: int = 0
    """How many messages it takes in any second; 0 where nobody counts."""

    def send(self, message: Message, body: str) -> str:
        """Hand the message over and return the provider's id; raises `Never`, `NotNow` or `Uncertain`."""

    def send_all(self, messages: Sequence[tuple[Message, str]]) -> list[str]:
        """Hand over messages with their bodies, all or none; for those that take more than one at once."""
        return [self.send(message, body) for message, body in messages]

    def find(self, message: Message, body: str) -> str | None:
        """The provider's id if it is known to have taken the message, `""` if it is known not to have, None if nobody can tell.

        Raises `NotNow` while it cannot be asked.
        """
