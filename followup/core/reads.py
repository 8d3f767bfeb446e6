"""Reads that stand in the way of every request: put into words once a process, and planned once for each connection.

Django writes a query's SQL anew each time, and PostgreSQL parses and plans it anew; for one that fetches a row by its id that is
nearly all that it costs. `prepared` keeps a query's SQL, with its arguments as parameters; all else in it stays written out, so that an
index on a part of a table is still found. What it reads is never kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, update_wrapper
from inspect import signature
from typing import Any, Generic, ParamSpec, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Lookup, Model, QuerySet, UUIDField
from django.db.models.query import get_related_populators
from psycopg.sql import Literal

from followup.core.statement import execute

_populators: Any = get_related_populators  # its types are of another Django
Row = TypeVar("Row", bound=Model)
Asked = ParamSpec("Asked")


@UUIDField.register_lookup
class AmongIds(Lookup):
    """`id__among=[…]`: like `in`, but one parameter however many ids there are."""

    lookup_name = "among"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> Any:
        return "%s", [value]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, before = self.process_lhs(compiler, connection)
        right, after = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", [*before, *after]


def prepared(query: Callable[Asked, QuerySet[Row]]) -> "Prepared[Asked, Row]":
    """For a function that gives a queryset of whole rows: calling it gives the rows themselves, in a list.

    Its arguments are ids (`UUID`), lists of ids (for `__among`), moments and words, and say so in annotations. It is asked only once, with
    arguments that mark their places: it must not look at them, and not ask for `now`.
    """
    return Prepared(query)


class Prepared(Generic[Asked, Row]):
    def __init__(self, query: Callable[Asked, QuerySet[Row]]):
        self.query = query
        self.signature = signature(query)
        self.names = list(self.signature.parameters)
        update_wrapper(self, query)

    def __call__(self, *args: Asked.args, **kwargs: Asked.kwargs) -> list[Row]:
        words = self._words
        return [
            words.row_of(values)
            for values in execute(words.statement, dict(zip(self.names, args, strict=False)) | kwargs)
        ]

    def first(self, *args: Asked.args, **kwargs: Asked.kwargs) -> Row | None:
        """The first of the rows; the query says in which order, and that it wants no more."""
        return next(iter(self(*args, **kwargs)), None)

    @cached_property
    def _words(self) -> "Words":
        connection.ensure_connection()
        arguments = enumerate(self.signature.parameters.values())
        places = {_place(at, argument.annotation): argument.name for at, argument in arguments}
        marks: Any = {name: list(mark) if isinstance(mark, tuple) else mark for mark, name in places.items()}
        compiler = self.query(**marks).query.get_compiler(connection=connection)  # type: ignore[call-arg]
        sql, values = compiler.as_sql()
        pieces = sql.split("%s")
        said = [_said(value, places) for value in values]
        if len(pieces) != len(said) + 1:
            raise ValueError(f"{self.query.__name__} cannot be prepared: {sql}")
        return Words.of(compiler, "".join(piece + value for piece, value in zip(pieces, [*said, ""], strict=True)))


def _place(at: int, kind: Any) -> Any:
    """A value of this kind that stands nowhere else in a query: it marks the place of the argument."""
    mark = UUID(int=(0xF0110 << 100) + at)
    return {UUID: mark, list[UUID]: (mark,), datetime: datetime(1, 1, 1 + at, tzinfo=UTC), str: str(mark)}[kind]


def _said(value: Any, places: dict[Any, str]) -> str:
    name = places.get(tuple(value) if isinstance(value, list) else value)
    return f"%({name})s" if name else Literal(value).as_string(connection.connection).replace("%", "%%")


@dataclass(frozen=True)
class Words:
    """The text of a query, and how its rows become objects: as Django's own `ModelIterable` does it."""

    statement: str
    model: type[Model]
    columns: slice
    names: list[str]
    related: Any
    extra: dict[str, int]
    converters: list[tuple[int, list[Any], Any]]

    @classmethod
    def of(cls, compiler: Any, statement: str) -> "Words":
        about, first = compiler.klass_info, compiler.klass_info["select_fields"][0]
        end = about["select_fields"][-1] + 1
        found = compiler.get_converters([column[0] for column in compiler.select])
        return cls(
            statement=statement,
            model=about["model"],
            columns=slice(first, end),
            names=[column[0].target.attname for column in compiler.select[first:end]],
            related=_populators(about, compiler.select, connection.alias),
            extra=compiler.annotation_col_map,
            converters=[(at, convert, expression) for at, (convert, expression) in found.items()],
        )

    def row_of(self, found: tuple) -> Any:
        values = list(found)
        for at, convert, expression in self.converters:
            for each in convert:
                values[at] = each(values[at], expression, connection)
        row = self.model.from_db(connection.alias, self.names, values[self.columns])
        for related in self.related:
            related.populate(values, row)
        for name, at in self.extra.items():
            setattr(row, name, values[at])
        return row
