"""Starts every part in order, keeps them running, and stops them in order.

One process and one thread: the kernel's "your parent died" is about the thread that started a child.
"""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from followup.running import embedded, parts, pidfile
from followup.running import state as states
from followup.running.parts import PARTS

ORDER = ("postgres", "redis", "web", "worker", "beat")
STOPS = (("web", "beat"), ("worker",), ("redis",), ("postgres",))
TICK = 0.1  # seconds between two looks at the children
START_WITHIN = 120  # seconds for a part to become healthy
STARTS = 5  # times a part is started before the start as a whole is given up
STEADY = 10  # seconds after which a part counts as running steadily again
LONGEST_PAUSE = 15  # seconds before one that dies again and again is started anew: it is back within half a minute
LOG_SIZE = 10 * 1024 * 1024


class CannotStart(Exception):
    pass


class Stopped(Exception):
    """Somebody asked us to stop while we were still starting."""


def up(data: Path, *, port: int | None = None, demo: bool = True, only: list[str] | None = None) -> int:
    """Start everything and stay until told to stop. Returns the exit code."""
    states.make_folder(data)
    try:
        pidfile.claim(data / "run" / "supervisor.pid")
    except pidfile.AlreadyRunning as running:
        say(f"Followup is already running on {data} ({running}). `followup status` shows how it is.")
        return 1
    supervisor = Supervisor(data)
    if (data / states.RESTORING).exists():
        say(f"A backup was being put back into {data} and did not get to its end. Empty the folder and restore again.")
        return 1
    if demo and not states.read(data).get("demo", True):
        say("This folder began without the demonstration clinic, so none is loaded.")
        demo = False  # its log-ins are known to everybody
    # Who starts us may want us to end with them: the tests do.
    parts.die_with_supervisor(signal.SIGTERM)
    try:
        supervisor.clear_leftovers()
        supervisor.start(port, demo, only or list(ORDER))
        say(supervisor.welcome())
        supervisor.watch()
    except Stopped:
        pass
    except (CannotStart, embedded.CannotStart, embedded.NotFound, states.PortTaken) as problem:
        say(str(problem))
        return 1
    finally:
        supervisor.stop()
    say("Followup has stopped.")
    return 0


class Child:
    def __init__(self, name: str, data: Path):
        self.name = name
        self.data = data
        self.process: subprocess.Popen | None = None
        self.started = 0.0
        self.deaths = 0  # in a row
        self.again_at: float | None = None

    def start(self) -> None:
        environment = os.environ | {"FOLLOWUP_DATA": str(self.data), "FOLLOWUP_SUPERVISOR": str(os.getpid())}
        with log_of(self.data, self.name) as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "followup.cli", "run", self.name],
                cwd=states.ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                # Ctrl-C is for us alone: we stop them in order.
                start_new_session=True,
            )
        self.started, self.again_at = time.monotonic(), None

    def look(self) -> None:
        """Bring it back when it died: three times at once, then ever more slowly while it does not stay up."""
        now = time.monotonic()
        if self.again_at is not None:
            if now >= self.again_at:
                try:
                    self.start()
                except OSError as error:  # no memory, no process left: the others must not fall with it
                    say(f"{self.name} could not be started ({error.strerror}).")
                    self.again_at = now + STEADY / 2
        elif self.process and self.process.poll() is not None:
            self.deaths = 1 if now - self.started > STEADY else self.deaths + 1
            pause = min(0.5 * 2 ** max(0, self.deaths - 3), LONGEST_PAUSE)
            self.again_at = now + pause
            say(f"{self.name} ended ({ending(self.process.returncode)}); starting it again in {pause:g} s.")

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        if self.process and self.alive():
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)  # one that was halted would not hear


class Supervisor:
    def __init__(self, data: Path):
        self.data = data
        self.children: dict[str, Child] = {}
        self.state: dict = {}
        self.told = 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.hear)

    def hear(self, number, frame) -> None:
        self.told += 1

    # Starting

    def start(self, port: int | None, demo: bool, names: list[str]) -> None:
        names = [name for name in ORDER if name in names and not given(name)]
        self.state = states.prepare(self.data, port=port, demo=demo, parts=names)
        if port is None and "web" in names and self.state["ports"]["web"] != 8000:
            say(f"Port 8000 is in use; taking {self.state['ports']['web']}.")
        if "postgres" in names:
            if not any(self.data.glob("pg*/PG_VERSION")):
                say("Making the database")
            embedded.make_postgres(self.data, self.state["postgres_password"])
        servers = [name for name in names if name in ("postgres", "redis")]
        self.start_parts(servers)
        if "postgres" in names:
            make_database(self.state["database_url"])
        if "web" in names:
            self.prepare_content()
        self.start_parts([name for name in names if name not in servers])

    def start_parts(self, names: list[str]) -> None:
        if names:
            say(f"Starting {', '.join(names)}")
        for name in names:
            self.children[name] = Child(name, self.data)
            self.children[name].start()
        for name in names:
            self.wait_until_healthy(self.children[name])

    def wait_until_healthy(self, child: Child) -> None:
        part, limit = PARTS[child.name], time.monotonic() + START_WITHIN
        while not (child.process and part.healthy(self.state, child.process.pid)):
            self.may_go_on()
            if not child.alive() and child.deaths < STARTS:
                child.look()  # what was killed a moment ago may still hold its folder
            elif not child.alive() or time.monotonic() > limit:
                raise CannotStart(f"{child.name} did not start.\n{tail(self.data / 'logs' / f'{child.name}.log')}")
            time.sleep(TICK)

    def prepare_content(self) -> None:
        """Bring tables, programmes and the demo clinic up to date, in a process of its own."""
        say("Preparing the data")
        log = self.data / "logs" / "prepare.log"
        command = [sys.executable, "-m", "followup.cli", "prepare"]
        environment = os.environ | {"FOLLOWUP_DATA": str(self.data)}
        with log_of(self.data, "prepare") as file:
            process = subprocess.Popen(
                command, cwd=states.ROOT, env=environment, stdout=file, stderr=file, start_new_session=True
            )
        try:
            while process.poll() is None:
                self.may_go_on()
                time.sleep(TICK)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode:
            raise CannotStart(f"The data could not be prepared.\n{tail(log)}")

    def may_go_on(self) -> None:
        if self.told:
            raise Stopped

    def clear_leftovers(self) -> None:
        """After a supervisor that was killed its children are about to end; see to it that they have."""
        for names in STOPS:
            for name in names:
                stop_stranger(name, self.data / "run" / f"{name}.pid")

    def welcome(self) -> str:
        if "web" not in self.children:
            return f"Running: {', '.join(self.children)}."
        said = f"Followup is running at {self.state['public_url']} (Ctrl-C stops it)."
        welcome = self.data / "run" / "welcome.txt"
        if self.state["demo"] and welcome.exists():
            said += f"\n\n{welcome.read_text().strip()}"
            welcome.unlink()  # it holds the wall screen's key
        return said

    # Running

    def watch(self) -> None:
        while not self.told:
            for child in self.children.values():
                child.look()
            time.sleep(TICK)

    # Stopping

    def stop(self) -> None:
        """In order, so that nobody loses what they stand on; a second Ctrl-C ends the patience."""
        if any(child.alive() for child in self.children.values()):
            say("Stopping")
        heard = self.told
        for names in STOPS:
            group = [self.children[name] for name in names if name in self.children]
            for child in group:
                child.signal(PARTS[child.name].stop)
            limit = time.monotonic() + max((PARTS[child.name].patience for child in group), default=0)
            while any(child.alive() for child in group):
                if time.monotonic() > limit or self.told > max(heard, 1):
                    for child in group:
                        child.signal(signal.SIGKILL)
                time.sleep(TICK / 2)


def given(name: str) -> bool:
    """Whether the environment names a server of its own for this part."""
    variable = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}.get(name)
    return bool(variable and (os.environ.get(variable) or os.environ.get(f"{variable}_FILE")))


def make_database(url: str) -> None:
    import psycopg

    with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = 'followup'").fetchone():
            connection.execute("create database followup")


def stop_stranger(name: str, file: Path) -> None:
    pid = pidfile.holder(file)
    if not pid:
        return
    part, began = PARTS[name], time.monotonic()
    while pidfile.holder(file) == pid:
        waited = time.monotonic() - began
        try:
            os.kill(pid, part.stop if waited < part.patience else signal.SIGKILL)
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        time.sleep(TICK)


def down(data: Path) -> int:
    """Tell the supervisor on this folder to stop, and wait until it has."""
    file = data / "run" / "supervisor.pid"
    pid = pidfile.holder(file)
    if not pid:
        say(f"Nothing is running on {data}.")
        return 0
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + 90
    while pidfile.holder(file) == pid:
        if time.monotonic() > limit:
            say(f"Process {pid} has not stopped yet.")
            return 1
        time.sleep(TICK)
    say("Followup has stopped.")
    return 0


def ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def log_of(data: Path, name: str) -> BinaryIO:
    """The log of a part, opened. A part without a log is better than none: where it cannot be opened nothing is kept."""
    log = data / "logs" / f"{name}.log"
    try:
        keep_small(log)
        return log.open("ab")
    except OSError as error:
        say(f"{log} takes nothing ({error.strerror}); {name} runs without a log.")
        return open(os.devnull, "ab")


def keep_small(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_SIZE:
        log.replace(log.with_suffix(".log.1"))


def tail(log: Path, lines: int = 30) -> str:
    try:
        with log.open(errors="replace") as file:
            return f"The end of {log}:\n" + "".join(deque(file, lines))
    except OSError as error:
        return f"{log} cannot be read ({error.strerror})."


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:
        pass  # the terminal is gone; the children must still be stopped in order
