"""A day at the counter: requests that are booked, and everybody at once."""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from datetime import timedelta

import aiohttp

from bench import fill
from bench.rates import latencies, percentile
from bench.report import Report
from followup.clinic.models import Appointment
from followup.contacts.models import Contact
from followup.core import clock

PAUSE = 5.0
"""Seconds that somebody looks at a page before the next thing they do."""


def request_to_booked(report: Report, url: str, *, a_second: int = 20, seconds: int = 30) -> None:
    """Patients send flare-ups at a fixed rate; how long until the worker has kept a time for each. Both moments are the product's own."""
    unit = fill.a_unit()
    count = a_second * seconds
    fill.times(unit, fill.staff(unit, 1, "clinician")[0], count + 50)
    people = fill.patients(unit, count)
    keys = fill.keys([each.user for each in people])
    statuses = asyncio.run(_send(url, keys, a_second))
    wrong = sum(status != 201 for status in statuses)
    limit = time.monotonic() + 60
    while time.monotonic() < limit and Appointment.objects.filter(unit=unit).count() < count - wrong:
        time.sleep(0.2)
    received = dict(Contact.objects.filter(case__unit=unit).values_list("case_id", "received_at"))
    held = dict(Appointment.objects.filter(unit=unit).values_list("case_id", "held_at"))
    took = [(held[case] - received[case]).total_seconds() for case in received if case in held]
    seen = latencies(took)
    report.goal(
        "-",
        f"requests at {a_second} a second that failed, or got no time",
        f"{wrong}, {len(received) - len(took)}",
        "0, 0",
        not wrong and len(took) == len(received),
    )
    report.goal("-", "request to booked, p50", f"{seen['p50_ms']:.0f} ms")
    report.goal("-", "request to booked, p99", f"{seen['p99_ms']:.0f} ms", "2000 ms", seen["p99_ms"] <= 2000)
    report.cells["request to booked"] = seen


async def _send(url: str, keys: list[str], a_second: int) -> list[int]:
    async def one(session: aiohttp.ClientSession, number: int, key: str, begin: float) -> int:
        await asyncio.sleep(max(0, begin + number / a_second - time.perf_counter()))
        body = {"reason": "flare", "message": "It hurts again.", "answers": {"red_flags": []}}
        async with session.post(
            f"{url}/api/v1/contacts", json=body, headers={"Authorization": f"Bearer {key}"}
        ) as answer:
            await answer.read()
            return answer.status

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        begin = time.perf_counter()
        return await asyncio.gather(*(one(session, number, key, begin) for number, key in enumerate(keys)))


def claims_over_http(report: Report, url: str, *, nurses: int = 16, a_second: int = 50, seconds: int = 20) -> None:
    """A4: nurses take calls at a fixed rate; each answer is timed from when it was planned."""
    unit = fill.a_unit()
    count = a_second * seconds
    keys = fill.keys(fill.staff(unit, count))
    fill.requests(unit, fill.patients(unit, count + 100))
    fill.calls(unit, count + 100)
    statuses, took = asyncio.run(_claim(url, keys, nurses, a_second))
    wrong = sum(status != 200 for status in statuses)
    seen = latencies(took)
    report.goal("A4", f"claims at {a_second} a second that were not answered with a call", str(wrong), "0", wrong == 0)
    report.goal("A4", "a claim over HTTP, p95", f"{seen['p95_ms']:.0f} ms", "100 ms", seen["p95_ms"] <= 100)
    report.goal("A4", "a claim over HTTP, p99", f"{seen['p99_ms']:.0f} ms", "250 ms", seen["p99_ms"] <= 250)
    report.cells["claims over HTTP"] = seen


async def _claim(url: str, keys: list[str], nurses: int, a_second: int) -> tuple[list[int], list[float]]:
    statuses: list[int] = []
    took: list[float] = []

    async def one(session: aiohttp.ClientSession, number: int, key: str, begin: float) -> None:
        planned = begin + number / a_second
        await asyncio.sleep(max(0, planned - time.perf_counter()))
        async with session.post(f"{url}/api/v1/callbacks/claim", headers={"Authorization": f"Bearer {key}"}) as answer:
            await answer.read()
            statuses.append(answer.status)
            took.append(time.perf_counter() - planned)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=nurses)) as session:
        begin = time.perf_counter()
        await asyncio.gather(*(one(session, number, key, begin) for number, key in enumerate(keys)))
    return statuses, took


class Crowd:
    """Everybody at once: nurses who take calls and end them, patients who look and write, boards that stay open."""

    def __init__(self, url: str, minutes: float):
        self.url = url
        self.until = time.monotonic() + minutes * 60
        self.took: dict[str, list[float]] = defaultdict(list)
        self.errors: list[str] = []

    async def run(self, nurses: list[str], patients: list[str], boards: list[str]) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
            self.session = session
            watching = [asyncio.create_task(self.board(key)) for key in boards]
            await asyncio.gather(*map(self.nurse, nurses), *map(self.patient, patients))
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def ask(self, name: str, method: str, path: str, key: str, **more) -> dict | None:
        before = time.perf_counter()
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with self.session.request(method, f"{self.url}/api/v1/{path}", headers=headers, **more) as answer:
                body = await answer.json(content_type=None) if answer.status != 204 else None
                self.took[name].append(time.perf_counter() - before)
                if answer.status >= 400:
                    self.errors.append(f"{name}: {answer.status}")
                    return None
                return body
        except aiohttp.ClientError as error:
            self.errors.append(f"{name}: {type(error).__name__}")
            return None

    async def rest(self) -> None:
        await asyncio.sleep(random.uniform(0.5, 1.5) * PAUSE)  # noqa: S311  how long somebody reads

    async def nurse(self, key: str) -> None:
        await self.rest()
        while time.monotonic() < self.until:
            call = await self.ask("take the next call", "POST", "callbacks/claim", key)
            await self.rest()
            if call:
                await self.ask("dial", "POST", f"callbacks/{call['id']}/dial", key)
                await self.rest()
                outcome = {"outcome": "self_care", "call_again_on": f"{clock.now() + timedelta(days=7):%Y-%m-%d}"}
                await self.ask("save the outcome", "POST", f"callbacks/{call['id']}/outcome", key, json=outcome)
            await self.ask("the queue", "GET", "callbacks", key)

    async def patient(self, key: str) -> None:
        await self.rest()
        while time.monotonic() < self.until:
            body = {"reason": "flare", "message": "It hurts again.", "answers": {"red_flags": []}}
            await self.ask("send a request", "POST", "contacts", key, json=body)
            for _ in range(4):
                await self.rest()
                await self.ask("where I am", "GET", "me/cases", key)

    async def board(self, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        async with self.session.get(f"{self.url}/api/v1/board/stream", headers=headers) as stream:
            if stream.status != 200:
                self.errors.append(f"board: {stream.status}")
            async for _line in stream.content:
                pass


def everybody(
    report: Report, url: str, *, minutes: float = 5, nurses: int = 40, patients: int = 200, boards: int = 50
) -> None:
    unit = fill.a_unit()
    fill.times(unit, fill.staff(unit, 1, "clinician")[0], 1_000)
    people = fill.patients(unit, patients)
    crowd = Crowd(url, minutes)
    wall = fill.keys(fill.staff(unit, 1, "wall"))
    asyncio.run(
        crowd.run(
            fill.keys(fill.staff(unit, nurses)),
            fill.keys([each.user for each in people]),
            list(itertools.islice(itertools.cycle(wall), boards)),
        )
    )
    report.goal(
        "-",
        f"errors with {nurses} nurses, {patients} patients, {boards} boards in {minutes:g} min",
        str(len(crowd.errors)),
        "0",
        not crowd.errors,
    )
    for error in sorted(set(crowd.errors)):
        print("   ", error, crowd.errors.count(error))
    for name, took in sorted(crowd.took.items()):
        report.goal("-", f"{name} ({len(took)} times), p95", f"{percentile(took, 0.95) * 1000:.0f} ms")
        report.cells[f"everybody: {name}"] = latencies(took)
