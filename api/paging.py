"""Lists in pages: `{next, previous, results}`, by a cursor that holds where the last row stood."""

import base64
import json
from datetime import UTC
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import DateTimeField, Field, Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from followup.core.errors import Invalid

USUAL, MOST = 50, 200

PARAMETERS = [
    OpenApiParameter("cursor", str, description="From `next` or `previous`; of no use in any other list."),
    OpenApiParameter("limit", int, description=f"Rows on a page: {USUAL}, at most {MOST}."),
]


def paged(row: serializers.Serializer, name: str) -> serializers.Serializer:
    """The shape of a page of `row`, for the schema."""
    link: dict[str, Any] = {"allow_null": True, "help_text": "Address of that page, null where there is none."}
    return inline_serializer(
        name,
        {"next": serializers.URLField(**link), "previous": serializers.URLField(**link), "results": row},
    )


class Page:
    """One page of `rows` in `order` (names of columns that are never null, `-` for descending, the last one unique).

    A row that comes or goes meanwhile moves no other over the edge of a page.
    """

    def __init__(self, request: Request, rows: QuerySet, order: tuple[str, ...]):
        self.request, self.order = request, order
        self.limit = _limit(request)
        back, position = self._cursor(rows)
        found = rows.order_by(*(_turned(order) if back else order))
        if position is not None:
            found = found.filter(_beyond(_turned(order) if back else order, position))
        ahead = list(found[: self.limit + 1])
        more = len(ahead) > self.limit
        self.rows: list[Any] = ahead[: self.limit]
        if back:
            self.rows.reverse()
        self.has_next = bool(self.rows) and (more or back)
        self.has_previous = bool(self.rows) and (more if back else position is not None)

    def answer(self, results: Any) -> dict:
        return {
            "next": self._link(self.rows[-1], back=False) if self.has_next else None,
            "previous": self._link(self.rows[0], back=True) if self.has_previous else None,
            "results": results,
        }

    def _cursor(self, rows: QuerySet) -> tuple[bool, list[Any] | None]:
        given = self.request.query_params.get("cursor")
        if not given:
            return False, None
        try:
            back, values = json.loads(base64.urlsafe_b64decode(given.encode()))
            if len(values) != len(self.order):
                raise ValueError(given)
            columns = [_column(rows, name) for name in self.order]
            return bool(back), [_read(column, value) for column, value in zip(columns, values, strict=True)]
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError, ValidationError) as error:
            raise Invalid({"cursor": _("This does not lead to a page; begin the list again.")}) from error

    def _link(self, row: Any, *, back: bool) -> str:
        values = [_said(_value(row, name)) for name in self.order]
        cursor = base64.urlsafe_b64encode(json.dumps([int(back), values]).encode()).decode()
        query = self.request.query_params.copy()
        query["cursor"] = cursor
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")


def _limit(request: Request) -> int:
    given = request.query_params.get("limit")
    if given is None:
        return USUAL
    if not given.isascii() or not given.isdigit() or not int(given[:9]) >= 1:
        raise Invalid({"limit": _("Give a number from 1 to %(most)s.") % {"most": MOST}})
    return min(int(given[:9]), MOST)


def _turned(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)


def _beyond(order: tuple[str, ...], position: list[Any]) -> Q:
    """Rows that come after `position`: later in the first column, or equal there and later in the next, and so on."""
    beyond, equal = Q(), Q()
    for name, value in zip(order, position, strict=True):
        column = name.removeprefix("-")
        beyond |= equal & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{column: value})
    return beyond


def _column(rows: QuerySet, name: str) -> Field:
    if worked_out := rows.query.annotations.get(name.removeprefix("-")):
        return worked_out.output_field
    model = rows.model
    *path, last = name.removeprefix("-").split("__")
    for step in path:
        model = model._meta.get_field(step).related_model
    return model._meta.get_field(last)


def _read(column: Field, value: Any) -> Any:
    """A value of a cursor as its column takes it. A moment is aware and inside the calendar: the database takes no other."""
    read = column.to_python(value)
    if not isinstance(column, DateTimeField):
        return read
    if read is None or read.tzinfo is None:
        raise ValueError(value)
    return read.astimezone(UTC)


def _value(row: Any, name: str) -> Any:
    for step in name.removeprefix("-").split("__"):
        row = getattr(row, step)
    return row


def _said(value: Any) -> Any:
    return value if isinstance(value, int) else value.isoformat() if hasattr(value, "isoformat") else str(value)
