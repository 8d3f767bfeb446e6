"""What the outside can say to a message."""

from typing import Protocol

from followup.messages.models import Message


class Never(Exception):
    """It will not be delivered, however often it is tried: a bad number, one that opted out. The text is the provider's code."""


class NotNow(Exception):
    """It was not taken, and may be later."""

    def __init__(self, reason: str, *, wait_seconds: float | None = None):
        self.wait_seconds = wait_seconds
        super().__init__(reason)


class Uncertain(Exception):
    """It may or may not have been taken: the line broke after the request."""


class Gateway(Protocol):
    def send(self, message: Message, body: str) -> str:
        """Hand the message over and return the provider's id; raises `Never`, `NotNow` or `Uncertain`."""

    def find(self, message: Message, body: str) -> str | None:
        """The provider's id if it is known to have taken the message, `""` if it is known not to have, None if nobody can tell.

        Raises `NotNow` while it cannot be asked.
        """
