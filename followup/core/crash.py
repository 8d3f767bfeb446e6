"""Named points at which a process dies on purpose, so that tests can see what stands afterwards.

They exist only while FOLLOWUP_TESTING is on. FOLLOWUP_CRASH_AT names one of them (`after_commit:messages.claim`), or a file in which a
test writes the name while the product runs (`@/path`). A process that comes to the point it is told of dies as by `kill -9`; with `halt:`
before the name it stops there until it is woken (SIGCONT). Only one does, once: its successor, and its neighbours, go on.
"""

import os
import re
import signal
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

HALT = "halt:"
COMMITS = {
    "contacts.receive": "a request with its case, its call, its line in the journal and its outbox row",
    "contacts.finish": "what a call led to",
    "outbox.put": "a row that tells another room; after it comes the nudge for the worker",
    "outbox.relay": "rows that the sweeper hands to the worker, and when each is looked at again",
    "outbox.try": "the count of a try, before the work is begun",
    "outbox.work": "the work that a row asked for, and the row's mark that it is done",
    "contacts.book": "the call laid into nurse hours, the time held, the messages queued",
    "clinic.hold": "a clinic time, held",
    "callbacks.claim": "a call in the hands of a nurse",
    "callbacks.note": "what a nurse has typed so far",
    "api.answer": "an Idempotency-Key with its work and its answer",
    "messages.claim": "a message in flight, before the gateway is called",
    "messages.note": "what became of a message that was handed to the gateway",
    "messages.report": "what the provider reported of a message",
    "journal.seal": "a seal over the journal; after it its head is noted outside the database",
}
LINES = (
    ("before_commit", "`before_commit:journal.callback.dialled` is in the midst of its work"),
    ("after_commit", "`after_commit:journal.callback.dialled` is when all of it stands"),
)
SENDS = {
    "messages.send": "a message handed to the gateway: an SMS, an e-mail",
    "messages.send_together": "messages handed to a gateway that takes many at once: the product's own",
}
WHEN = {
    "before_commit": "the work is done and will be undone",
    "after_commit": "it stands, and nobody was told yet",
    "before_send": "the gateway has not been called",
    "after_send": "the gateway has answered, and the answer is not noted",
}
VERB = re.compile(r"(before|after)_commit:journal\.[a-z_]+\.[a-z_]+")
"""Every verb leaves a line in the journal: the points round its transaction bear the name of that line."""
POINTS = {f"{when}:{what}": about for what, about in COMMITS.items() for when in ("before_commit", "after_commit")}
POINTS |= {f"{when}:{what}": about for what, about in SENDS.items() for when in ("before_send", "after_send")}


def armed() -> bool:
    """Whether this process has been told of a point."""
    return bool(settings.FOLLOWUP_CRASH_AT)


def commit(what: str) -> None:
    """Stands in a transaction, before what is to be told after it: the points before and after its commit."""
    if armed():
        at(f"before_commit:{what}")
        transaction.on_commit(lambda: at(f"after_commit:{what}"))


def at(point: str) -> None:
    """Die here, if this is the point that was named and nobody has died there yet."""
    if not (armed() and settings.FOLLOWUP_TESTING):
        return
    how, named = _named()
    if named == point and _first(point):
        os.kill(os.getpid(), how)


def check() -> None:
    """A point that does not exist would never be come to: the start stops instead."""
    named = settings.FOLLOWUP_CRASH_AT
    if named and not named.startswith("@") and not exists(_named()[1]):
        raise ImproperlyConfigured(f"FOLLOWUP_CRASH_AT names no crash point: {named}")


def exists(point: str) -> bool:
    return point in POINTS or bool(VERB.fullmatch(point))


def died(point: str) -> Path:
    """The file that says that a process died at this point."""
    return Path(settings.FOLLOWUP_DATA) / "run" / f"died-{point.replace(':', '-')}"


def _named() -> tuple[signal.Signals, str]:
    named = settings.FOLLOWUP_CRASH_AT
    if named.startswith("@"):
        try:
            named = Path(named[1:]).read_text().strip()
        except FileNotFoundError:
            named = ""
    return signal.SIGSTOP if named.startswith(HALT) else signal.SIGKILL, named.removeprefix(HALT)


def _first(point: str) -> bool:
    """Whether this process is the one that dies: of several who come to the point at once, the file system lets one make the file."""
    try:
        died(point).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def page() -> str:
    """The list, as it stands in docs/reference."""
    lines = [
        "# Crash points\n",
        "With `FOLLOWUP_TESTING=1` (which `check --deploy` refuses) a process dies as by `kill -9` at the point that",
        "`FOLLOWUP_CRASH_AT` names, or that stands in the file it names (`@/path`): one process, once, for as long as",
        "`run/died-…` in the data folder says so. With `halt:` before the name it stops there (SIGSTOP) and can be woken.",
        "This page is made by `python -m followup.core.crash`.\n",
        "| when | what stands then |",
        "| --- | --- |",
        *[f"| `{when}` | {about} |" for when, about in WHEN.items()],
        "\n| point | round |",
        "| --- | --- |",
        *[f"| `{point}` | {about} |" for point, about in POINTS.items()],
        *[
            f"| `{when}:journal.VERB` | a verb, named by the line that it leaves in the journal: {where} |"
            for when, where in LINES
        ],
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
