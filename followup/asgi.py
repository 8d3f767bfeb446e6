"""The web process: `uvicorn followup.asgi:application`."""

import ctypes
import multiprocessing
import os
import signal

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "followup.settings")

# Under ASGI each request has a thread of its own, and with it a connection of its own. Without a pool each would log on to PostgreSQL
# anew, which takes as long as all of its statements, and have the hot ones planned anew. More at once only take the processor
# from each other (50 claims a second, two pairs of runs: p95 269 and 3,347 ms with five, 679 and 5,799 ms with sixteen): they wait here,
# in front, and also for a database that comes back. The worker's processes are few and need no pool.
_database = settings.DATABASES["default"]
if "OPTIONS" in _database:
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"]["pool"] = {
        "min_size": 2,
        "max_size": 5,
        "timeout": 20,
        "max_idle": 300,
    }

if multiprocessing.parent_process():
    # One of several: it would outlive a killed main process, and keep the port from its successor.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)

application = get_asgi_application()
