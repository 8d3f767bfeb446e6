"""Whether this process lives, and whether the product behind it can serve: for supervisors, load balancers and whoever watches them."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg_pool import ConnectionPool

from followup.callbacks import queries as calls
from followup.cases import queries as cases
from followup.contacts import queries as contacts
from followup.core import clock, heartbeats, journal, upkeep
from followup.core import queries as ground
from followup.core.version import version
from followup.messages import queries as messages
from followup.people.signin import locks

LOOKS_BACK = timedelta(days=7)
SOON = 2.0
"""Seconds. A page waits longer for a database that comes back; whoever asks whether it is there wants to know now."""


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """This process answers; asks nobody else."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served, else 503.

    `migrations` counts those not yet made; ages are in seconds, null where nothing was ever heard, nothing waits, or nothing can be asked.
    A silent worker or beat shows in its age and does not make the pages unready.
    """
    said: dict[str, Any] = {"database": False, "migrations": None, **dict.fromkeys(FROM_TABLES)}
    try:
        _connect_soon()
        said |= {"migrations": ground.migrations_to_make(), "database": True}
        with transaction.atomic():  # a table that is not there yet must not cost the rest of the answer
            said |= {name: ask() for name, ask in FROM_TABLES.items()}
    except DatabaseError:
        pass
    ready = said["database"] and not said["migrations"]
    return JsonResponse({"ready": ready, **said}, status=200 if ready else 503)


def _connect_soon() -> None:
    """Raises a DatabaseError when the pool gets no connection that works, in a tenth of the time that a page would wait for one."""
    pool: ConnectionPool | None = getattr(connection, "pool", None)
    if pool and connection.connection is None:
        pool.open()
        with connection.wrap_database_errors:
            pool.putconn(pool.getconn(SOON))


FROM_TABLES: dict[str, Callable[[], Any]] = {
    "heartbeats": heartbeats.ages,
    "outbox_age": lambda: _age(ground.backlog().oldest, clock.now()),
    "journal_head": journal.head,
}


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """How much waits, for how long, and how promises are kept, in the text form that Prometheus reads: numbers over all units."""
    return HttpResponse(generate_latest(Numbers()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Numbers(Collector):
    """Asked anew at each reading: every process would say the same, since the rows say it. Each name is told in docs/running.md."""

    def collect(self) -> Iterator[Metric]:
        at = clock.now()
        yield gauge("info", "The version that answers.", {"version": [(version(), 1)]})
        yield from of_calls(at)
        yield from of_messages(at)
        yield from of_the_ground(at)


def of_calls(at: datetime) -> Iterator[Metric]:
    levels = calls.levels()
    said = {str(priority): level for priority, level in levels.items()}
    by = "priority"
    yield gauge("calls_waiting", "Calls that may be made now.", {by: [(p, of.waiting) for p, of in said.items()]})
    yield gauge("calls_late", "Open calls whose promise has passed.", {by: [(p, of.late) for p, of in said.items()]})
    ages = [(priority, _age(level.oldest, at) or 0) for priority, level in said.items()]
    yield gauge(
        "calls_oldest_seconds", "Since the longest waiting of those that may be made now got in touch.", {by: ages}
    )
    rung, seen = calls.rung_in_time(at - LOOKS_BACK), contacts.seen_in_time(at - LOOKS_BACK)
    words = "of the last seven days, in time or not."
    yield gauge("calls_made_7d", f"First tries {words}", {"in_time": [("yes", rung.yes), ("no", rung.no)]})
    yield gauge(
        "flare_ups_seen_7d", f"Times after a flare-up {words}", {"in_time": [("yes", seen.yes), ("no", seen.no)]}
    )
    shortages = cases.at_risk_by_shortage().items()
    yield gauge("cases_at_risk", "Promises that cannot be kept unless somebody acts.", {"shortage": shortages})


def of_messages(at: datetime) -> Iterator[Metric]:
    piles = messages.piles()
    counts = [(state, pile.count) for state, pile in piles.items()]
    ages = [(state, _age(pile.oldest, at) or 0) for state, pile in piles.items()]
    yield gauge("messages", "Messages on their way, and those that wait for a person.", {"state": counts})
    yield gauge("messages_oldest_seconds", "The age of the oldest in that state.", {"state": ages})
    yield gauge(
        "channels_resting",
        "Channels to which nothing is handed now.",
        {"channel": [(each, 1) for each in messages.rests()]},
    )


def of_the_ground(at: datetime) -> Iterator[Metric]:
    backlog, stand, done = ground.backlog(), ground.journal_stand(), upkeep.last()
    yield gauge("outbox_waiting", "Rows that were committed and are not worked yet.", backlog.waiting)
    yield gauge("outbox_age_seconds", "The age of the oldest of them.", _age(backlog.oldest, at) or 0)
    yield gauge(
        "outbox_given_up", "Rows that were tried too often and wait for a person.", sum(backlog.given_up.values())
    )
    heard = [(name, age) for name, age in heartbeats.ages().items() if age is not None]
    yield gauge("heartbeat_age_seconds", "Since worker and beat were last known to work.", {"process": heard})
    sealed = [("seal", _age(stand.sealed_at, at)), ("unsealed", _age(stand.unsealed_since, at) or 0)]
    known = [(what, age) for what, age in sealed if age is not None]
    yield gauge("journal_age_seconds", "Of the last seal, and of the oldest line that no seal covers.", {"of": known})
    ages = [(name, _age(row.at, at)) for name, row in done.items()]
    yield gauge("upkeep_age_seconds", "Since the last backup and the last verifying of the journal.", {"what": ages})
    locked = [("staff", locks.staff()), ("patients", locks.patients())]
    yield gauge("sign_ins_locked", "Whom the limits of signing in keep out now.", {"who": locked})
    yield gauge("sessions", "Browsers with a living session.", ground.living_sessions())


def gauge(name: str, words: str, values: float | dict[str, Iterable[tuple[str, float]]]) -> Metric:
    """One number, or one for each value of a label: `{"state": [("queued", 3), …]}`."""
    if not isinstance(values, dict):
        return GaugeMetricFamily(f"followup_{name}", words, value=values)
    ((label, rows),) = values.items()
    family = GaugeMetricFamily(f"followup_{name}", words, labels=[label])
    for value, number in rows:
        family.add_metric([value], number)
    return family


def _age(since: datetime | None, at: datetime) -> float | None:
    return max((at - since).total_seconds(), 0.0) if since else None
