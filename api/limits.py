"""How much one caller may ask for: a program that has lost its way must not stand in the way of the others."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from followup.core import clock
from followup.core.statement import execute

CALLS_A_MINUTE = 6_000
"""A hundred a second: far more than a clinic's programs need, and as much as two cores answer."""

# One row for each caller, begun anew with each minute. Counted in PostgreSQL, so that all web processes count together.
_COUNT = """
INSERT INTO calls_of_caller AS c (caller_id, minute_at, calls) VALUES (%(caller)s, %(minute)s, 1)
    ON CONFLICT (caller_id) DO UPDATE
    SET minute_at = EXCLUDED.minute_at, calls = CASE WHEN c.minute_at = EXCLUDED.minute_at THEN c.calls + 1 ELSE 1 END
RETURNING calls
"""


class CallsAMinute(BaseThrottle):
    """Whoever is known has so many calls in each minute of the clock; the rest get 429 and when to come again."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return True
        self.at = clock.now()
        minute = self.at.replace(second=0, microsecond=0)
        return execute(_COUNT, {"caller": request.user.id, "minute": minute})[0][0] <= CALLS_A_MINUTE

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return 60 - self.at.second - self.at.microsecond / 1_000_000
