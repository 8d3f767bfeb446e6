"""The table of docs/faults.md, made from the figures of a run, or of its parts: `python -m tests.faults.table FILE…`."""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
MARK = "<!-- made by `python -m tests.faults.table` -->\n"
COLUMNS = {
    "blow": "what was done",
    "back": "well again after s",
    "done": "all done after s",
    "missed": "looks missed",
    "looks": "of",
    "slowest": "slowest look s",
    "requests": "requests",
    "calls": "calls",
    "texts": "texts",
    "in doubt": "in doubt",
}


def table(run: dict) -> str:
    cells = [cell for cell in run["cells"] if "back" in cell]
    said = (
        f"Measured on {run['on']} with {run['cores']} cores and Python {run['python']}: {len(cells)} blows, "
        f"{run['failed'] or 'none'} failed. Slowest: well again after {most(cells, 'back'):g} s, all done after "
        f"{most(cells, 'done'):g} s. {total(cells, 'requests')} requests, {total(cells, 'calls')} calls and "
        f"{total(cells, 'texts')} texts were counted, none lost, none twice; {total(cells, 'missed')} of "
        f"{total(cells, 'looks')} looks at a page were not answered within five seconds.\n"
    )
    rows = [COLUMNS.values(), ["---"] * len(COLUMNS), *([cell[name] for name in COLUMNS] for cell in cells)]
    return said + "\n" + "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def whole(parts: list[dict]) -> dict:
    """One run out of those of its parts, each in a house of its own."""
    cells = [cell for part in parts for cell in part["cells"]]
    return max(parts, key=lambda part: part["on"]) | {"cells": cells, "failed": sum(part["failed"] for part in parts)}


def most(cells: list[dict], name: str) -> float:
    return max((cell[name] for cell in cells), default=0)


def total(cells: list[dict], name: str) -> int:
    return sum(cell[name] for cell in cells)


if __name__ == "__main__":
    head, mark, _ = PAGE.read_text().partition(MARK)
    figures = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    PAGE.write_text(head + MARK + "\n" + table(whole(figures)))
