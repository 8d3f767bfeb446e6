"""A: a nurse takes the next call."""

import http.client
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction

from bench import fill, peers
from bench.rates import Cell, interleaved, raw_connection
from bench.report import Report
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.core import clock, journal

CLIENTS = 4

# The least that a claim can be: one statement with its line in the journal, prepared, without a rule around it.
RAW = """
WITH picked AS (
    SELECT id FROM callbacks_callback
     WHERE unit_id = %(unit)s AND state = 'waiting' AND not_before <= %(at)s AND decide_since IS NULL
     ORDER BY priority, due, arrived_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE callbacks_callback c
       SET state = 'claimed', claimed_by_id = %(nurse)s, claimed_at = %(at)s, lease_until = %(until)s
      FROM picked WHERE c.id = picked.id RETURNING c.id, c.case_id, c.patient_id, c.unit_id
), noted AS (
    INSERT INTO journal (at, verb, actor_kind, actor_id, actor_name, actor_role,
                         unit_id, patient_id, case_id, subject_id, why, detail)
    SELECT %(at)s, 'callback.claimed', 'person', %(nurse)s, 'Karin Nurse', 'nurse',
           unit_id, patient_id, case_id, id, '', '{}'::jsonb FROM taken
)
SELECT id FROM taken
"""


def cells(unit, nurses, calls: int) -> list[Cell]:
    lease = timedelta(minutes=15)

    def fresh() -> None:
        fill.calls(unit, calls)

    def share(n: int) -> Callable:
        """The nurses of one client, one after the other: each takes one call, as in a clinic."""
        mine = iter(nurses[n::CLIENTS])
        return lambda: next(mine, None)

    def raw(n: int):
        cursor, following = raw_connection().cursor(), share(n)

        def act() -> bool:
            nurse, at = following(), clock.now()
            if nurse is None:
                return False
            cursor.execute(RAW, {"unit": unit.id, "at": at, "until": at + lease, "nurse": nurse.id})
            return cursor.fetchone() is not None

        return act

    def product(n: int):
        following = share(n)

        def act() -> bool:
            nurse = following()
            return nurse is not None and callbacks.claim_next(by=nurse) is not None

        return act

    def orm(n: int):
        following = share(n)

        def act() -> bool:
            nurse = following()
            return nurse is not None and _plainly(unit, nurse, lease)

        return act

    return [
        Cell("raw: one statement and its line", raw, fresh),
        Cell("product: callbacks.claim_next", product, fresh),
        Cell("peer: select_for_update, save, create", orm, fresh),
    ]


def _plainly(unit, nurse, lease: timedelta) -> bool:
    """The usual way with an object mapper: lock, change, save, write the line."""
    at = clock.now()
    with transaction.atomic():
        waiting = Callback.objects.select_for_update(skip_locked=True).filter(
            unit=unit, state="waiting", not_before__lte=at, decide_since=None
        )
        callback = waiting.order_by("priority", "due", "arrived_at", "id").first()
        if callback is None:
            return False
        callback.state, callback.claimed_by, callback.claimed_at = "claimed", nurse, at
        callback.lease_until = at + lease
        callback.save()
        journal.write(
            "callback.claimed",
            by=nurse,
            patient_id=callback.patient_id,
            unit_id=unit.id,
            case_id=callback.case_id,
            subject_id=callback.id,
        )
    return True


def over_http(url: str, keys: list[str], fresh: Callable[[], None]) -> Cell:
    """The same through the shipped server: each nurse signs in with their own key, on a connection that stays open as a browser's does."""

    def client(n: int):
        server, following = http.client.HTTPConnection(url.partition("//")[2], timeout=30), iter(keys[n::CLIENTS])

        def act() -> bool:
            key = next(following, None)
            if key is None:
                return False
            server.request("POST", "/api/v1/callbacks/claim", headers={"Authorization": f"Bearer {key}"})
            answer = server.getresponse()
            answer.read()
            return answer.status == 200

        return act

    return Cell("product over HTTP, with login", client, fresh)


def measure(report: Report, url: str, *, seconds: float, rounds: int, calls: int, future: int) -> None:
    """A2 with one client, A3, A4 in a closed loop, A5 with calls for later."""
    unit = fill.a_unit()
    nurses = fill.staff(unit, calls)
    fill.more_cases(unit, count=calls)
    raw, product, orm = found = cells(unit, nurses, calls)
    peer, statement = peers.procrastinate(raw.prepare)
    signed_in = over_http(url, fill.keys(nurses), raw.prepare)
    found += [peer, statement, signed_in]
    interleaved(found, clients=CLIENTS, seconds=seconds, rounds=rounds)
    report.group(f"Claims, {CLIENTS} clients", found)
    report.ratio("A3", "claim beside one raw statement", product, raw, 0.40)
    report.ratio("A3", "claim beside procrastinate with a lock per patient", product, peer, 1.5)
    report.ratio("A3", "claim beside procrastinate's bare statement", product, statement)
    report.ratio("A3", "claim beside the plain object mapper", product, orm, 2.0)
    report.ratio("A4", "claim over HTTP with login beside one raw statement", signed_in, raw, 0.08)
    _order(report, unit, nurses)
    _locks(report, unit, nurses)
    _future_calls(report, unit, nurses, seconds=seconds, rounds=rounds, calls=calls, future=future)


def _order(report: Report, unit, nurses, count: int = 500) -> None:
    """A2 with one client: the calls come in exactly the order in which the queue shows them."""
    fill.calls(unit, count)
    waiting = list(Callback.objects.filter(unit=unit).in_order().values_list("id", flat=True))
    taken = [callbacks.claim_next(by=nurse).id for nurse in nurses[:count]]
    wrong = sum(one != other for one, other in zip(waiting, taken, strict=True))
    report.goal("A2", f"claims out of order, one client, {count} calls", str(wrong), "0", wrong == 0)


def _locks(report: Report, unit, nurses, count: int = 500) -> None:
    """A2: a claim locks the call that it takes and no other. Another one would be passed over by whoever claims in that moment."""
    fill.calls(unit, count)
    last = Callback.objects.filter(unit=unit).in_order().reverse()[:1]
    at = clock.now()
    Callback.objects.filter(id__in=last.values("id")).update(  # a lease that ran out may be claimed as well
        state="claimed", claimed_by=nurses[-1], claimed_at=at - timedelta(hours=1), lease_until=at, opened_at=at
    )
    with transaction.atomic(), raw_connection() as colleague:
        callbacks.claim_next(by=nurses[0])
        free = colleague.execute(
            "SELECT FROM callbacks_callback WHERE unit_id = %s FOR NO KEY UPDATE SKIP LOCKED", [unit.id]
        ).rowcount
    report.goal("A2", "calls that a claim locks", str(count - free), "1", count - free == 1)


def _future_calls(report: Report, unit, nurses, *, seconds: float, rounds: int, calls: int, future: int) -> None:
    """A5: calls that may not be made yet stand in a higher priority, in front of those that may."""
    other = fill.a_unit()
    fill.more_cases(other, count=future)

    def with_future() -> None:
        fill.calls(unit, calls)
        later = clock.now() + timedelta(days=1)
        fill.calls(other, future, empty=False, not_before=later, priorities=(1,), queue=unit)

    alone, crowd = (cells(unit, nurses, calls)[1] for _ in range(2))
    alone.name, crowd.name, crowd.prepare = "product alone", f"product behind {future:,} for later", with_future
    interleaved([alone, crowd], clients=CLIENTS, seconds=seconds, rounds=rounds)
    report.group("Claims behind calls for later", [alone, crowd])
    report.ratio("A5", f"claim behind {future:,} calls for later, beside none", crowd, alone, 0.90)
