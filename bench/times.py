"""B: a clinic time is held, and five hundred want fifty."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import aiohttp
from django.db import IntegrityError, connection, transaction
from psycopg.errors import UniqueViolation

from bench import fill
from bench.claims import CLIENTS
from bench.house import at_rest
from bench.rates import Cell, checkpoint, interleaved, latencies, raw_connection
from bench.report import Report
from followup.cases.models import Case
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot
from followup.core import clock, journal
from followup.core.journal import System

BENCH = System("bench")

RAW = """
WITH free AS (
    SELECT s.id FROM clinic_slot s
     WHERE s.unit_id = %(unit)s AND s.kind = 'urgent' AND s.closed_at IS NULL AND s.starts_at >= %(at)s
       AND NOT EXISTS (SELECT 1 FROM clinic_appointment a WHERE a.slot_id = s.id AND a.state <> 'released')
     ORDER BY s.starts_at, s.id LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED
), held AS (
    INSERT INTO clinic_appointment (id, created_at, unit_id, slot_id, case_id, patient_id, state, held_at, ended_why)
    SELECT %(id)s, %(at)s, %(unit)s, free.id, %(case)s, %(patient)s, 'held', %(at)s, '' FROM free
    RETURNING id, unit_id, patient_id, case_id
), noted AS (
    INSERT INTO journal (at, verb, actor_kind, actor_name, actor_role, unit_id, patient_id, case_id, subject_id, why, detail)
    SELECT %(at)s, 'appointment.held', 'system', 'bench', 'system', unit_id, patient_id, case_id, id, '', '{}'::jsonb FROM held
)
SELECT id FROM held
"""


def cells(cases, fresh: Callable[[], None]) -> list[Cell]:
    """Each way of holding a time, for `cases` in turn: all clients are always in or near the same unit, where they contend."""

    def share(n: int):
        return iter(cases[n::CLIENTS])

    def raw(n: int):
        cursor, mine = raw_connection().cursor(), share(n)

        def act() -> bool:
            case = next(mine, None)
            if case is None:
                return False
            values = {
                "id": uuid4(),
                "unit": case.unit_id,
                "at": clock.now(),
                "case": case.id,
                "patient": case.patient_id,
            }
            while True:
                try:
                    cursor.execute(RAW, values)
                    return cursor.fetchone() is not None
                except UniqueViolation:  # a neighbour committed the same time a moment ago
                    continue

        return act

    def product(n: int):
        mine = share(n)

        def act() -> bool:
            case = next(mine, None)
            return case is not None and _hold(case)

        return act

    def orm(n: int):
        mine = share(n)

        def act() -> bool:
            case = next(mine, None)
            return case is not None and _plainly(case)

        return act

    return [
        Cell("raw: one statement and its line", raw, fresh),
        Cell("product: clinic.hold_earliest", product, fresh),
        Cell("peer: select_for_update, create", orm, fresh),
    ]


def _hold(case) -> bool:
    at = clock.now()
    try:
        clinic.hold_earliest(case=case, earliest=at, before=at + timedelta(days=30), by=BENCH)
    except clinic.NoTimeWithinPromise:
        return False
    return True


def _plainly(case) -> bool:
    """The usual way with an object mapper: lock a free slot, create the appointment, write the line."""
    try:
        with transaction.atomic():
            free = Slot.objects.select_for_update(skip_locked=True).filter(
                unit_id=case.unit_id, kind="urgent", closed_at=None, starts_at__gte=clock.now()
            )
            free = free.exclude(appointments__state__in=["held", "booked", "attended", "missed"])
            slot = free.order_by("starts_at", "id").first()
            if slot is None:
                return False
            held = Appointment.objects.create(
                unit_id=case.unit_id,
                slot=slot,
                case=case,
                patient_id=case.patient_id,
                state="held",
                held_at=clock.now(),
            )
            journal.write("appointment.held", by=BENCH, unit_id=case.unit_id, case_id=case.id, subject_id=held.id)
    except IntegrityError:
        return _plainly(case)
    return True


def doubles() -> int:
    """Times that two people hold: the database forbids it, and it is counted all the same."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT slot_id FROM clinic_appointment WHERE state <> 'released'"
            " GROUP BY slot_id HAVING count(*) > 1) twice"
        )
        return cursor.fetchone()[0]


TIMES_OF_A_UNIT = 80
SPARE = 2 * CLIENTS
"""Times more than people, so that in no cell anybody is refused."""


def measure(report: Report, *, seconds: float, rounds: int, times: int) -> None:
    """B3: many clinics, each with as many urgent times as a clinic has; all clients hold in one, then in the next."""
    units = [fill.a_unit() for _ in range(times // TIMES_OF_A_UNIT)]
    rota = [(unit, fill.staff(unit, 1, "clinician")[0]) for unit in units]
    fill.urgent_times(rota, TIMES_OF_A_UNIT)
    fill.more_cases(*units, count=TIMES_OF_A_UNIT - SPARE)
    cases = list(Case.objects.filter(unit__in=units).order_by("unit_id", "id"))
    raw, product, orm = found = cells(cases, fill.let_go)
    interleaved(found, clients=CLIENTS, seconds=seconds, rounds=rounds)
    report.group(f"Holds, {CLIENTS} clients in units of {TIMES_OF_A_UNIT} times", found)
    report.ratio("B3", "hold beside one raw statement", product, raw, 0.30)
    report.ratio("B3", "hold beside the plain object mapper", product, orm, 1.5)
    report.goal("B3", "times held twice", str(doubles()), "0", doubles() == 0)


def burst(report: Report, url: str, *, people: int = 500, times: int = 50, again: int = 20) -> None:
    """B1, B2: so many ask for so few times at once, over HTTP; somebody gets each, the others get a plain no and are at risk."""
    unit = fill.a_unit()
    doctor = fill.staff(unit, 1, "clinician")[0]
    nurse_keys = fill.keys(fill.staff(unit, 16))
    patients = fill.patients(unit, people)
    wrong: list[str] = []
    took: list[float] = []
    whole: list[float] = []
    for number in range(again):
        fill.end_requests(unit)
        at_rest(at_most=60)  # what the last burst left to do is no part of this one
        cases = fill.requests(unit, patients, see_by=clock.now() + timedelta(days=30))
        fill.times(unit, doctor, times)
        before = time.perf_counter()
        said = asyncio.run(_ask(url, nurse_keys, [str(case.id) for case in cases]))
        whole.append(time.perf_counter() - before)
        took += [seconds for _status, _type, seconds in said]
        yes = sum(status == 201 for status, _type, _seconds in said)
        refused = sum(status == 409 and kind == "no-time-within-promise" for status, kind, _seconds in said)
        at_risk = _at_risk(unit)
        if (yes, refused, at_risk, doubles()) != (times, people - times, people - times, 0):
            wrong.append(f"burst {number}: {yes} yes, {refused} refused, {at_risk} at risk, {doubles()} doubles")
            wrong.append(str(Counter((status, kind) for status, kind, _seconds in said)))
    for line in wrong:
        print(" ", line)
    seen = latencies(took)
    report.goal("B1", f"{again} bursts of {people} for {times} that went wrong", str(len(wrong) // 2), "0", not wrong)
    report.goal("B2", "a burst is answered, slowest", f"{max(whole):.2f} s", "2 s", max(whole) <= 2)
    report.goal("B2", "an answer in a burst, p95", f"{seen['p95_ms']:.0f} ms", "1000 ms", seen["p95_ms"] <= 1000)
    report.figures["burst over HTTP"] = seen | {"bursts_s": whole}
    fill.end_requests(unit)


def _at_risk(unit) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM cases_case WHERE unit_id = %s AND closed IS NULL AND at_risk_since IS NOT NULL",
            [unit.id],
        )
        return cursor.fetchone()[0]


async def _ask(url: str, keys: list[str], case_ids: list[str]) -> list[tuple[int, str, float]]:
    queue, said = iter(case_ids), []

    async def nurse(session: aiohttp.ClientSession, key: str) -> None:
        for case_id in queue:
            before = time.perf_counter()
            async with session.post(
                f"{url}/api/v1/appointments", json={"case": case_id}, headers={"Authorization": f"Bearer {key}"}
            ) as answer:
                body = await answer.json(content_type=None)
                kind = str(body.get("type", "")).rpartition(":")[2]
                said.append((answer.status, kind, time.perf_counter() - before))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=16)) as session:
        await asyncio.gather(*(nurse(session, key) for key in keys))
    return said


def burst_in_process(report: Report, *, people: int = 500, times: int = 50, again: int = 5) -> None:
    """B2 without HTTP: how long the whole burst takes, beside the raw statement and the plain mapper."""
    unit = fill.a_unit()
    doctor = fill.staff(unit, 1, "clinician")[0]
    cases = fill.requests(unit, fill.patients(unit, people))
    found = cells(cases, lambda: fill.times(unit, doctor, times))
    for _again, cell in itertools.product(range(again), found):
        cell.prepare()
        checkpoint()
        cell.rates.append(people / _drain(cell))
    raw, product, orm = found
    report.group(f"A burst of {people} for {times} in process", found)
    report.times("B2", "burst in process beside the raw one", product, raw, 4)
    report.times("B2", "burst in process beside the plain mapper", product, orm, 1)


def _drain(cell: Cell) -> float:
    """Seconds until four clients have asked for everybody, refusals and all."""
    from django.db import connections

    from bench.rates import fork

    connections.close_all()
    gate = fork.Barrier(CLIENTS + 1)

    def child(n: int) -> None:
        import os

        act = cell.client(n)
        gate.wait(60)
        asked = 0
        while asked < 125:  # a quarter of the five hundred, whether they get one or not
            act()
            asked += 1
        connections.close_all()
        os._exit(0)

    children = [fork.Process(target=child, args=(n,)) for n in range(CLIENTS)]
    for each in children:
        each.start()
    gate.wait(60)
    before = time.perf_counter()
    for each in children:
        each.join()
    return time.perf_counter() - before
