"""The Celery application. Redis carries work and may be wiped at any moment: what is to be done stands in PostgreSQL."""

import ctypes
import os
import signal

import django
from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "followup.settings")
django.setup()

from django.conf import settings  # noqa: E402  the settings exist from here on

from followup.core import trace  # noqa: E402

app = Celery("followup", broker=settings.REDIS_URL)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=60,
    task_default_queue="default",
    task_routes={
        "outbox.work": {"queue": "urgent"},
        "messages.deliver_at_once": {"queue": "urgent"},
        "messages.*": {"queue": "texts"},
        "sweep.*": {"queue": "urgent"},
    },
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=5,
    worker_enable_soft_shutdown_on_idle=True,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": settings.FOLLOWUP_VISIBILITY_SECONDS,
        "queue_order_strategy": "worker.turns:InOrder",
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
    },
    beat_scheduler="worker.schedule:Scheduler",
    accept_content=["json"],
    timezone="UTC",
)
app.autodiscover_tasks(["worker.tasks"], related_name=None, force=True)


@worker_process_init.connect
def die_with_the_main_process(**_):
    """A pool child would outlive a killed main process by seconds, and go on working beside its successor."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@task_prerun.connect
def go_on_with_what_was_asked(task_id=None, task=None, **_):
    """The log lines of a task carry its id, and that of the request which set it in motion."""
    trace.begin((task.request.headers or {}).get("trace") or task.request.get("trace") or "", task_id or "")


@task_postrun.connect
def be_done_with_it(**_):
    trace.begin("")
