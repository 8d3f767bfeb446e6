"""What was measured, as the last part of a page in `docs/`. What stands above the mark is written by people and stays.

python -m bench.document bench.json docs/performance.md
"""

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

MARK = "<!-- Below this line stands what `python -m bench.document` wrote. -->"
TITLES = {
    "claims": "A nurse takes the next call",
    "drain": "Many empty the queue at once",
    "snapshot": "Somebody holds an old view of the database",
    "times": "A clinic time is held",
    "board": "The board",
    "streams": "The board, live",
    "booked": "From request to booked",
    "http": "Claims over HTTP at a fixed rate",
    "relay": "Outbox and messages",
    "burst": "Five hundred ask for fifty times, over HTTP",
    "everybody": "Everybody at once",
}
MET = {True: "yes", False: "**no**", None: ""}


def write(body: dict[str, Any], path: Path | None) -> None:
    """Write the page anew below its mark; a page that has none, or is not there yet, gets one."""
    if path:
        path.write_text(page(path.read_text() if path.exists() else "", body))


def page(before: str, body: dict[str, Any]) -> str:
    """The page as it was above the mark, then what was measured. `body` is as `python -m bench --json` keeps it."""
    above = before.partition(MARK)[0].rstrip()
    return "\n".join([*([above, ""] if above else []), MARK, "", *measured(body)]).rstrip() + "\n"


def measured(body: dict[str, Any]) -> Iterator[str]:
    """The lines of it: where and when, then each group with its cells and its goals, then how long each group took."""
    goals = body["goals"]
    missed, aimed = (sum(goal["met"] in which for goal in goals) for which in ([False], [True, False]))
    on = date.fromisoformat(body["on"])
    yield f"## What was measured on {on.day} {on:%B %Y}"
    yield f"{body['machine']}; those who ask, the database and the product share them. `{body['command']}`"
    yield f"missed {missed} of {aimed} goals, in bold. Behind a ratio stand its least and its greatest round."
    yield ""
    for name in body["groups"]:
        yield f"### {TITLES.get(name, name)} (`--only {name}`)"
        for table in body["tables"]:
            if table["group"] == name:
                yield from ("", f"{table['title']}:", "", *map(_cell, table["cells"]))
        yield ""
        yield from _table(
            ("goal", "what", "aim", "seen", "met"), (_row(goal) for goal in goals if goal["group"] == name)
        )
        yield ""
    yield "### How long it took"
    yield "A small commit before each group: where it moved by more than half, the machine had other things to do."
    yield ""
    head = ("group", "seconds", "seconds until nothing of it was left to do", "one small commit")
    yield from _table(
        head,
        (
            (name, f"{group['seconds']:.0f}", f"{group['rest_seconds']:.0f}", f"{group['commit_ms']} ms")
            for name, group in body["groups"].items()
        ),
    )


def _cell(cell: dict[str, Any]) -> str:
    """Indented: a block of code."""
    rounds = " ".join(f"{rate:,.0f}" for rate in cell["rates"])
    return f"    {cell['name']:<38} {cell['rate']:>9,.0f}/s  {cell['beside_the_first']:5.2f} x  rounds: {rounds}"


def _row(goal: dict[str, Any]) -> tuple[str, ...]:
    return goal["goal"], goal["what"], goal["aim"], goal["seen"], MET[goal["met"]]


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


if __name__ == "__main__":
    _program, kept, where = sys.argv
    write(json.loads(Path(kept).read_text()), Path(where))
