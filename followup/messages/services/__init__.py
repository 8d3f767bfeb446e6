"""Telling people: queue it with the change it tells of, send it once, note what became of it."""

from followup.messages.gateways import Never, NotNow, Uncertain, gateway_for
from followup.messages.services.delivery import (
    TRIES,
    _body_to_send,
    _claim,
    _later,
    _note,
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
    "Never",
    "NotNow",
    "StaffAddress",
    "Uncertain",
    "_body_to_send",
    "_claim",
    "_later",
    "_note",
    "deliver",
    "deliver_all",
    "gateway_for",
    "note_report",
    "send_due",
    "send_queued",
    "settle_message",
    "settle_stuck",
    "tell",
    "tell_code",
    "tell_staff",
]
