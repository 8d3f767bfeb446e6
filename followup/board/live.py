"""The board as it changes: one listener in each web process, and the streams that it feeds.

An announcement on Redis only says which case to read again. Besides, every two seconds the listener asks PostgreSQL what
changed, so that a lost announcement or a dead Redis costs seconds, never truth. Streams hold no connection to either.
"""

import asyncio
import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import redis
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from followup.board import door, queries
from followup.board.door import Visitor
from followup.board.queries import Row
from followup.core import announce, clock, heartbeats
from followup.people.models import Unit

log = logging.getLogger(__name__)

READ_AGAIN_SECONDS = 2.0
PING_SECONDS = 15.0
GATHER_SECONDS = 0.02
"""After the first announcement, so long for those that come with it: they are read together."""
LONGEST_START = 2.0
"""Seconds that a new stream waits for the listener to listen; reading again makes up for what is said before."""
OVERLAP = timedelta(seconds=30)
"""Commits come out of order: a change is found although it was committed so long after the moment that it bears."""
LONGEST_QUEUE = 100
"""Events that wait for a slow stream; then it is told to reload the page instead."""
LONGEST_ABSENCE = timedelta(minutes=10)
"""A stream that comes back after a longer absence reloads."""
MOST_STREAMS = 300
"""Streams that one process serves."""

RELOAD = b"event: reload\ndata: {}\n\n"


class Stream:
    """One open board. Belongs to the event loop in which it was made; only `put` inside that loop touches the queue."""

    def __init__(self, *, visitor: Visitor, unit_id: UUID, zone: ZoneInfo, kind: str | None):
        self.visitor, self.unit_id, self.zone, self.kind = visitor, unit_id, zone, kind
        self.loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(LONGEST_QUEUE)

    def wants(self, row: Row) -> bool:
        return row.unit_id == self.unit_id and self.kind in (None, row.kind)

    def put(self, event: bytes | None) -> None:
        """Hand over an event; None ends the stream."""
        if event is None or self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            event = None if event is None else RELOAD
        self._queue.put_nowait(event)

    async def get(self) -> bytes | None:
        return await self._queue.get()


class Hub:
    """The streams of this process, and the thread that feeds them; the thread starts with the first stream and ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: set[Stream] = set()
        self._listener: Listener | None = None

    @property
    def is_full(self) -> bool:
        with self._lock:
            return len(self._streams) >= MOST_STREAMS

    def join(self, stream: Stream) -> None:
        with self._lock:
            self._streams.add(stream)
            if self._listener is None or not self._listener.is_alive():
                self._listener = Listener(self)
                self._listener.start()

    def wait_until_it_listens(self) -> None:
        """Return once the listener hears announcements, or knows that it cannot. Blocks: not for an event loop."""
        listener = self._listener
        if listener:
            listener.ear.settled.wait(LONGEST_START)

    def leave(self, stream: Stream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def streams(self) -> list[Stream]:
        with self._lock:
            return list(self._streams)

    def tell(self, streams: Iterable[Stream], event: bytes | None) -> None:
        """From any thread: hand `event` to these streams, waking each of their loops once."""
        by_loop = defaultdict(list)
        for stream in streams:
            by_loop[stream.loop].append(stream)
        for loop, its_streams in by_loop.items():
            try:
                loop.call_soon_threadsafe(_put_all, its_streams, event)
            except RuntimeError:  # the loop has closed: its streams are gone
                for stream in its_streams:
                    self.leave(stream)


def _put_all(streams: list[Stream], event: bytes | None) -> None:
    for stream in streams:
        stream.put(event)


class Listener(threading.Thread):
    """Hears announcements, reads the rows, hands them to the streams."""

    def __init__(self, hub: Hub):
        super().__init__(name="board-listener", daemon=True)
        self.hub = hub
        self.ear = Ear()
        # The state of each case that was sent lately, by the moment of its change.
        self._sent: dict[UUID, datetime] = {}
        self._read_at = clock.now()
        self._days: dict[UUID, date] = {}

    def run(self) -> None:
        read_next = time.monotonic()
        ping_next = read_next + PING_SECONDS
        while True:
            now = time.monotonic()
            announced = self.ear.listen(max(0.0, min(read_next, ping_next) - now))
            now = time.monotonic()
            if announced:
                self._safely(self._send, announced)
            if now >= read_next:
                read_next = now + READ_AGAIN_SECONDS
                self._safely(self._read_again)
            if now >= ping_next:
                ping_next = now + PING_SECONDS
                self._safely(self._ping)

    def _safely(self, act, *args) -> None:
        """Whatever fails is tried again at the next turn; without pings the boards call themselves stale meanwhile."""
        try:
            act(*args)
        except DatabaseError as trouble:
            log.warning("the board could not be read (%s)", type(trouble).__name__)
        except Exception:
            log.exception("the board's listener stumbled")
        finally:
            connection.close()

    def _send(self, case_ids: Iterable[UUID]) -> None:
        streams = self.hub.streams()
        if not streams:
            return
        at = clock.now()
        for row in queries.rows_of(case_ids, at=at):
            self._sent[row.id] = row.changed_at
            self.hub.tell([stream for stream in streams if stream.wants(row)], case_event(row, at))

    def _read_again(self) -> None:
        """What changed without our hearing of it, whose promise passed, and whether a new day began somewhere."""
        units = {stream.unit_id for stream in self.hub.streams()}
        at, before = clock.now(), self._read_at
        self._read_at = at
        if not units:
            self._sent.clear()
            return
        changed = queries.changed_since(units, min(before, at) - OVERLAP)
        fresh = {case_id for case_id, moment in changed if self._sent.get(case_id) != moment}
        self._sent = dict(changed)
        fresh.update(queries.fell_due(units, before, at))
        if fresh:
            self._send(fresh)
        self._mind_the_day(at)

    def _mind_the_day(self, at: datetime) -> None:
        """At midnight of a unit, what is due tomorrow is due today: its boards reload."""
        for stream in self.hub.streams():
            today = at.astimezone(stream.zone).date()
            if self._days.get(stream.unit_id, today) != today:
                same = [each for each in self.hub.streams() if each.unit_id == stream.unit_id]
                self.hub.tell(same, RELOAD)
            self._days[stream.unit_id] = today

    def _ping(self) -> None:
        """Show everybody that we live, and end the streams of those who may no longer look."""
        streams = self.hub.streams()
        if not streams:
            return
        welcome = door.still_welcome(stream.visitor for stream in streams)
        self.hub.tell([stream for stream in streams if stream.visitor in welcome], ping_event())
        self.hub.tell([stream for stream in streams if stream.visitor not in welcome], None)


class Ear:
    """The subscription on Redis. Its failures are silence: whoever listens has another way to know."""

    def __init__(self) -> None:
        self._pubsub: redis.client.PubSub | None = None
        self._try_again = 0.0
        self.settled = threading.Event()
        """Set once Redis has confirmed the first subscription, or failed to."""

    def listen(self, seconds: float) -> set[UUID]:
        """Ids of the cases that were announced; waits no longer than `seconds` for the first."""
        until = time.monotonic() + seconds
        announced: set[UUID] = set()
        try:
            subscription = self._subscription()
            while (rest := until - time.monotonic()) > 0:
                message = subscription.get_message(ignore_subscribe_messages=True, timeout=rest)
                if message:
                    if not announced:
                        until = time.monotonic() + GATHER_SECONDS
                    announced.add(UUID(json.loads(message["data"])["case"]))
        except (redis.RedisError, OSError) as trouble:
            self._lost(trouble)
            if not announced:
                time.sleep(max(0.0, min(until, self._try_again) - time.monotonic()))
        except (ValueError, KeyError, TypeError):
            log.warning("an announcement that is none")
        finally:
            self.settled.set()
        return announced

    def _subscription(self) -> redis.client.PubSub:
        if self._pubsub is None:
            # Said without trying again and again: the listener itself does that, and has other work meanwhile.
            client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=1,
                socket_connect_timeout=0.5,
                health_check_interval=10,
                retry=Retry(NoBackoff(), 0),
            )
            pubsub = client.pubsub()
            pubsub.subscribe(announce.CHANNEL)
            # The first answer is the confirmation: what is announced from here on is heard.
            pubsub.get_message(timeout=1)
            self._pubsub = pubsub
        return self._pubsub

    def _lost(self, trouble: Exception) -> None:
        now = time.monotonic()
        if now >= self._try_again:
            log.warning("no announcements for the board (%s); it reads by itself", type(trouble).__name__)
        self._try_again = now + 1
        if self._pubsub is not None:
            try:
                self._pubsub.close()
            except (redis.RedisError, OSError):
                pass
            self._pubsub = None


hub = Hub()


async def events(*, visitor: Visitor, unit: Unit, kind: str | None, since: datetime | None) -> AsyncIterator[bytes]:
    """The stream of one board, from what it missed after `since` until its visitor goes or may no longer look."""
    stream = Stream(visitor=visitor, unit_id=unit.id, zone=unit.zone, kind=kind)
    # First in, then reading what was missed: so nothing falls between.
    hub.join(stream)
    try:
        for event in await sync_to_async(_first)(stream, since):
            yield event
        while (event := await stream.get()) is not None:
            yield event
    finally:
        hub.leave(stream)


def _first(stream: Stream, since: datetime | None) -> list[bytes]:
    hub.wait_until_it_listens()
    try:
        return catch_up(stream, since)
    finally:
        # Also the one that the middleware of this request used: a stream may last for days.
        connection.close()


# Events


def case_event(row: Row, at: datetime) -> bytes:
    """`id` is the moment of the reading: a browser that comes back says which it saw last."""
    said = json.dumps(row.as_contract(), separators=(",", ":"))
    return f"id: {at.isoformat()}\nevent: case\ndata: {said}\n\n".encode()


def ping_event() -> bytes:
    """`{as_of, ages}`: the moment, and the seconds since each background process was last known to work. One read."""
    at = clock.now()
    said = json.dumps({"as_of": at.isoformat(), "ages": heartbeats.ages()})
    return f"id: {at.isoformat()}\nevent: ping\ndata: {said}\n\n".encode()


def catch_up(stream: Stream, since: datetime | None) -> list[bytes]:
    """What a stream is told first: all that changed since it (or the page around it) was last right, then a ping."""
    at = clock.now()
    if since is None:
        return [ping_event()]
    if at - since > LONGEST_ABSENCE:
        return [RELOAD, ping_event()]
    changed = queries.changed_since([stream.unit_id], since - OVERLAP)
    missed = {case_id for case_id, _ in changed} | set(queries.fell_due([stream.unit_id], since, at))
    if len(missed) > LONGEST_QUEUE:
        return [RELOAD, ping_event()]
    return [*(case_event(row, at) for row in queries.rows_of(missed, at=at) if stream.wants(row)), ping_event()]
