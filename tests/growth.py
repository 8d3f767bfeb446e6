"""A clinic that has grown: what is there already, many times over, written straight into the tables in a moment."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import AutoField, Field, ForeignKey, Model, UUIDField

from followup.callbacks.models import Attempt, Callback, CallOutcome, LeftNote
from followup.cases.models import Ask, Case, Move
from followup.clinic.models import Appointment, Session, Slot, TemplateLine
from followup.contacts.models import Addition, Contact, Escalation
from followup.core.models import Entry, Outbox
from followup.messages.models import Message
from followup.people.models import ClosedDay, Enrolment, Membership, Patient, User

TABLES: list[type[Model]] = [
    *(User, Membership, ClosedDay, Patient, Enrolment, TemplateLine, Session, Slot),
    *(Case, Contact, Move, Addition, Escalation, Callback, Attempt, LeftNote, CallOutcome, Ask, Appointment, Message),
    *(Entry, Outbox),
]
"""Each after those that it points to."""

ONCE = {
    "username": "username || '-' || n",
    "number": "number || '-' || n",
    "occasion": "occasion || '-' || n",
    "reference": "substr(md5(reference || n), 1, 10)",
    "code": "substr(md5(code || n), 1, 8)",
    "day": "day + n",
    # Tries are counted.
    ("callbacks_attempt", "number"): "number + n",
}
"""Columns that are like no other row's."""


def copies(times: int, of: Iterable[UUID] | None = None) -> None:
    """So many copies of every row there is, pointing at each other as the originals do; or of those with the ids `of`, beside them."""
    numbers = {"first": 1, "last": times} if of is None else {"first": 1_001, "last": 1_000 + times}
    with connection.cursor() as cursor:
        for model in TABLES:
            cursor.execute(_statement(model, whole=of is None), numbers | {"of": list(of or [])})


def _statement(model: type[Model], *, whole: bool) -> str:
    table, fields = model._meta.db_table, [f for f in model._meta.concrete_fields if not isinstance(f, AutoField)]
    ids = [field.column for field in fields if _is_an_id(field)]
    names = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(_value(table, field, whole) for field in fields)
    # A line of the journal has no such id of its own: it goes with the case it is about.
    whose = "true" if whole else f"{'case_id' if model is Entry else ids[0]} = ANY(%(of)s)" if ids else "false"
    rows = f'"{table}", generate_series(%(first)s, %(last)s) n'
    return f'INSERT INTO "{table}" ({names}) SELECT {values} FROM {rows} WHERE {whose}'  # noqa: S608  names of ours


def _is_an_id(field: Field) -> bool:
    return isinstance(field.target_field if isinstance(field, ForeignKey) else field, UUIDField)


def _value(table: str, field: Field, whole: bool) -> str:
    column = f'"{field.column}"'
    if _is_an_id(field):
        if field.column == "unit_id" or (isinstance(field, ForeignKey) and field.related_model not in TABLES):
            return column
        copied = f"md5({column}::text || n)::uuid"
        return copied if whole else f"CASE WHEN {column} = ANY(%(of)s) THEN {copied} ELSE {column} END"
    return ONCE.get((table, field.column)) or ONCE.get(field.column) or column
