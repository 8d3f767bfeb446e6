"""A day at the counter: requests that are booked, calls that are taken."""

import asyncio
import time

import aiohttp

from bench import fill
from bench.rates import latencies
from bench.report import Report
from followup.clinic.models import Appointment
from followup.contacts.models import Contact


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
    report.figures["request to booked"] = seen


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
    report.figures["claims over HTTP"] = seen


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
