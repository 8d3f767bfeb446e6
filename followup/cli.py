"""The console command `followup`.

followup up [--port N] [--empty]   start everything and stay (--empty: without the demo clinic)
followup down                      stop what runs
followup status                    each process with name, pid, port and health, as JSON
followup run NAME                  become one process: postgres, redis, web, worker, beat
followup prepare                   bring tables and programmes up to date (and, in the demo, its clinic)
followup backup FILE               copy everything, while it runs, into a file (or into a folder)
followup restore FILE              put a backup back, into a data folder that is empty
followup messages [--complete]     collect the texts into the translations, or check that none is missing

Each takes --data DIR (default: .followup in the checkout, or FOLLOWUP_DATA). Any other word is a command about
the clinic, such as `token nurse1`, `create-unit` or `verify-journal`; `followup help` lists them.
"""

import argparse
import os
import sys
from pathlib import Path

from followup.running import state as states

OURS = ("followup", "api", "worker")


def main() -> int:
    words, named = take_data(sys.argv[1:])
    data = states.data_folder(named)
    os.environ["FOLLOWUP_DATA"] = str(data)
    word = words[0] if words else "help"
    if word in ("help", "-h", "--help"):
        return show_help(words[1:])
    own = {"up": up, "down": down, "status": status, "run": run, "prepare": prepare, "messages": messages}
    own |= {"backup": backup, "restore": restore}
    if word in own:
        return own[word](data, words[1:]) or 0
    return django([word.replace("-", "_"), *words[1:]])


def take_data(words: list[str]) -> tuple[list[str], str | None]:
    """Take `--data DIR` out, wherever it stands."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data")
    known, rest = parser.parse_known_args(words)
    return rest, known.data


def up(data, words) -> int:
    from followup.running import supervisor

    parser = argparse.ArgumentParser(prog="followup up")
    parser.add_argument("--port", type=int, help="port of the pages (default: 8000 or the next free one; 0: any)")
    parser.add_argument("--empty", action="store_true", help="without the demo clinic")
    parser.add_argument("--only", nargs="+", choices=supervisor.ORDER, help="start only these parts")
    asked = parser.parse_args(words)
    return supervisor.up(data, port=asked.port, demo=not asked.empty, only=asked.only)


def down(data, words) -> int:
    from followup.running import supervisor

    return supervisor.down(data)


def status(data, words) -> int:
    from followup.running import parts

    return parts.show_status(data)


def run(data, words) -> None:
    from followup.running import parts

    if len(words) != 1:
        sys.exit(f"Which part? One of {', '.join(parts.PARTS)}.")
    parts.run(words[0], data)


def prepare(data, words) -> None:
    """Tables, programmes and, in the demo, its clinic; safe to repeat."""
    from django.conf import settings
    from django.core.management import call_command

    set_up_django()
    call_command("migrate", interactive=False)
    call_command("load_programmes")
    if settings.FOLLOWUP_DEMO:
        call_command("load_demo")
    if settings.FOLLOWUP_DEMO:
        keep_welcome(data)


def keep_welcome(data) -> None:
    """Leave what the demo has to say (who can sign in, and how) where the supervisor finds it."""
    from followup import demo

    (data / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / "run" / "welcome.txt").write_text(demo.welcome())


def backup(data, words) -> int:
    from followup.running import backup as backups

    parser = argparse.ArgumentParser(prog="followup backup")
    parser.add_argument("file", type=Path, help="a file that is not there yet, or a folder to put it in")
    parser.add_argument("--no-keys", action="store_true", help="do not write FILE.keys: the keys are kept elsewhere")
    asked = parser.parse_args(words)
    set_up_django()
    try:
        made = backups.backup(data, asked.file, with_keys=not asked.no_keys)
    except (backups.Refused, OSError) as problem:
        sys.exit(f"There is no backup. {problem}")
    print(
        f"Backup: {made['file']} ({made['bytes']:,} bytes, {sum(made['rows'].values()):,} rows, made at {made['made_at']})"
    )
    if made["keys_file"]:
        print(
            f"Keys: {made['keys_file']}\nKeep them in another place than the backup; it cannot be put back without them."
        )
    return 0


def restore(data, words) -> int:
    from followup.running import restore as restoring

    parser = argparse.ArgumentParser(prog="followup restore")
    parser.add_argument("file", type=Path)
    parser.add_argument("--keys", type=Path, help="the file with the keys (default: FILE.keys beside it)")
    parser.add_argument(
        "--new-keys", action="store_true", help="the keys are lost: go on without verifying the journal so far"
    )
    asked = parser.parse_args(words)
    set_up_django()
    try:
        done = restoring.restore(asked.file, data, keys=asked.keys, new_keys=asked.new_keys)
    except restoring.Refused as problem:
        sys.exit(f"Nothing was put back. {problem}")
    print(f"Put back as it was at {done['made_at']}: {done['rows']:,} rows in {done['tables']} tables.")
    if done["in_doubt"]:
        print(f"{done['in_doubt']} messages may have been sent since: they are asked about, not sent a second time.")
    print(f"Start it: followup up --data {data}")
    if not done["sound"]:
        print("The journal is not as it was sealed: " + ("; ".join(done["faults"]) or "its end is missing"))
    return 0 if done["sound"] or asked.new_keys else 1


def messages(data, words) -> int:
    from followup.running import catalogues

    return catalogues.main(words or ["--update"])


def django(words: list[str]) -> int:
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "followup.settings")
    execute_from_command_line(["followup", *words])
    return 0


def set_up_django() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "followup.settings")
    django.setup()


def show_help(words: list[str]) -> int:
    if words:
        return django(["help", words[0].replace("-", "_")])
    print(__doc__.strip())
    from django.core.management import get_commands

    set_up_django()
    about = sorted(name for name, app in get_commands().items() if str(app).split(".")[0] in OURS)
    print("\nAbout the clinic:", ", ".join(name.replace("_", "-") for name in about) or "none yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
