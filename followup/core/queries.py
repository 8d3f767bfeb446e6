"""Reading how the ground stands: numbers for whoever looks after the machine. Nothing here grows with history."""

from dataclasses import dataclass
from datetime import datetime

import redis
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min

from followup.core import announce, clock, outbox
from followup.core.models import Entry, Outbox, Seal


@dataclass(frozen=True)
class Backlog:
    """What happened and was not heard of yet. `given_up`: how many of each topic wait for a person."""

    waiting: int
    oldest: datetime | None
    given_up: dict[str, int]


@dataclass(frozen=True)
class JournalStand:
    """`line`: the number of the last one. `unsealed_since`: the oldest that no seal covers; None where all are sealed."""

    line: int
    sealed_at: datetime | None
    head: str
    unsealed_since: datetime | None


def backlog() -> Backlog:
    waiting = Outbox.objects.filter(done_at=None, gave_up_at=None).aggregate(
        count=Count("id"), oldest=Min("created_at")
    )
    by_topic = outbox.given_up().order_by("topic").values_list("topic").annotate(Count("id"))
    return Backlog(waiting=waiting["count"], oldest=waiting["oldest"], given_up=dict(by_topic))


def journal_stand() -> JournalStand:
    seal = Seal.objects.order_by("-id").first()
    unsealed = Entry.objects.filter(id__gt=seal.last_entry if seal else 0).order_by("id")
    return JournalStand(
        line=Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0,
        sealed_at=seal.at if seal else None,
        head=seal.head if seal else "",
        unsealed_since=unsealed.values_list("at", flat=True).first(),
    )


def migrations_to_make() -> int:
    """How many the code knows and the database does not."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def living_sessions() -> int:
    """Browsers that somebody is signed in with, or is on the way to."""
    return Session.objects.filter(expire_date__gt=clock.now()).count()


def redis_answers() -> bool:
    try:
        return bool(announce.connection().ping())
    except redis.RedisError:
        return False
