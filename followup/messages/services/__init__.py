"""Telling people: queue it with the change it tells of, send it once, note what became of it."""

from followup.messages.services.delivery import (
    TRIES,
    deliver,
    deliver_all,
    note_report,
    send_due,
    send_queued,
    settle_stuck,
)
from followup.messages.services.telling import (
    DEALT_WITH,
    POSTMAN,
    StaffAddress,
    settle_message,
    tell,
    tell_code,
    tell_staff,
)

__all__ = [
    "DEALT_WITH",
    "POSTMAN",
    "TRIES",
    "StaffAddress",
    "deliver",
    "deliver_all",
    "note_report",
    "send_due",
    "send_queued",
    "settle_message",
    "settle_stuck",
    "tell",
    "tell_code",
    "tell_staff",
]
