"""What happens by itself, and how often. The schedule is code: beat keeps no file, and a second beat does no harm."""

import logging
import time
from datetime import timedelta

from celery import beat
from celery.schedules import crontab
from django.conf import settings
from django.db import DatabaseError, connection

from followup.core import heartbeats

log = logging.getLogger(__name__)


SWEEPS_A_WATCH = 5


def schedule() -> dict:
    every_sweep = timedelta(seconds=settings.FOLLOWUP_SWEEP_SECONDS)
    return {
        "sweep": {
            "task": "sweep.all",
            "schedule": every_sweep,
            "options": {"expires": settings.FOLLOWUP_SWEEP_SECONDS * 5},
        },
        "watch": {
            "task": "sweep.watch",
            "schedule": every_sweep * SWEEPS_A_WATCH,
            "options": {"expires": settings.FOLLOWUP_SWEEP_SECONDS * SWEEPS_A_WATCH * 2},
        },
        "heartbeat": {"task": "sweep.heartbeat", "schedule": timedelta(seconds=10), "options": {"expires": 60}},
        "seal": {"task": "core.seal_journal", "schedule": timedelta(minutes=1)},
        "forget": {"task": "signin.forget_old", "schedule": crontab(hour=3, minute=0)},
        "rota": {"task": "clinic.lay_out", "schedule": crontab(hour=3, minute=30)},
        "drafts": {"task": "contacts.forget_drafts", "schedule": crontab(hour=3, minute=15)},
        "steps": {"task": "contacts.check_steps", "schedule": crontab(hour=2, minute=30)},
    }


class Scheduler(beat.Scheduler):
    """Celery's plain scheduler with our table, and a row that says it is alive."""

    NOTE_EVERY = 10

    def __init__(self, *args, **kwargs):
        self._noted = 0.0
        super().__init__(*args, **kwargs)

    def setup_schedule(self):
        self.update_from_dict(schedule())

    def tick(self, *args, **kwargs):
        if time.monotonic() - self._noted >= self.NOTE_EVERY:
            self._noted = time.monotonic()
            self._note()
        return min(super().tick(*args, **kwargs), self.NOTE_EVERY)

    def _note(self):
        try:
            heartbeats.note("beat")
        except DatabaseError:
            log.warning("the database did not take the heartbeat of beat")
            connection.close()
