"""D: the board now, and live."""

import asyncio
import json
import time
from datetime import datetime, timedelta

import aiohttp
from asgiref.sync import sync_to_async
from django.db import connection, reset_queries, transaction
from django.test.utils import CaptureQueriesContext

from bench import fill
from bench.rates import Cell, interleaved, latencies, raw_connection
from bench.report import Report
from followup.board import queries as board
from followup.cases import services as cases
from followup.cases.models import Case
from followup.core import clock
from followup.core.journal import System

BENCH = System("bench")


def measure(report: Report, *, seconds: float, rounds: int, live: int = 2_000) -> None:
    """D1: all rows of a clinic's board beside the bare statements that it asks."""
    small, large = fill.a_unit(), fill.a_unit()
    for unit, count in ((small, 50), (large, live)):
        fill.requests(unit, fill.patients(unit, count))
        fill.calls(unit, count, empty=False)
    asked = {unit.id: _statements(unit) for unit in (small, large)}
    report.goal(
        "D1",
        f"statements for {live:,} cases, and for 50",
        f"{len(asked[large.id])}, {len(asked[small.id])}",
        "the same, at most 6",
        len(asked[large.id]) == len(asked[small.id]) <= 6,
    )

    def bare(_n: int):
        cursor = raw_connection().cursor()

        def act() -> bool:
            for statement in asked[large.id]:
                cursor.execute(statement)
                cursor.fetchall()
            return True

        return act

    def whole(_n: int):
        return lambda: bool([row.as_contract() for row in board.cases_on(large, "contact")])

    raw, product = found = [Cell("raw: its statements alone", bare), Cell("product: board.cases_on", whole)]
    interleaved(found, clients=1, seconds=seconds, rounds=rounds)
    report.group(f"Board of {live:,} live cases", found)
    p95 = latencies(product.seconds)["p95_ms"]
    report.times("D1", "board beside its raw statements", product, raw, 3)
    report.goal("D1", f"board of {live:,}, p95", f"{p95:.0f} ms", "200 ms", p95 <= 200)


def _statements(unit) -> list[str]:
    reset_queries()
    with CaptureQueriesContext(connection) as seen:
        board.cases_on(unit, "contact")
    return [each["sql"] for each in seen.captured_queries]


def streams(report: Report, url: str, *, watchers: int = 200, changes: int = 400, a_second: int = 20) -> None:
    """D2: from the commit of a change to each of so many open streams."""
    unit = fill.a_unit()
    keys = fill.keys(fill.staff(unit, 1, "wall"))
    open_cases = fill.requests(unit, fill.patients(unit, 50))
    said = asyncio.run(_watch(url, keys[0], open_cases, watchers, changes, a_second))
    took, lost, largest = said
    seen = latencies(took)
    report.goal("D2", "changes that a stream never showed", str(lost), "0", lost == 0)
    report.goal("D2", "a change on a stream, p95", f"{seen['p95_ms']:.0f} ms", "250 ms", seen["p95_ms"] <= 250)
    report.goal("D2", "a change on a stream, p99", f"{seen['p99_ms']:.0f} ms", "1000 ms", seen["p99_ms"] <= 1000)
    report.goal("D2", "largest event", f"{largest} bytes", "2048 bytes", largest <= 2048)
    report.figures["streams"] = seen


async def _watch(url, key, open_cases, watchers, changes, a_second) -> tuple[list[float], int, int]:
    """Each change gives its case a new `since`; a stream has shown it when it shows that moment (or a later one of the case)."""
    made: dict[tuple[str, datetime], float] = {}
    heard: list[float] = []
    shown: list[set] = [set() for _ in range(watchers)]
    largest = 0
    ready = asyncio.Semaphore(0)

    async def watcher(session: aiohttp.ClientSession, number: int) -> None:
        nonlocal largest
        headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        async with session.get(f"{url}/api/v1/board/stream", headers=headers) as stream:
            ready.release()
            event = ""
            async for raw in stream.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "case":
                    largest = max(largest, len(raw))
                    row = json.loads(line[5:])
                    mark = (row["id"], datetime.fromisoformat(row["due"]))
                    if mark in made and mark not in shown[number]:
                        shown[number].add(mark)
                        heard.append(time.perf_counter() - made[mark])

    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        tasks = [asyncio.create_task(watcher(session, number)) for number in range(watchers)]
        for _ in range(watchers):
            await asyncio.wait_for(ready.acquire(), 60)
        await asyncio.sleep(2)
        begin = time.perf_counter()
        for number in range(changes):
            await asyncio.sleep(max(0, begin + number / a_second - time.perf_counter()))
            case = open_cases[number % len(open_cases)]
            due = clock.now().replace(microsecond=0) + timedelta(hours=1, seconds=number)
            made[(str(case.id), due)] = (
                time.perf_counter()
            )  # before the commit: what is measured is no shorter than the truth
            await sync_to_async(_change)(case, due)
        await asyncio.sleep(5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    # Between two looks a case may change twice; what must not happen is that a stream misses its last state.
    last = {case_id: due for case_id, due in made}  # noqa: C416  the last one of each case
    lost = sum(mark not in mine for mine in shown for mark in last.items())
    return heard, lost, largest


@transaction.atomic
def _change(case: Case, due: datetime) -> None:
    cases.move(cases.lock(case.id), case.step, by=BENCH, due=due)
