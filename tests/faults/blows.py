"""What is done to the product: hands that kill, halt and starve."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis
import requests
from kombu.exceptions import OperationalError

from followup.core import crash
from followup.running import parts
from tests import house as houses
from tests.house import House, until

PARTS = ("web", "worker", "beat", "redis", "postgres")
POOL = 4
"""Children of the pool: three may stand still at once, and one works on."""


class Besieged(House):
    """The house, with ways to hurt it. `come_back` builds it anew where the supervisor itself was killed."""

    process: subprocess.Popen | None = None

    def children(self) -> list[int]:
        """The processes of the worker's pool."""
        main = self.pid("worker")
        try:
            return [int(word) for word in Path(f"/proc/{main}/task/{main}/children").read_text().split()]
        except OSError:  # it has just died
            return []

    def child(self) -> int:
        """One of the pool that is at work."""
        moving = until(
            lambda: [pid for pid in self.children() if parts.is_moving({}, pid)], within=30, what="a child of the pool"
        )
        return moving[0]

    def kill_child(self) -> int:
        pid = self.child()
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_one(self, name: str) -> None:
        """Kill a part, a child of the pool or the supervisor, and wait until another one stands in its place."""
        if name == "supervisor":
            os.kill(self.pid(name), signal.SIGKILL)
            self.come_back()  # whatever its children are about: the next `up` finds everything
        elif name == "child":
            gone = self.kill_child()
            until(lambda: gone not in self.children() and len(self.children()) == POOL, within=30, what="a new child")
        else:
            gone = self.kill(name)
            until(lambda: self.pid(name) not in (None, gone), within=30, what=f"another {name}")
            until(lambda: parts.PARTS[name].healthy(self.state, self.pid(name)), within=30, what=f"{name} being well")

    def kill_supervisor(self) -> None:
        self.kill("supervisor")
        until(lambda: not any(self.pid(name) for name in PARTS), within=30, what="its children ending")
        self.come_back()

    def kill_all(self) -> None:
        for pid in [self.pid("supervisor"), *filter(None, map(self.pid, PARTS))]:
            with suppress(ProcessLookupError):  # the death of the supervisor may have been quicker
                os.kill(pid, signal.SIGKILL)
        self.come_back()

    def come_back(self) -> None:
        ports = self.state["ports"]
        self.leave()
        self.process = houses.build(self.data, None, houses.besieged(self.data))
        assert self.state["ports"]["postgres"] == ports["postgres"], (
            "this process would look for the database elsewhere"
        )

    def leave(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """A part is dead and nobody brings it back, for as long as the block runs."""
        self_pid = self.pid("supervisor")
        os.kill(self_pid, signal.SIGSTOP)
        try:
            self.kill(name)
            yield
        finally:
            os.kill(self_pid, signal.SIGCONT)

    @contextmanager
    def halted(self, pid: int) -> Iterator[None]:
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def wipe_redis(self) -> None:
        redis.Redis.from_url(self.state["redis_url"]).flushall()

    @contextmanager
    def second_beat(self) -> Iterator[None]:
        environment = houses.surroundings(self.data) | houses.besieged(self.data)
        environment.pop("FOLLOWUP_SUPERVISOR")
        command = [sys.executable, "-m", "celery", "-A", "worker.app", "--quiet", "beat", "--pidfile="]
        beat = subprocess.Popen(
            command, cwd=houses.ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
            assert beat.poll() is None, "the second beat did not stay"
        finally:
            beat.terminate()
            beat.wait(20)

    @contextmanager
    def no_connection_left(self) -> Iterator[int]:
        """Every connection that the database gives is taken; how many."""
        taken = []
        try:
            limit = time.monotonic() + 5
            while time.monotonic() < limit:
                try:
                    taken.append(psycopg.connect(self.state["database_url"], connect_timeout=2))
                except psycopg.OperationalError:
                    time.sleep(0.05)  # those that come free are taken too
            yield len(taken)
        finally:
            for connection in taken:
                connection.close()

    @contextmanager
    def log_full(self, *names: str) -> Iterator[None]:
        """The disk under the log takes nothing any more, and the parts are started on it."""
        logs = self.data / "logs"
        for name in names:
            (logs / f"{name}.log").rename(logs / f"{name}.log.kept")
            (logs / f"{name}.log").symlink_to("/dev/full")
            self.kill(name)
        try:
            self.is_well(within=60)
            yield
        finally:
            for name in names:
                (logs / f"{name}.log").unlink()
                (logs / f"{name}.log.kept").rename(logs / f"{name}.log")
                self.kill(name)

    @contextmanager
    def log_closed(self, *names: str) -> Iterator[None]:
        """Where the log should be nothing can be opened, and the parts are started on it."""
        logs = self.data / "logs"
        for name in names:
            (logs / f"{name}.log").rename(logs / f"{name}.log.kept")
            (logs / f"{name}.log").mkdir()
            self.kill(name)
        try:
            self.is_well(within=60)
            yield
        finally:
            for name in names:
                (logs / f"{name}.log").rmdir()
                (logs / f"{name}.log.kept").rename(logs / f"{name}.log")
                self.kill(name)

    # Crash points

    def crash_at(self, point: str) -> None:
        """From now on the first process that comes to this point dies there."""
        self.died(point.removeprefix(crash.HALT)).unlink(missing_ok=True)
        fresh = self.data / "crash.fresh"
        fresh.write_text(point)
        fresh.replace(self.data / "crash")

    def died(self, point: str) -> Path:
        return self.data / "run" / crash.died(point.removeprefix(crash.HALT)).name

    def wake(self) -> int:
        """Whoever stopped at a point goes on; how many did."""
        stopped = self.standing()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        return len(stopped)

    def standing(self) -> list[int]:
        """Who stands still at a point."""
        pids = [pid for pid in (self.pid("web"), *self.children()) if pid]
        return [pid for pid in pids if not parts.is_moving({}, pid) and Path(f"/proc/{pid}").exists()]

    def crash_no_more(self) -> None:
        (self.data / "crash").unlink(missing_ok=True)

    # Health

    def ready(self) -> bool:
        try:
            answer = requests.get(f"{self.url}/readyz", timeout=3)
        except requests.RequestException:
            return False
        return answer.ok and answer.json()["ready"]

    def is_well(self, within: float) -> float:
        """Wait until pages can be served and every part is there and answers; returns the seconds it took."""
        began = time.monotonic()
        until(self.ready, within=within, what="pages being served")
        until(
            lambda: all(row["healthy"] for row in parts.status(self.data)), within=within, what="every part being well"
        )
        return time.monotonic() - began

    def ask_for(self, task: str) -> None:
        """Have the worker do now what beat would ask of it within the minute."""
        from worker.app import app

        with suppress(OperationalError):  # the broker is away: the next ask finds it
            app.send_task(task, retry=False, ignore_result=True)
