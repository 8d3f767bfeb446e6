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
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import conninfo, sql

from followup.running import embedded, pidfile
from followup.running import state as states

FORMAT = 1
DUMP, MANIFEST = "database.dump", "manifest.json"
SECRETS = {"secret_key": "FOLLOWUP_SECRET_KEY", "journal_key": "FOLLOWUP_JOURNAL_KEY"}
LEFT_OUT = ("django_session",)
PIECE = 1024 * 1024


class Refused(Exception):
    """Said to the administrator as it stands."""


# Taking one


def backup(data: Path, target: Path, *, with_keys: bool = True) -> dict:
    """Write the backup to `target`, a file that is not there yet or a folder to put it in. Returns its manifest and `file`.

    Nobody waits for it: it reads one snapshot and takes no lock that a writer would feel.
    """
    from followup.core import clock

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
        "version": product_version(),
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


# Putting it back


def restore(file: Path, data: Path, *, keys: Path | None = None, new_keys: bool = False) -> dict:
    """Fill the empty folder `data` (or the empty database that DATABASE_URL names) with what the backup holds.

    Everything is looked at before anything is made, and what was made is taken away when it fails. Raises Refused. Returns what
    the console says. Afterwards the database is up to date, its rows have been counted and its journal has been verified.
    """
    if data.exists() and any(data.iterdir()):
        raise Refused(f"{data} is not empty; a backup is put back into an empty folder only.")
    with opened(file) as archive:
        manifest = read_manifest(archive)
        refuse_newer(manifest)
        chosen = {} if new_keys else find_keys(file, keys, manifest)
        check_dump(archive, manifest)
        states.make_folder(data)
        pidfile.claim(data / "run" / "supervisor.pid")
        (data / states.RESTORING).touch()
        try:
            states.write(data, {"demo": manifest["demo"], **chosen})
            with running_database(data, manifest["demo"]) as url:
                load(archive, manifest, url)
                settled = settle(data, manifest)
        except BaseException:
            for path in data.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            raise
        (data / states.RESTORING).unlink()
    return {
        "rows": sum(manifest["rows"].values()),
        "tables": len(manifest["rows"]),
        "made_at": manifest["made_at"],
        **settled,
    }


@contextmanager
def opened(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError):
        raise Refused(f"{file} is not a backup of Followup, or is damaged.") from None
    except OSError as error:
        raise Refused(f"{file} cannot be read ({error.strerror}).") from None


def read_manifest(archive: zipfile.ZipFile) -> dict:
    manifest = json.loads(archive.read(MANIFEST))
    if manifest.get("format") != FORMAT:
        raise Refused(f"This backup is of form {manifest.get('format')}; this version reads form {FORMAT}.")
    return manifest


def refuse_newer(manifest: dict) -> None:
    """An older program would not know what newer tables mean; the other way round `migrate` knows what to do."""
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    unknown = [
        f"{app}.{name}"
        for app, name in manifest["migrations"]
        if app in loader.migrated_apps and (app, name) not in loader.disk_migrations
    ]
    if numbers(manifest["version"]) > numbers(product_version()) or unknown:
        raise Refused(
            f"This backup was made by version {manifest['version']}, which is newer than this one ({product_version()}"
            + (f"; here nobody knows {', '.join(unknown[:3])}" if unknown else "")
            + "). Put it back with that version."
        )


def find_keys(file: Path, named: Path | None, manifest: dict) -> dict[str, str]:
    """The keys that the backup was made under, from the environment, the file named, or the one beside the backup.

    Those of the environment stay there; the others are for the data folder. Raises Refused when one is missing or is another.
    """
    from followup import settings

    beside = named or file.with_name(f"{file.name}.keys")
    try:
        kept = json.loads(beside.read_text())
    except FileNotFoundError:
        kept = {}
    except (OSError, ValueError):
        raise Refused(f"{beside} cannot be read as a file of keys.") from None
    found = {}
    for name, variable in SECRETS.items():
        key = settings.text(variable) or kept.get(name, "")
        if not key:
            raise Refused(
                f"The key {variable} is needed: in the environment, in {beside}, or in a file named by --keys (a kept\n"
                "state.json is one). If it is lost for ever, --new-keys goes on without: the journal so far can then not be verified."
            )
        if fingerprint(key) != manifest["keys"][name]:
            raise Refused(f"{variable} is not the key that this backup was made under.")
        if not given(variable):
            found[name] = key
    return found


def check_dump(archive: zipfile.ZipFile, manifest: dict) -> None:
    digest = hashlib.sha256()
    with archive.open(DUMP) as packed:
        while piece := packed.read(PIECE):
            digest.update(piece)
    if digest.hexdigest() != manifest["sha256"]:
        raise Refused("The backup is damaged: its content is not what its manifest says.")


@contextmanager
def running_database(data: Path, demo: bool) -> Iterator[str]:
    """The address of the database to fill: the one that DATABASE_URL names, else one of our own that runs as long as the block does."""
    from followup.running import supervisor as supervisors

    if supervisors.given("postgres"):
        yield database_url(data)
        return
    supervisor = supervisors.Supervisor(data)
    try:
        supervisor.start(None, demo, ["postgres"])
        yield supervisor.state["database_url"]
    except (supervisors.CannotStart, supervisors.Stopped, embedded.CannotStart, embedded.NotFound) as problem:
        raise Refused(str(problem) or "Stopped.") from None
    finally:
        supervisor.stop()


def load(archive: zipfile.ZipFile, manifest: dict, url: str) -> None:
    """All or nothing, and counted."""
    with connected(url) as connection:
        if count_rows(connection):
            raise Refused("The database is not empty; a backup is put back into an empty one only.")
    where, environment = address(url)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={where}"]
    # If it ends early, it has said why.
    with (
        archive.open(DUMP) as packed,
        subprocess.Popen([client("pg_restore"), *options], env=environment, stdin=subprocess.PIPE) as process,
        contextlib.suppress(BrokenPipeError),
    ):
        shutil.copyfileobj(packed, process.stdin, PIECE)
    if process.returncode:
        raise Refused("pg_restore could not fill the database; what it said stands above.")
    with connected(url) as connection:
        if (there := count_rows(connection)) != manifest["rows"]:
            wrong = [
                table
                for table in manifest["rows"].keys() | there.keys()
                if there.get(table) != manifest["rows"].get(table)
            ]
            raise Refused(f"Not every row came back: {', '.join(sorted(wrong))}.")


def settle(data: Path, manifest: dict) -> dict:
    """What needs the product itself, in a process of its own: its settings are what has just been written."""
    environment = os.environ | {"FOLLOWUP_DATA": str(data)}
    command = [sys.executable, "-m", "followup.running.backup"]
    done = subprocess.run(
        command, cwd=states.ROOT, env=environment, input=json.dumps(manifest), stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise Refused("The data came back, but could not be brought up to date; why stands above.")
    return json.loads(done.stdout)


def settle_here(manifest: dict) -> dict:
    """Bring the tables up to date, put in doubt what may have been sent since, verify the journal and write in it."""
    from django.core.management import call_command

    from followup.core import journal

    call_command("migrate", interactive=False, verbosity=0)
    verdict = journal.verify()
    in_doubt = doubt_messages()
    note_in_journal("system.restored", made_at=manifest["made_at"], in_doubt=in_doubt)
    return {
        "in_doubt": in_doubt,
        "entries": verdict.entries,
        "head": verdict.head,
        "faults": verdict.faults,
        "sound": verdict.sound and manifest["journal_head"] in (None, verdict.head),
    }


def doubt_messages() -> int:
    """What was still to be sent may have been sent after the backup: it is asked about like a message whose sender died, never sent
    blindly a second time.
    """
    from django.db.models import F

    from followup.core import clock
    from followup.messages.models import Message, State

    waiting = Message.objects.filter(state=State.QUEUED, due_at__lte=clock.now())
    return waiting.update(state=State.IN_FLIGHT, attempted_at=F("due_at"))


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


def product_version() -> str:
    return tomllib.loads((states.ROOT / "pyproject.toml").read_text())["project"]["version"]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def note_in_journal(verb: str, **detail) -> None:
    """Whoever carries everything away, or puts it back, leaves a line as everybody else does."""
    from django.db import transaction

    from followup.core import journal

    with transaction.atomic():
        journal.write(verb, by=journal.System("console"), **detail)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "followup.settings")
    django.setup()
    json.dump(settle_here(json.load(sys.stdin)), sys.stdout)
