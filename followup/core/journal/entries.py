from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from psycopg.types.json import Jsonb

from followup.core import clock, crash
from followup.core.models import Entry
from followup.core.statement import execute

LOOK = "record.opened"


@dataclass(frozen=True)
class Signature:
    """Who stands behind a journal line. `kind` is person or system; the name and role are those of that moment."""

    kind: str
    id: UUID | None
    name: str
    role: str = ""


class Signs(Protocol):
    """Whoever can act: a `people.User`, or a `System`."""

    @property
    def signature(self) -> Signature: ...


@dataclass(frozen=True)
class System:
    """A part of the product that acts by itself, by name."""

    name: str

    @property
    def signature(self) -> Signature:
        return Signature(kind="system", id=None, name=self.name, role="system")


def write(
    verb: str,
    *,
    by: Signs,
    patient_id: UUID | None = None,
    unit_id: UUID | None = None,
    case_id: UUID | None = None,
    subject_id: UUID | None = None,
    why: str = "",
    **detail: Any,
) -> Entry:
    """Write one line, in the transaction of what it tells of. `detail` holds ids, states and numbers, never free text about health."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A journal line belongs in the transaction of what it tells of.")
    crash.commit(f"journal.{verb}")
    line = insert_values(by) | {
        "at": clock.now(),
        "verb": verb,
        "unit_id": unit_id,
        "patient_id": patient_id,
        "case_id": case_id,
        "subject_id": subject_id,
        "why": why,
    }
    found = execute(_LINE, line | {"detail": Jsonb(detail)})
    return Entry(id=found[0][0], detail=detail, **line)


# Nearly every request writes one.
_LINE = """
INSERT INTO journal (at, verb, actor_kind, actor_id, actor_name, actor_role, unit_id, patient_id, case_id, subject_id, why, detail)
VALUES (%(at)s, %(verb)s, %(actor_kind)s, %(actor_id)s, %(actor_name)s, %(actor_role)s,
        %(unit_id)s, %(patient_id)s, %(case_id)s, %(subject_id)s, %(why)s, %(detail)s)
RETURNING id
"""


def insert_from(rows: str, verb: str, detail: str = "'{}'::jsonb") -> str:
    """The journal's part of a statement that is hot enough to be one: a line for each of `rows`, a common table expression
    with `id, unit_id, patient_id, case_id`; `detail` is an expression over its columns. Give the statement `at` and `insert_values(by)`.
    """
    return f"""
        INSERT INTO journal (at, verb, actor_kind, actor_id, actor_name, actor_role,
                             unit_id, patient_id, case_id, subject_id, why, detail)
        SELECT %(at)s::timestamptz, '{verb}', %(actor_kind)s, %(actor_id)s::uuid, %(actor_name)s, %(actor_role)s,
               unit_id, patient_id, case_id, id, '', {detail} FROM {rows}"""  # noqa: S608  our own words only


def insert_values(by: Signs) -> dict[str, Any]:
    who = by.signature
    return {"actor_kind": who.kind, "actor_id": who.id, "actor_name": who.name, "actor_role": who.role}


def looks_at(patient_id: UUID) -> QuerySet[Entry]:
    """Every time a person opened the record of this patient, newest first."""
    return Entry.objects.filter(patient_id=patient_id, verb=LOOK).order_by("-id")
