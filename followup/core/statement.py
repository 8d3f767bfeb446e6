"""The hot verbs are one statement each, parsed and planned once for each connection."""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import IntegrityError, connection, transaction

from followup.core import crash

LOOKS = 100
"""How often a statement looks again when a neighbour was quicker. Each time somebody got something, and no more than have a connection
can be quicker: who gave up before would be told that nothing is left while there is."""


def insist(statement: str, values: Mapping[str, Any], *, point: str, quicker: tuple[str, ...]) -> tuple | None:
    """Run a statement that takes something for somebody; its first row, or None when there was nothing to take.

    By itself it is a transaction of its own, in one round trip; inside another one it is undone with it. `quicker` names the constraints
    that say that a neighbour took the same in this very moment: then it looks again. `point` is its crash point.
    """
    for _look in range(LOOKS):
        try:
            rows = run(statement, values, point=point)
            return rows[0] if rows else None
        except IntegrityError as error:
            if not any(name in str(error) for name in quicker):
                raise
    return None


def run(statement: str, values: Mapping[str, Any], *, point: str) -> list[tuple]:
    """All rows of a statement that is a transaction of its own, in one round trip, or a part of the one that it stands in."""
    if not (connection.in_atomic_block or crash.armed()):
        return execute(statement, values)
    with transaction.atomic():
        rows = execute(statement, values)
        if rows:
            crash.commit(point)
        return rows


def part(statement: str, values: Mapping[str, Any]) -> list[tuple]:
    """All rows of a statement that is a part of the transaction in which it stands: both are undone together."""
    if not connection.in_atomic_block:
        raise RuntimeError("This statement belongs in a transaction.")
    return execute(statement, values)


def one_line(statement: str) -> str:
    """The statement without its layout: the driver keeps what it has read of a statement, but not of one longer than 4,096 signs."""
    return " ".join(statement.split())


def execute(statement: str, values: Mapping[str, Any]) -> list[tuple]:
    """All rows of a statement that is prepared. Django's own cursors put the values into the text, which is parsed and planned anew."""
    connection.ensure_connection()
    bare: Any = psycopg.Cursor(connection.connection)
    with connection.make_debug_cursor(bare) if connection.queries_logged else connection.make_cursor(bare) as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
