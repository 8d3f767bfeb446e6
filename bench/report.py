"""What came out, for people and as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.rates import Cell, latencies


@dataclass
class Line:
    """One goal: what was aimed at, what was seen. `met` is None where nothing was aimed at."""

    goal: str
    what: str
    seen: str
    aim: str = ""
    met: bool | None = None


class Report:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.cells: dict[str, Any] = {}
        self.probes: dict[str, float] = {}

    def begin(self, name: str, commit_ms: float) -> None:
        """The next group, and how long one small commit takes now: between groups it should not move by more than half."""
        self.probes[name] = commit_ms
        moved = max(self.probes.values()) / min(self.probes.values())
        print(
            f"\n== {name} (one small commit: {commit_ms} ms{f', moved {moved:.1f} x: run again' if moved > 1.5 else ''})"
        )

    def group(self, title: str, cells: list[Cell]) -> None:
        """Print cells side by side, each beside the first."""
        print(f"\n{title}")
        first = cells[0]
        for cell in cells:
            rounds = " ".join(f"{rate:,.0f}" for rate in cell.rates)
            share = cell.rate / first.rate if first.rate else float("nan")
            print(f"  {cell.name:<34} {cell.rate:>9,.0f}/s   {share:5.2f} x   rounds: {rounds}")
            self.cells[f"{title}: {cell.name}"] = {"rates": cell.rates, **latencies(cell.seconds)}

    def goal(self, goal: str, what: str, seen: str, aim: str = "", met: bool | None = None) -> None:
        self.lines.append(Line(goal, what, seen, aim, met))
        word = {True: "met", False: "MISSED", None: ""}[met]
        print(f"  {goal:<4}{what}: {seen}{f'   (aim {aim})' if aim else ''}   {word}")

    def ratio(self, goal: str, what: str, cell: Cell, beside: Cell, at_least: float) -> None:
        seen = cell.rate / beside.rate if beside.rate else float("nan")
        self.goal(goal, what, f"{seen:.2f}", f"at least {at_least}", seen >= at_least)

    def keep(self, path: Path | None) -> None:
        if path:
            body = {"goals": [asdict(line) for line in self.lines], "cells": self.cells, "commit_probe_ms": self.probes}
            path.write_text(json.dumps(body, indent=2) + "\n")

    def as_table(self, path: Path | None) -> None:
        """The goals as a table of a page in `docs/`."""
        if path:
            words = {True: "yes", False: "**no**", None: ""}
            rows = [[line.goal, line.what, line.aim, line.seen, words[line.met]] for line in self.lines]
            lines = ["| goal | what | aim | seen | met |", "| --- | --- | --- | --- | --- |"]
            lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
            path.write_text("\n".join(lines) + "\n")

    @property
    def missed(self) -> int:
        return sum(line.met is False for line in self.lines)
