"""A backup put back on an empty machine: looked at before anything is made, counted and verified afterwards."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from followup.core.version import version
from followup.running import embedded, pidfile
from followup.running import state as states
from followup.running.backup import (
    DUMP,
    FORMAT,
    MANIFEST,
    PIECE,
    SECRETS,
    Refused,
    address,
    client,
    connected,
    count_rows,
    database_url,
    fingerprint,
    given,
    note_in_journal,
)


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
    if numbers(manifest["version"]) > numbers(version()) or unknown:
        raise Refused(
            f"This backup was made by version {manifest['version']}, which is newer than this one ({version()}"
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
    command = [sys.executable, "-m", "followup.running.restore"]
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


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "followup.settings")
    django.setup()
    json.dump(settle_here(json.load(sys.stdin)), sys.stdout)
