"""A5: somebody holds an old view of the database (a report, a dump, a transaction left open) while the queue works.

Whatever was changed since may not be cleared away then, and a claim walks past it: two dead rows for each call that is taken and ended.
"""

import statistics
import time
from datetime import timedelta

from django.db import connection
from psycopg import IsolationLevel

from bench import fill
from bench.claims import CLIENTS
from bench.rates import Cell, raw_connection, run
from bench.report import Report
from followup.callbacks import services as callbacks
from followup.core import clock

ROUND = 5
"""Seconds of a round at the offered rate."""

# Only the claim is the product's own verb: it is what is measured. Ending the call and laying the next one make the dead rows.
_END = """
UPDATE callbacks_callback SET state = 'done', claimed_by_id = NULL, claimed_at = NULL, lease_until = NULL, ended_at = %(at)s
 WHERE id = %(call)s
"""
_NEXT = """
INSERT INTO callbacks_callback (id, created_at, unit_id, case_id, patient_id, reason, priority, arrived_at, not_before, due,
                                window_start, window_end, state, attempts, unanswered, handed_note, draft_note)
SELECT gen_random_uuid(), %(at)s, unit_id, case_id, patient_id, reason, priority, %(at)s, %(at)s, %(due)s, %(at)s, %(due)s,
       'waiting', 0, 0, '', '' FROM callbacks_callback WHERE id = %(call)s
"""


def _client(nurses, a_second: float | None = None):
    """A client that takes a call, ends it and lays the next, as fast as it can or so often a second."""

    def client(n: int):
        cursor, begin, done = raw_connection().cursor(), time.perf_counter(), 0

        def act() -> bool:
            nonlocal done
            if a_second:
                time.sleep(max(0, begin + done * CLIENTS / a_second - time.perf_counter()))
            done += 1
            callback = callbacks.claim_next(by=nurses[n])
            if callback is None:
                return False
            at = clock.now()
            values = {"call": callback.id, "at": at, "due": at + timedelta(hours=1)}
            cursor.execute(_END, values)
            cursor.execute(_NEXT, values)
            return True

        return act

    return client


def measure(
    report: Report, *, seconds: float, rounds: int, held: int, a_second: int = 200, waiting: int = 1_000
) -> None:
    unit = fill.a_unit()
    nurses = fill.staff(unit, CLIENTS)
    fill.more_cases(unit, count=waiting)
    fill.calls(unit, waiting)
    free, kept = Cell("nobody holds a snapshot", _client(nurses)), Cell(f"one held for {held} s", _client(nurses))

    def at_full_speed(cell: Cell) -> None:
        for _round in range(rounds):
            rate, took = run(cell.client, clients=CLIENTS, seconds=seconds)
            cell.rates.append(rate)
            cell.seconds += took

    at_full_speed(free)
    with raw_connection() as report_of_somebody:
        report_of_somebody.isolation_level = IsolationLevel.REPEATABLE_READ
        report_of_somebody.autocommit = False
        count = "SELECT count(*), max(created_at) FROM callbacks_callback"
        first = report_of_somebody.execute(count).fetchone()
        until, offered = time.monotonic() + held, []
        while time.monotonic() < until:
            offered.append(run(_client(nurses, a_second), clients=CLIENTS, seconds=ROUND)[0])
        at_full_speed(kept)
        if report_of_somebody.execute(count).fetchone() != first:
            raise RuntimeError("The snapshot was not held.")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM callbacks_callback")  # what the database does by itself, once it may
    at_full_speed(free)
    report.group("Claimed, ended, laid anew", [free, kept])
    report.goal("A5", f"calls a second of {a_second} offered beside the snapshot", f"{statistics.median(offered):.0f}")
    report.ratio("A5", f"claims beside a snapshot held {held} s, beside none", kept, free, 0.70)
    _own_connections(report)


def _own_connections(report: Report) -> None:
    """The product itself cannot hold one for long: the database ends its transaction when nothing happens in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int / 1000 FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")
        limit = cursor.fetchone()[0]
    report.goal("A5", "an idle transaction of the product is ended after", f"{limit} s", "60 s", 0 < limit <= 60)
