"""A copy of everything a clinic has, taken while it works, and put back on an empty machine.

A backup is one zip file with `database.dump` (what pg_dump writes) and `manifest.json`, both of one and the same moment. Redis holds
nothing that PostgreSQL does not, and who is signed in signs in again: neither is in it. Nor are the keys: they lie in a file of their
own, `FILE.keys`, to be kept in another place; the manifest holds only what tells whether a key is the right one.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import conninfo, sql

from followup.core.version import version
from followup.running import embedded
from followup.running import state as states

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
SECRETS = {"secret_key": "FOLLOWUP_SECRET_KEY", "journal_key": "FOLLOWUP_JOURNAL_KEY"}
LEFT_OUT = ("django_session", "usersessions_usersession")
PIECE = 1024 * 1024


class Refused(Exception):
    """Said to the administrator as it stands."""


# Taking one


def backup(data: Path, target: Path, *, with_keys: bool = True) -> dict:
    """Write the backup to `target`, a file that is not there yet or a folder to put it in. Returns its manifest and `file`.

    Nobody waits for it: it reads one snapshot and takes no lock that a writer would feel.
    """
    from followup.core import clock, upkeep

    at = clock.now()
    file = target / f"followup-{at:%Y-%m-%dT%H%M%SZ}.backup" if target.is_dir() else target
    keys = file.with_name(f"{file.name}.keys")
    for path in (file, keys):
        if path.exists():
            raise Refused(f"{path} is there already, and a backup overwrites nothing.")
    note_in_journal("system.backed_up")
    part = file.with_name(f"{file.name}.part")
    try:
        with open(part, "xb", opener=private) as out, zipfile.ZipFile(out, "w", allowZip64=True) as archive:
            manifest = fill(archive, database_url(data), made_at=at.isoformat())
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except FileExistsError:
        raise Refused(
            f"{part} is there: another backup is being written, or one was cut off. Remove it then."
        ) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    own = {name: key for name, key in states.read(data).items() if name in SECRETS and not given(SECRETS[name])}
    if with_keys and own:
        with open(keys, "x", opener=private) as beside:
            json.dump(own, beside, indent=1)
    # Only now: the administrator's page says when there was last a whole one.
    upkeep.note("backup", bytes=file.stat().st_size, rows=sum(manifest["rows"].values()))
    return manifest | {"file": str(file), "keys_file": str(keys) if with_keys and own else None}


def fill(archive: zipfile.ZipFile, url: str, *, made_at: str) -> dict:
    """Stream the dump into the archive and return the manifest: both read the same snapshot."""
    from django.conf import settings

    with connected(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # However long the dump takes.
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SET statement_timeout = 0")
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()[0]
        server = connection.info.server_version // 10_000
        rows = count_rows(connection)
        migrations = connection.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
        seal = connection.execute("SELECT head FROM journal_seal ORDER BY id DESC LIMIT 1").fetchone()
        with archive.open(DUMP, "w", force_zip64=True) as out:
            size, digest = dump(url, server, snapshot, out)
    return {
        "format": FORMAT,
        "version": version(),
        "made_at": made_at,
        "demo": settings.FOLLOWUP_DEMO,
        "postgres": server,
        "bytes": size,
        "sha256": digest,
        "keys": {
            "secret_key": fingerprint(settings.SECRET_KEY),
            "journal_key": fingerprint(settings.FOLLOWUP_JOURNAL_KEY),
        },
        "rows": rows,
        "migrations": migrations,
        "journal_head": seal[0] if seal else None,
    }


def dump(url: str, server: int, snapshot: str, out: IO[bytes]) -> tuple[int, str]:
    """pg_dump's bytes into `out`; returns how many, and their SHA-256."""
    program = client("pg_dump")
    major = re.search(r"(\d+)", subprocess.run([program, "--version"], capture_output=True, text=True).stdout)
    if not major or int(major[1]) < server:
        raise Refused(
            f"{program} is older than the server, PostgreSQL {server}; name newer ones in FOLLOWUP_POSTGRES_BIN."
        )
    where, environment = address(url)
    command = [
        program,
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        f"--snapshot={snapshot}",
        f"--dbname={where}",
    ]
    command += [f"--exclude-table-data={table}" for table in LEFT_OUT]
    size, digest = 0, hashlib.sha256()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        while piece := process.stdout.read(PIECE):
            out.write(piece)
            digest.update(piece)
            size += len(piece)
    if process.returncode:
        raise Refused("pg_dump could not read the database; what it said stands above.")
    return size, digest.hexdigest()


# Small tools


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def given(variable: str) -> bool:
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def database_url(data: Path) -> str:
    from followup import settings

    url = settings.text("DATABASE_URL", states.read(data).get("database_url", ""))
    if not url:
        raise Refused(f"There is no clinic in {data}.")
    return url


def connected(url: str) -> psycopg.Connection:
    try:
        return psycopg.connect(url, connect_timeout=5)
    except psycopg.OperationalError:
        raise Refused("The database does not answer. Is Followup running (`followup status`)?") from None


def count_rows(connection: psycopg.Connection) -> dict[str, int]:
    """Every table with its rows; those left out count as empty."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    ).fetchall()
    count = sql.SQL("SELECT count(*) FROM {}")
    return {
        table: 0 if table in LEFT_OUT else connection.execute(count.format(sql.Identifier(table))).fetchone()[0]
        for (table,) in found
    }


def client(name: str) -> str:
    """PostgreSQL's own program, from where its server's are, or from PATH."""
    with contextlib.suppress(embedded.NotFound):
        if (program := embedded.postgres_programs() / name).exists():
            return str(program)
    if on_path := shutil.which(name):
        return on_path
    raise Refused(f"{name} was not found; it comes with PostgreSQL. Name its folder in FOLLOWUP_POSTGRES_BIN.")


def address(url: str) -> tuple[str, dict[str, str]]:
    """For a program: the address without its password, and the environment with it (a command line is everybody's to read)."""
    parts: dict[str, Any] = conninfo.conninfo_to_dict(url)
    password = parts.pop("password", None)
    return conninfo.make_conninfo(**parts), os.environ | ({"PGPASSWORD": str(password)} if password else {})


def fingerprint(key: str) -> str:
    """Tells whether two keys are the same; of a random key it tells nothing else."""
    return hashlib.sha256(b"followup key\0" + key.encode()).hexdigest()[:16]


def note_in_journal(verb: str, **detail) -> None:
    """Whoever carries everything away, or puts it back, leaves a line as everybody else does."""
    from django.db import transaction

    from followup.core import journal

    with transaction.atomic():
        journal.write(verb, by=journal.System("console"), **detail)
