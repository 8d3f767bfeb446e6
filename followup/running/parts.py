"""The processes that make up the product: how each becomes the real program, and how one asks whether it is well."""

import ctypes
import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from followup.running import embedded, pidfile
from followup.running import state as states

PR_SET_PDEATHSIG = 1

# What our own processes cannot do without, and where `followup up` keeps it.
OURS = ("web", "worker", "beat")
NEEDS = {
    "FOLLOWUP_SECRET_KEY": "secret_key",
    "FOLLOWUP_JOURNAL_KEY": "journal_key",
    "DATABASE_URL": "database_url",
    "REDIS_URL": "redis_url",
}


@dataclass(frozen=True)
class Part:
    name: str
    command: Callable[[Path, dict], list[str]]
    healthy: Callable[[dict, int], bool]
    stop: signal.Signals = signal.SIGTERM
    # What the kernel sends when the supervisor dies. The worker would wait for a broker that is gone as well;
    # its tasks are safe to cut off.
    orphaned: signal.Signals = signal.SIGTERM
    patience: float = 10  # seconds to stop in before it is killed


def run(name: str, data: Path) -> None:
    """Become the part: this process locks `run/NAME.pid` and execs the real program. Does not return."""
    part = PARTS.get(name)
    if not part:
        sys.exit(f"There is no part called “{name}”. The parts are {', '.join(PARTS)}.")
    states.make_folder(data)
    try:
        pidfile.claim(data / "run" / f"{name}.pid")
    except pidfile.AlreadyRunning as running:
        sys.exit(f"{name} is already running ({running}).")
    os.environ["FOLLOWUP_DATA"] = str(data)
    state = states.read(data)
    lacking = [variable for variable in NEEDS if name in OURS and not said(variable, state)]
    if lacking:
        sys.exit(f"{' and '.join(lacking)} must be set; `followup up` sees to that by itself.")
    try:
        command = part.command(data, state)
        if name == "postgres":
            embedded.leave_root(embedded.postgres_folder(data, embedded.postgres_programs()))
    except (embedded.NotFound, embedded.CannotStart) as problem:
        sys.exit(str(problem))
    die_with_supervisor(part.orphaned)
    os.execv(command[0], command)


def said(variable: str, state: dict) -> bool:
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE") or state.get(NEEDS[variable]))


def die_with_supervisor(with_signal: signal.Signals) -> None:
    """Ask the kernel to stop this process when the supervisor dies. Comes after leave_root, which would undo it."""
    supervisor = os.environ.get("FOLLOWUP_SUPERVISOR")
    if not supervisor:
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(with_signal))
    if os.getppid() != int(supervisor):
        sys.exit("The supervisor is gone.")


# Commands


def postgres(data: Path, state: dict) -> list[str]:
    testing = os.environ.get("FOLLOWUP_TESTING") == "1"
    return embedded.postgres_command(data, state["ports"]["postgres"], testing)[1]


def redis(data: Path, state: dict) -> list[str]:
    return embedded.redis_command(data, state["ports"]["redis"], state["redis_password"])


def web(data: Path, state: dict) -> list[str]:
    bind = os.environ.get("FOLLOWUP_BIND", "127.0.0.1")
    # The server's own access log would hold query strings. An open stream would keep it from stopping.
    options = ["--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "3", "--lifespan", "off"]
    # Python answers one request at a time in each process.
    options += ["--workers", os.environ.get("FOLLOWUP_WEB_PROCESSES", "2")]
    return python("uvicorn", "followup.asgi:application", "--host", bind, "--port", str(web_port(state)), *options)


def web_port(state: dict) -> int:
    return int(os.environ.get("FOLLOWUP_PORT") or state.get("ports", {}).get("web", 8000))


def worker(data: Path, state: dict) -> list[str]:
    processes = os.environ.get("FOLLOWUP_WORKER_PROCESSES", "2")
    quiet = ["--without-mingle", "--without-gossip"]
    return celery("worker", "-Q", "urgent,texts,default", "-c", processes, "--loglevel", "INFO", *quiet)


def beat(data: Path, state: dict) -> list[str]:
    return celery("beat", "--schedule", str(data / "run" / "beat-schedule"), "--pidfile=", "--loglevel", "INFO")


def celery(*arguments: str) -> list[str]:
    return python("celery", "-A", "worker.app", "--quiet", *arguments)


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


# Health: asked of the part itself, within two seconds


def postgres_answers(state: dict, pid: int) -> bool:
    import psycopg

    try:
        with psycopg.connect(state["database_url"], dbname="postgres", connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def redis_answers(state: dict, pid: int) -> bool:
    import redis

    try:
        with redis.Redis.from_url(state["redis_url"], socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def web_answers(state: dict, pid: int) -> bool:
    # The name in the address may be one that only its visitors can reach.
    request = urllib.request.Request(f"http://127.0.0.1:{web_port(state)}/livez")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def worker_answers(state: dict, pid: int) -> bool:
    from celery import Celery

    url = os.environ.get("REDIS_URL") or state["redis_url"]
    if not is_moving(state, pid):
        return False
    try:
        with Celery(broker=url, set_as_current=False) as app:
            app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
            return bool(app.control.ping(destination=[f"celery@{socket.gethostname()}"], timeout=1))
    except Exception:  # whatever the broker's library makes of a server that is away
        return False


def is_moving(state: dict, pid: int) -> bool:
    """Not stopped by a signal and not dead; beat has no other way to be asked."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "TtZX"
    except OSError:
        return False


PARTS = {
    part.name: part
    for part in (
        Part("postgres", postgres, postgres_answers, signal.SIGINT, signal.SIGINT, patience=20),
        Part("redis", redis, redis_answers),
        Part("web", web, web_answers),
        Part("worker", worker, worker_answers, orphaned=signal.SIGKILL, patience=20),
        Part("beat", beat, is_moving),
    )
}


def status(data: Path) -> list[dict]:
    """What `followup status` prints: name, pid or None, port or None, and whether it is well.

    In a folder without a supervisor, such as a container's, that is about the parts which run there.
    """
    state = states.read(data)
    rows = []
    for name in state.get("parts") or [name for name in PARTS if pidfile.holder(data / "run" / f"{name}.pid")]:
        pid = pidfile.holder(data / "run" / f"{name}.pid")
        port = web_port(state) if name == "web" else state.get("ports", {}).get(name)
        healthy = bool(pid) and PARTS[name].healthy(state, pid)
        rows.append({"name": name, "pid": pid, "port": port, "healthy": healthy})
    return rows


def show_status(data: Path) -> int:
    rows = status(data)
    print(json.dumps(rows, indent=1))
    return 0 if rows and all(row["healthy"] for row in rows) else 1
