"""Saying, after commit, which cases changed, so that open boards reload them. A hint: a lost one costs seconds, never truth."""

import json
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction

from followup.core.patience import Patience

CHANNEL = "followup.cases"

_patience = Patience()
_redis: redis.Redis | None = None


def connection() -> redis.Redis:
    """This process's own connection for announcements; short time-outs, because somebody waits for the answer."""
    global _redis
    if _redis is None:
        _redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.4, socket_connect_timeout=0.3)
    return _redis


def case_on_commit(case_id: UUID, unit_id: UUID) -> None:
    transaction.on_commit(lambda: _publish(case_id, unit_id))


def _publish(case_id: UUID, unit_id: UUID) -> None:
    said = json.dumps({"case": str(case_id), "unit": str(unit_id)})
    _patience.call("announcing a case", lambda: connection().publish(CHANNEL, said))
