"""Not waiting twice for somebody who did not answer.

What goes to Redis after a commit is a hint, and a person waits for their page meanwhile: one time-out is enough.
"""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Patience:
    """Calls that may fail. After one that did, the next `rest` seconds bring no further try."""

    def __init__(self, rest: float = 2.0):
        self.rest = rest
        self._tired_until = 0.0

    @property
    def rested(self) -> bool:
        return time.monotonic() >= self._tired_until

    def call(self, what: str, act: Callable[[], object]) -> bool:
        """Whether `act` was done. A failure is logged as `what`, never raised."""
        if not self.rested:
            return False
        try:
            act()
        except Exception as error:
            self._tired_until = time.monotonic() + self.rest
            log.warning("%s failed (%s); what is missed is found by looking again", what, type(error).__name__)
            return False
        return True
