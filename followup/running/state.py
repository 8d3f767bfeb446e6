"""The data folder, and the file in it that says where everything is: addresses, ports, generated keys (mode 0600)."""

import json
import os
import secrets
import socket
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]


RESTORING = "restoring"
"""A file of this name says that the folder is being filled from a backup, or that this was cut off."""


class PortTaken(Exception):
    pass


def data_folder(named: str | None = None) -> Path:
    return Path(named or os.environ.get("FOLLOWUP_DATA") or ROOT / ".followup").absolute()


def read(data: Path) -> dict:
    try:
        return json.loads((data / "state.json").read_text())
    except FileNotFoundError:
        return {}


def write(data: Path, state: dict) -> None:
    """All or nothing: a crash in between leaves the old file."""
    fresh = data / "state.json.fresh"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(state, indent=1) + "\n")
    fresh.replace(data / "state.json")


def prepare(data: Path, *, port: int | None, demo: bool, parts: list[str]) -> dict:
    """Fill in what is missing (keys, passwords, free ports), write the file and return its content.

    Only what the environment does not already give is made up: with a DATABASE_URL of its own an installation has no
    embedded server, and so on. Raises PortTaken when the port asked for is in use.
    """
    make_folder(data)
    state = read(data)
    for key in ("secret_key", "journal_key", "postgres_password", "redis_password"):
        state.setdefault(key, secrets.token_urlsafe(36))
    state |= {"demo": demo, "parts": parts, "ports": dict(state.get("ports", {}))}
    ports = state["ports"]
    for name in ("postgres", "redis"):
        if not ports.get(name) or not is_free(ports[name]):
            ports[name] = free_port()
    ports["web"] = web_port(port)
    state["database_url"] = f"postgresql://followup:{state['postgres_password']}@127.0.0.1:{ports['postgres']}/followup"
    state["redis_url"] = f"redis://:{state['redis_password']}@127.0.0.1:{ports['redis']}/0"
    state["public_url"] = os.environ.get("FOLLOWUP_PUBLIC_URL") or f"http://127.0.0.1:{ports['web']}"
    write(data, state)
    return state


def make_folder(data: Path) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("run", "logs"):
        (data / name).mkdir(mode=0o700, exist_ok=True)


def web_port(asked: int | None) -> int:
    """The port asked for (0: any free one), else 8000 or the next free one above it."""
    if asked is None:
        return next(port for port in range(8000, 8100) if is_free(port))
    if asked and not is_free(asked):
        raise PortTaken(f"Port {asked} is in use. Choose another with --port, or leave it out.")
    return asked or free_port()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("FOLLOWUP_BIND", "127.0.0.1"), port))
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_of(url: str) -> int | None:
    return urlsplit(url).port
