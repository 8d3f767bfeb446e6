"""The product that is measured: whole, on a folder that is thrown away, with the settings that a clinic runs with."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ("FOLLOWUP_", "TWILIO_", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "DJANGO_SETTINGS_MODULE")


@contextlib.contextmanager
def product(**settings: str) -> Iterator[str]:
    """A running product with an empty clinic; gives its address. Django of this process speaks to the same database."""
    data = Path(tempfile.mkdtemp(prefix="followup-bench-"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    surroundings = kept | {"FOLLOWUP_DATA": str(data), "FOLLOWUP_SUPERVISOR": str(os.getpid())} | settings
    words = [sys.executable, "-m", "followup.cli", "up", "--empty", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(
        words, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("Followup is running"):
                break
        else:
            raise RuntimeError("The product did not come up:\n" + "".join(said))
        os.environ |= {"FOLLOWUP_DATA": str(data), "DJANGO_SETTINGS_MODULE": "followup.settings", **settings}
        yield json.loads((data / "state.json").read_text())["public_url"]
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        shutil.rmtree(data, ignore_errors=True)


def at_rest(at_most: float = 180) -> float:
    """Wait until the worker has done all that is due, so that nothing of it falls on what comes next; the seconds that it took.

    After so many seconds it goes on all the same, and says what was left.
    """
    began = time.monotonic()
    while left := {what: count for what, count in _left_to_do().items() if count}:
        if time.monotonic() - began > at_most:
            print(f"  not at rest after {at_most:g} s: {left}")
            break
        time.sleep(0.1)
    return time.monotonic() - began


def _left_to_do() -> dict[str, int]:
    import redis
    from django.conf import settings

    from followup.core import clock
    from followup.core.models import Outbox
    from followup.messages.models import Message

    broker = redis.Redis.from_url(settings.REDIS_URL)
    return {
        "rows in the outbox": Outbox.objects.filter(done_at=None, gave_up_at=None).count(),
        "messages": Message.objects.filter(state__in=("queued", "in_flight"), due_at__lte=clock.now()).count(),
        "tasks": sum(broker.llen(queue) for queue in ("urgent", "default")) + broker.hlen("unacked"),
    }
