"""Taking messages to send them: in flight and committed before anybody calls the gateway, and never more in a second than it takes."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Min

from followup.core import clock
from followup.core.statement import run
from followup.messages.gateways import Gateway
from followup.messages.models import Message, Turn

SECOND = timedelta(seconds=1)
LAPSE = timedelta(seconds=15)
"""After which the turn of somebody who died is free: no try of a gateway lasts that long."""
AHEAD = timedelta(milliseconds=50)
"""So long before it is free a turn may be taken; its message is sent when it is: the claim itself costs no part of the second then."""
LONGEST_WAIT = 1.5
"""A turn that is not free within so many seconds is one with which somebody is sending."""
WAITING = 0x7475726E
"""The lock of whoever waits for a turn: "turn" in letters."""

# One statement: what is queued and due, in flight. What a neighbour is taking in this moment is passed over.
_TAKE = """
WITH {turn} picked AS ({picked}), taken AS (
    UPDATE message m SET state = 'in_flight', attempted_at = %(at)s, attempts = m.attempts + 1, trouble = ''
      FROM picked
     WHERE m.id = picked.id
       AND NOT EXISTS (SELECT FROM message_rest r WHERE r.channel = %(channel)s AND r.until_at > %(at)s)
    RETURNING m.*
){used}
SELECT {turn_taken}, {columns} FROM taken ORDER BY urgency, due_at, id
"""
_NAMED = """
    SELECT q.id FROM message q
     WHERE q.id = ANY(%(ids)s) AND q.channel = %(channel)s AND q.state = 'queued' AND q.due_at <= %(at)s {if_turn}
     LIMIT %(count)s FOR NO KEY UPDATE SKIP LOCKED"""
# One look for each urgency: what may not be sent before the morning stands in front of nobody.
_NEXT = """
    SELECT q.id FROM (VALUES (1), (2), (3)) AS urgency (level) CROSS JOIN LATERAL (
        SELECT q.id FROM message q
         WHERE q.state = 'queued' AND q.channel = %(channel)s AND q.urgency = urgency.level AND q.due_at <= %(at)s {if_turn}
         ORDER BY q.due_at, q.id LIMIT %(count)s FOR NO KEY UPDATE SKIP LOCKED) q
     LIMIT %(count)s"""
# A turn far ahead is one that a clock gave which has been set back since.
_TURN = """turn AS (
    SELECT t.number, t.busy_until_at FROM message_turn t
     WHERE t.channel = %(channel)s AND t.number <= %(per_second)s
       AND (t.busy_until_at <= %(ahead)s OR t.busy_until_at > %(far)s)
     ORDER BY t.number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
),"""
_USED = """, used AS (
    UPDATE message_turn t SET busy_until_at = %(until)s FROM turn
     WHERE t.channel = %(channel)s AND t.number = turn.number AND EXISTS (SELECT FROM taken)
)"""
_COLUMNS = ", ".join(f'"{field.column}"' for field in Message._meta.concrete_fields)
_NAMES = [field.attname for field in Message._meta.concrete_fields]


def _statement(picked: str, *, limited: bool) -> str:
    picked = picked.format(if_turn="AND EXISTS (SELECT FROM turn)" if limited else "")
    turn_taken = "(SELECT number FROM turn), (SELECT busy_until_at FROM turn)" if limited else "NULL, NULL"
    parts = {"turn": _TURN, "used": _USED} if limited else {"turn": "", "used": ""}
    return _TAKE.format(picked=picked, turn_taken=turn_taken, columns=_COLUMNS, **parts)


_STATEMENTS = {
    (picked, limited): _statement(picked, limited=limited) for picked in (_NAMED, _NEXT) for limited in (True, False)
}


def take(channel: str, gateway: Gateway, ids: Iterable[UUID | str] | None = None) -> list[Message]:
    """Messages of a channel, queued and due, that are now this process's own to send: of `ids`, else the most urgent of all.

    As many as the gateway takes at once; none while the channel rests, or while it has taken all that it takes in a second.
    """
    limited, at = bool(gateway.per_second), clock.now()
    until = at + LAPSE
    values = {
        "channel": channel,
        "at": at,
        "ahead": at + AHEAD,
        "until": until,
        "far": at + 2 * LAPSE,
        "count": 1 if limited else gateway.at_once,
        "per_second": gateway.per_second,
        "ids": None if ids is None else [UUID(str(each)) for each in ids],
    }
    statement = _STATEMENTS[_NEXT if ids is None else _NAMED, limited]
    rows = run(statement, values, point="messages.claim")
    if limited and not rows and _number_the_turns(channel, gateway.per_second, at):
        rows = run(statement, values, point="messages.claim")
    taken = []
    for number, free_at, *columns in rows:
        message = Message.from_db(connection.alias, _NAMES, columns)
        message.turn = (number, free_at, until) if limited else None
        taken.append(message)
    return taken


def wait_for_own_turn(message: Message) -> None:
    """The turn that a message has taken may be free only in a moment."""
    if message.turn:
        _number, free_at, _until = message.turn
        ahead = free_at - clock.now()
        if timedelta(0) < ahead <= AHEAD:  # further ahead is one that a clock gave which has been set back since
            time.sleep(ahead.total_seconds())


def give_back(message: Message) -> None:
    """The provider answered: in a second from now another message may have the turn, unless it lapsed and somebody else has it already."""
    if message.turn:
        number, _free_at, until = message.turn
        mine = Turn.objects.filter(channel=message.channel, number=number, busy_until_at=until)
        mine.update(busy_until_at=clock.now() + SECOND)


def wait_for_turn(channel: str, gateway: Gateway, *, at_most: float) -> bool:
    """Wait until one of the channel's turns is free, at most so many seconds; False when there is nothing to be gained by it.

    One process waits at a time, the others are of more use elsewhere. And who is sending just now waits for their own turn afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [WAITING, channel])
        if not cursor.fetchone()[0]:
            return False
        try:
            seconds = max(0.0, _until_a_turn(channel, gateway) - AHEAD.total_seconds())
            if seconds <= LONGEST_WAIT:
                time.sleep(min(seconds, at_most))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [WAITING, channel])
    return seconds <= LONGEST_WAIT


def _until_a_turn(channel: str, gateway: Gateway) -> float:
    """Seconds until one of the channel's turns is free; 0 when one is."""
    turns = Turn.objects.filter(channel=channel, number__lte=gateway.per_second)
    first = turns.aggregate(at=Min("busy_until_at"))["at"]
    return max(0.0, (first - clock.now()).total_seconds()) if first else 0.0


def _number_the_turns(channel: str, count: int, at: datetime) -> bool:
    """Whether there were fewer than the settings ask for; now there are as many."""
    there = Turn.objects.filter(channel=channel, number__lte=count).count()
    if there < count:
        rows = [Turn(channel=channel, number=number + 1, busy_until_at=at) for number in range(count)]
        Turn.objects.bulk_create(rows, ignore_conflicts=True)
    return there < count
