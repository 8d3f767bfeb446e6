"""The house the tests live in: the product's own supervisor on a temporary data folder, with its own servers and ports.

Loaded by pytest before anything else (`-p tests.house`), so that Django's settings find the addresses. Unit tests
need PostgreSQL and Redis only and use a test database of their own on that server; journeys get the whole product.
An outer house is kept: with FOLLOWUP_HOUSE set to a data folder nothing is started (the workers of pytest-xdist, or
somebody who keeps one running: `followup up --empty --data DIR`).
"""

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

Answer = TypeVar("Answer")

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "tests" / "faults"
LIVE = (ROOT / "tests" / "journeys", ROOT / "tests" / "races", FAULTS)

# Every process of the house is told the same; short times, so that a test can wait for them.
SETTINGS = {
    "FOLLOWUP_TESTING": "1",
    "FOLLOWUP_SWEEP_SECONDS": "1",
    "FOLLOWUP_RETRY_SECONDS": "1",
    "FOLLOWUP_LOG_LEVEL": "INFO",
}


class House:
    """A running product: where it answers, and hands to stop, halt and turn its parts.

    `url` is the address of the pages, `data` the data folder.
    """

    def __init__(self, data: Path):
        self.data = data

    @property
    def state(self) -> dict:
        return json.loads((self.data / "state.json").read_text())

    @property
    def url(self) -> str:
        return self.state["public_url"]

    def pid(self, name: str) -> int | None:
        from followup.running import pidfile

        return pidfile.holder(self.data / "run" / f"{name}.pid")

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the main process of a part and to its children (the worker's pool)."""
        pid = self.pid(name)
        assert pid, f"{name} is not running"
        os.killpg(os.getpgid(pid), number)

    def stop(self, name: str) -> None:
        """Halt a part where it stands (SIGSTOP); `cont` lets it go on."""
        self.send(name, signal.SIGSTOP)

    def cont(self, name: str) -> None:
        self.send(name, signal.SIGCONT)

    @contextmanager
    def stopped(self, *names: str) -> Iterator[None]:
        """Parts halted for as long as the block runs."""
        for name in names:
            self.stop(name)
        try:
            yield
        finally:
            for name in names:
                self.cont(name)

    def kill(self, name: str) -> int:
        """Kill a part's main process without warning; returns the number it had."""
        pid = self.pid(name)
        assert pid, f"{name} is not running"
        os.kill(pid, signal.SIGKILL)
        return pid

    def turn_clock(self, seconds: float) -> None:
        """Set the hands of every process to this many seconds ahead of the real time; 0 sets them right again."""
        file = self.data / "clock"
        fresh = file.with_suffix(".fresh")
        fresh.write_text(str(seconds))
        fresh.replace(file)

    def status(self) -> list[dict]:
        said = subprocess.run(followup("status", "--data", self.data), capture_output=True, text=True, cwd=ROOT)
        return json.loads(said.stdout)

    def console(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess:
        """Run a console command beside the house, as an administrator would."""
        command = followup(*words, "--data", self.data)
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, input=stdin)

    def log(self, name: str) -> str:
        return (self.data / "logs" / f"{name}.log").read_text()


def until(ask: Callable[[], Answer], within: float = 10, what: str = "it") -> Answer:
    """Ask again and again until the answer is true; fails after `within` seconds. Returns the answer."""
    limit = time.monotonic() + within
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > limit:
            pytest.fail(f"{what} did not happen within {within:g} s; the last answer was {answer!r}")
        time.sleep(0.05)


def followup(*words) -> list[str]:
    return [sys.executable, "-m", "followup.cli", *map(str, words)]


# Building and leaving the house


def build(data: Path, parts: list[str] | None, more: dict[str, str] | None = None) -> subprocess.Popen:
    """Start the supervisor and wait until everything answers; `more` joins its environment. Raises RuntimeError with what it said."""
    only = ["--only", *parts] if parts else []
    process = subprocess.Popen(
        followup("up", "--empty", "--port", "0", "--data", data, *only),
        cwd=ROOT,
        env=surroundings(data) | (more or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Ctrl-C is for pytest, which then leaves the house in order.
        start_new_session=True,
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(("Followup is running", "Running:")):
            return process
    raise RuntimeError("The house for the tests did not come up:\n" + "".join(said))


def surroundings(data: Path) -> dict[str, str]:
    """The environment of the house: ours, without what would lead it to servers or data of somebody else."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FOLLOWUP_", "TWILIO_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "DJANGO_SETTINGS_MODULE"):
        own.pop(name, None)
    ours = {
        "FOLLOWUP_DATA": str(data),
        "FOLLOWUP_CLOCK_FILE": str(data / "clock"),
        # In journeys staff sign in with their password alone; the second factor has tests of its own.
        "FOLLOWUP_STAFF_MFA": "0",
        # However this process ends, the house ends with it.
        "FOLLOWUP_SUPERVISOR": str(os.getpid()),
    }
    return own | SETTINGS | ours | passed_on()


def passed_on() -> dict[str, str]:
    """What a test run may choose for its house."""
    names = ("FOLLOWUP_POSTGRES_BIN", "FOLLOWUP_REDIS_SERVER", "TWILIO_BASE_URL")
    return {name: os.environ[name] for name in names if name in os.environ}


def besieged(data: Path) -> dict[str, str]:
    """What the house is told besides when tests/faults attack it: where to crash, and that texts go through a Twilio of the tests' own.

    Asked again, it says the same: a killed supervisor is followed by another one. One process answers pages: of two, the server would
    itself put an end to one that a blow made stand still. Its Twilio takes a hundred texts a second: these nurses ring far more than people
    can, and what they say while no worker lives is to be sent within the minute.
    """
    twilio = os.environ.setdefault("TWILIO_BASE_URL", f"http://127.0.0.1:{free_port()}")
    account = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "secret", "TWILIO_FROM": "+46701740600"}
    crash = {"FOLLOWUP_CRASH_AT": f"@{data / 'crash'}", "FOLLOWUP_WORKER_PROCESSES": "4", "FOLLOWUP_WEB_PROCESSES": "1"}
    return account | {"TWILIO_BASE_URL": twilio, "FOLLOWUP_SMS_PER_SECOND": "100"} | crash


def free_port() -> int:
    from followup.running import state

    return state.free_port()


def leave(process: subprocess.Popen, data: Path) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
    shutil.rmtree(data, ignore_errors=True)


def whole_product_wanted(config: pytest.Config) -> bool:
    """Journeys and races run against the whole product; every other test needs its two servers only."""
    asked, paths = config.known_args_namespace, paths_asked(config)
    left_out = {Path(name).resolve() for name in asked.ignore or []}
    wanted = [live for live in LIVE if not left_out & {live, *live.parents}]
    return any(path == live or path in live.parents or live in path.parents for path in paths for live in wanted)


def paths_asked(config: pytest.Config) -> list[Path]:
    names = config.known_args_namespace.file_or_dir
    return [Path(name.split("::")[0]).resolve() for name in names] or [ROOT / "tests"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config):
    if not os.environ.get("FOLLOWUP_HOUSE"):
        data = Path(tempfile.mkdtemp(prefix="followup-house-"))
        parts = None if whole_product_wanted(early_config) else ["postgres", "redis"]
        try:
            attacked = all(FAULTS in (path, *path.parents) for path in paths_asked(early_config))
            process = build(data, parts, besieged(data) if attacked else None)
        except BaseException:
            shutil.rmtree(data, ignore_errors=True)
            raise
        atexit.register(leave, process, data)
        os.environ["FOLLOWUP_HOUSE"] = str(data)
    data = Path(os.environ["FOLLOWUP_HOUSE"])
    os.environ |= SETTINGS | {
        "FOLLOWUP_DATA": str(data),
        "FOLLOWUP_CLOCK_FILE": str(data / "clock"),
        "FOLLOWUP_STATIC": "plain",
    }
    return (yield)


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    house = House(Path(os.environ["FOLLOWUP_HOUSE"]))
    yield house
    with contextlib.suppress(FileNotFoundError):
        house.turn_clock(0)
