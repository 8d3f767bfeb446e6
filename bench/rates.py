"""How fast: cells measured one after the other, round after round, so that what else the machine does falls on all alike."""

import gc
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection, connections

WARM_UP = 20
fork = multiprocessing.get_context("fork")


@dataclass
class Cell:
    """One way of doing a thing. `prepare` sets the table anew; `client(n)` makes, inside client process n, the act that is counted.

    An act returns False when there is nothing left to do.
    """

    name: str
    client: Callable[[int], Callable[[], bool]]
    prepare: Callable[[], None] = lambda: None
    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Acts per second: the median of the rounds."""
        return statistics.median(self.rates)

    def beside(self, other: "Cell") -> list[float]:
        """How many of these for one of the other's, in each round: what moves the whole machine moves both.

        Cells that did not take turns are compared by their medians.
        """
        if len(self.rates) == len(other.rates):
            return [mine / theirs if theirs else math.nan for mine, theirs in zip(self.rates, other.rates, strict=True)]
        return [self.rate / other.rate if other.rate else math.nan]


def interleaved(cells: Sequence[Cell], *, clients: int, seconds: float, rounds: int) -> None:
    """Measure each cell once in every round, in turn. What its preparation left for the disk is written before the clock runs."""
    for _round in range(rounds):
        for cell in cells:
            cell.prepare()
            checkpoint()
            rate, took = run(cell.client, clients=clients, seconds=seconds)
            cell.rates.append(rate)
            cell.seconds += took


def run(client: Callable[[int], Callable[[], bool]], *, clients: int, seconds: float) -> tuple[float, list[float]]:
    """Acts per second that `clients` processes did together, and how long each took; each counts until it has no more to do."""
    connections.close_all()
    gc.collect()
    gc.freeze()  # children would pay for copying every page that the collector touches
    gate, answers = fork.Barrier(clients), fork.SimpleQueue()
    children = [fork.Process(target=_child, args=(client, n, gate, seconds, answers)) for n in range(clients)]
    for child in children:
        child.start()
    said = [answers.get() for _ in children]
    for child in children:
        child.join()
    gc.unfreeze()
    return sum(len(took) / max(sum(took), 1e-9) for took in said), [one for took in said for one in took]


def _child(client, n, gate, seconds, answers) -> None:
    took: list[float] = []
    try:
        act = client(n)
        for _ in range(WARM_UP):
            act()
        gate.wait(60)
        now = time.perf_counter()
        until = now + seconds
        while now < until:
            went_on = act()
            before, now = now, time.perf_counter()
            if not went_on:
                break
            took.append(now - before)
    finally:
        answers.put(took)
        connections.close_all()
        os._exit(0)


def parameters() -> dict[str, Any]:
    """Where the database is, without the limits that the product sets on its own connections."""
    options = connection.get_connection_params()
    return {name: options[name] for name in ("dbname", "user", "password", "host", "port") if options.get(name)}


def raw_connection(**more: str) -> psycopg.Connection:
    """A connection of its own, beside Django, with its statements prepared."""
    return psycopg.connect(**parameters(), **more, autocommit=True, prepare_threshold=1)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of all lies (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else math.nan


def latencies(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds at the usual percentiles."""
    return {
        "p50_ms": round(percentile(seconds, 0.5) * 1000, 1),
        "p95_ms": round(percentile(seconds, 0.95) * 1000, 1),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 1),
        "max_ms": round(max(seconds, default=math.nan) * 1000, 1),
    }


def checkpoint() -> None:
    """Else the database writes the pages of one cell while the next one is measured."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def commit_probe() -> float:
    """Milliseconds of one small commit: the machine's own mood, printed with each group."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_probe (at double precision)")
        took = []
        for _ in range(50):
            before = time.perf_counter()
            cursor.execute("INSERT INTO bench_probe VALUES (0)")
            took.append(time.perf_counter() - before)
    return round(statistics.median(took) * 1000, 2)
