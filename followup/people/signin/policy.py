"""Every number of the patients' sign-in, and the decisions made with them. Pure: moments and counts in, an answer out.

The limits are assumptions A1 and A2 of the first release, to be confirmed with each clinic.
"""

import ipaddress
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

DIGITS = 6
VALID = timedelta(minutes=15)
REMEMBERED = timedelta(hours=2)
"""So long we can still say that a right code has expired; later it is a wrong one like any other."""

TRIES_A_CODE = 5

SENDS_WITHIN = timedelta(minutes=15)
BETWEEN_SENDS = timedelta(seconds=60)
SENDS = {"claim": 3, "patient": 3, "address": 6, "network": 100}
"""Codes within `SENDS_WITHIN`. A claim is an address with a birth date; one telephone may serve a family, one network a whole region."""

WRONG_WITHIN = timedelta(hours=24)
WRONG_FREE = {"patient": 10, "address": 10, "network": 200}
"""Wrong codes within `WRONG_WITHIN` before each further one costs a delay."""
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)

IDLE = {"patient": timedelta(minutes=30), "staff": timedelta(minutes=15), "call": timedelta(minutes=60)}
WARN_BEFORE = timedelta(minutes=5)

LONGEST = timedelta(hours=12)
"""However much it is used, a session ends so long after the sign-in: longer than any shift."""
LONGEST_WARNED = timedelta(minutes=15)
"""So long before that every page says so."""

GIVEN_PASSWORD = timedelta(days=7)
"""So long a password that was made at the console opens the door, for as long as it takes to choose one's own."""

KEPT = timedelta(days=30)
"""So long the rows of attempts are kept for those who look into a misuse."""

FRESH, EXPIRED, FORGOTTEN = "fresh", "expired", "forgotten"


def age_of(sent_at: datetime, at: datetime) -> str:
    """`fresh`, `expired` (known, but no longer good) or `forgotten`."""
    age = at - sent_at
    if age < VALID:
        return FRESH
    return EXPIRED if age < REMEMBERED else FORGOTTEN


def minutes_left(sent_at: datetime, at: datetime) -> int:
    """Whole minutes for which a code still works, never more than it really has; 0 when it is too late to send it."""
    return max((sent_at + VALID - at) // timedelta(minutes=1), 0)


def next_send_at(sends: Sequence[datetime], most: int, at: datetime) -> datetime:
    """When another code may be sent, given the moments of earlier ones: `at` itself if now."""
    recent = sorted(sent for sent in sends if sent > at - SENDS_WITHIN)
    if len(recent) < most:
        return at
    return recent[-most] + SENDS_WITHIN


def next_send_to_same_at(sends: Sequence[datetime], at: datetime) -> datetime:
    """As `next_send_at`, for one claim: there is also a gap between two sends."""
    gap_ends = max(sends) + BETWEEN_SENDS if sends else at
    return max(next_send_at(sends, SENDS["claim"], at), gap_ends, at)


def next_try_at(wrong: int, last_wrong_at: datetime | None, free: int, at: datetime) -> datetime:
    """When another code may be entered after so many wrong ones: at once up to `free`, then after a delay that doubles."""
    if last_wrong_at is None or wrong < free:
        return at
    delay = min(FIRST_DELAY * 2 ** min(wrong - free, 10), LONGEST_DELAY)
    return max(last_wrong_at + delay, at)


def digits_of(typed: str) -> str | None:
    """The six digits of a code as people type or paste it, with spaces, dashes or dots; None if they are not six digits."""
    code = re.sub(r"[\s.\-\u2010-\u2015\u00ad\u200b]", "", typed)
    return code if re.fullmatch(rf"[0-9]{{{DIGITS}}}", code) else None


def network_of(ip: str) -> str:
    """The network an address belongs to, for limits: an IPv4 address itself, the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
