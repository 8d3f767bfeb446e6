"""A3: a job queue in PostgreSQL that others use, in the same database, with a lock for each patient.

What is compared is the fetch, as a worker of procrastinate asks for it: its job manager, on one connection, marks the job as being done,
and its trigger writes a line into its table of events, as the claim marks the call and writes the journal. Beside it stands the bare
statement that it sends, as the raw claim stands beside the product's. The worker around it and the end of the job are left out of both.
"""

import asyncio
from collections.abc import Callable

from django.db import connection
from procrastinate import PsycopgConnector, schema, sql
from procrastinate.manager import JobManager

from bench.rates import Cell, parameters, raw_connection

SCHEMA = "procrastinate"
THERE = {"options": f"-c search_path={SCHEMA}"}


def procrastinate(calls: Callable[[], None]) -> tuple[Cell, Cell]:
    """Its job manager, and its statement alone. `calls` lays the calls of a round; for each there is a job then, as urgent as the call."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
    with raw_connection(**THERE) as theirs:
        theirs.execute(schema.SchemaManager.get_schema())

    def fresh() -> None:
        calls()
        with raw_connection(**THERE) as theirs:
            theirs.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
            theirs.execute(
                "SELECT procrastinate_defer_jobs_v1(array_agg(ROW('calls', 'ring', -c.priority, c.patient_id::text, NULL,"
                " jsonb_build_object('callback', c.id), NULL)::procrastinate_job_to_defer_v1 ORDER BY c.due))"
                " FROM public.callbacks_callback c"
            )
            theirs.execute("VACUUM ANALYZE procrastinate_jobs")

    return (
        Cell("peer: procrastinate, lock per patient", _manager, fresh),
        Cell("peer: its statement alone", _statement, fresh),
    )


def _manager(_n: int):
    loop = asyncio.new_event_loop()
    connector = PsycopgConnector(kwargs=parameters() | THERE, min_size=1, max_size=1)
    loop.run_until_complete(connector.open_async())
    jobs = JobManager(connector)
    worker = loop.run_until_complete(jobs.register_worker())

    def act() -> bool:
        return loop.run_until_complete(jobs.fetch_job(["calls"], worker)) is not None

    return act


def _statement(_n: int):
    cursor = raw_connection(**THERE).cursor()
    cursor.execute("SELECT worker_id FROM procrastinate_register_worker_v1()")
    values = {"queues": ["calls"], "worker_id": cursor.fetchone()[0]}

    def act() -> bool:
        cursor.execute(sql.queries["fetch_job"], values)
        return cursor.fetchone()[0] is not None

    return act
