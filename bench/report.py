"""What came out, for people and as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection

from bench.rates import Cell, latencies
from followup.core import clock


@dataclass
class Line:
    """One goal: what was aimed at, what was seen. `met` is None where nothing was aimed at."""

    group: str
    goal: str
    what: str
    seen: str
    aim: str = ""
    met: bool | None = None


@dataclass
class Group:
    """How long one took, how long it then was until nothing of it was left to do, and how long a small commit took before it."""

    seconds: float = 0.0
    rest_seconds: float = 0.0
    commit_ms: float = 0.0


class Report:
    def __init__(self, command: str) -> None:
        self.command = command
        self.lines: list[Line] = []
        self.tables: list[dict[str, Any]] = []
        self.figures: dict[str, Any] = {}
        self.groups: dict[str, Group] = {}
        self._group = ""

    def begin(self, name: str, commit_ms: float) -> None:
        """The next group, and how long one small commit takes now: between groups it should not move by more than half."""
        self._group, self.groups[name] = name, Group(commit_ms=commit_ms)
        probes = [group.commit_ms for group in self.groups.values()]
        moved = max(probes) / min(probes)
        print(
            f"\n== {name} (one small commit: {commit_ms} ms{f', moved {moved:.1f} x: run again' if moved > 1.5 else ''})"
        )

    def end(self, seconds: float, rest_seconds: float) -> None:
        self.groups[self._group].seconds = round(seconds, 1)
        self.groups[self._group].rest_seconds = round(rest_seconds, 1)
        print(f"   {self._group} took {seconds:.0f} s, and {rest_seconds:.0f} s until nothing of it was left to do")

    def group(self, title: str, cells: list[Cell]) -> None:
        """Print cells side by side, each beside the first."""
        print(f"\n{title}")
        first, rows = cells[0], []
        for cell in cells:
            rounds = " ".join(f"{rate:,.0f}" for rate in cell.rates)
            share = median(cell.beside(first))
            print(f"  {cell.name:<38} {cell.rate:>9,.0f}/s   {share:5.2f} x   rounds: {rounds}")
            row = {"name": cell.name, "rate": cell.rate, "beside_the_first": share, "rates": cell.rates}
            rows.append(row | (latencies(cell.seconds) if cell.seconds else {}))
        self.tables.append({"group": self._group, "title": title, "cells": rows})

    def goal(self, goal: str, what: str, seen: str, aim: str = "", met: bool | None = None) -> None:
        self.lines.append(Line(self._group, goal, what, seen, aim, met))
        word = {True: "met", False: "MISSED", None: ""}[met]
        print(f"  {goal:<4}{what}: {seen}{f'   (aim {aim})' if aim else ''}   {word}")

    def ratio(self, goal: str, what: str, cell: Cell, beside: Cell, at_least: float | None = None) -> None:
        """So many of these for one of those: the median of the rounds, each beside its neighbour in time."""
        rounds = cell.beside(beside)
        aim = "" if at_least is None else f"at least {at_least}"
        self.goal(goal, what, spread(rounds), aim, None if at_least is None else median(rounds) >= at_least)

    def times(self, goal: str, what: str, cell: Cell, beside: Cell, at_most: float) -> None:
        """So many times as long as the other: the median of the rounds."""
        rounds = beside.beside(cell)
        self.goal(goal, what, f"{spread(rounds)} x", f"at most {at_most:g} x", median(rounds) <= at_most)

    def body(self) -> dict[str, Any]:
        """Everything, as it stands in the JSON."""
        return {
            "on": clock.now().date().isoformat(),
            "machine": machine(),
            "command": self.command,
            "groups": {name: asdict(group) for name, group in self.groups.items()},
            "goals": [asdict(line) for line in self.lines],
            "tables": self.tables,
            "figures": self.figures,
        }

    def keep(self, path: Path | None) -> None:
        if path:
            path.write_text(json.dumps(self.body(), indent=2) + "\n")

    @property
    def missed(self) -> int:
        return sum(line.met is False for line in self.lines)


def spread(rounds: Sequence[float]) -> str:
    """The median of the rounds, with the least and the most."""
    seen = f"{median(rounds):.2f}"
    return f"{seen} ({min(rounds):.2f} to {max(rounds):.2f})" if len(rounds) > 1 else seen


def machine() -> str:
    """What the figures were seen on."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"] if sys.platform == "linux" else platform.system()
    with connection.cursor() as cursor:
        cursor.execute("SELECT split_part(current_setting('server_version'), ' ', 1)")
        database = cursor.fetchone()[0]
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}, PostgreSQL {database}"
