"""The board now, and live."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from api import problems
from api.auth import Asked
from api.describing import operation
from followup.board import door, live, queries
from followup.board.door import Visitor
from followup.cases.flows import FLOWS
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed
from followup.people import access
from followup.people.models import Token, Unit
from followup.people.queries import user_of_key
from followup.people.signin.sessions import not_a_use

KIND = OpenApiParameter("kind", OpenApiTypes.STR, enum=list(FLOWS), description="Cases of this kind only.")
DOTS = ("not_yet", "patient", "clinic", "active", "due", "late", "done", "dropped")


class MarkShape(serializers.Serializer):
    """One column. `at` is when the case last came to that step."""

    step = serializers.CharField()
    dot = serializers.ChoiceField(DOTS)
    at = serializers.DateTimeField(allow_null=True)


class RowShape(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(list(FLOWS))
    step = serializers.CharField()
    since = serializers.DateTimeField()
    due = serializers.DateTimeField(allow_null=True)
    dot = serializers.ChoiceField(DOTS)
    marks = MarkShape(many=True)
    code = serializers.CharField(help_text="What stands for the patient, for this round only.")
    meeting = serializers.BooleanField()
    at_risk = serializers.BooleanField()
    shortage = serializers.ChoiceField(["no_time_left", "needs_a_time"], allow_null=True)
    closed = serializers.DateTimeField(allow_null=True, help_text="A case stays for an hour after it closed.")
    name = serializers.CharField(required=False, help_text="Only for staff who asked for it.")


class BoardShape(serializers.Serializer):
    as_of = serializers.DateTimeField()
    cases = RowShape(many=True)


class Board(APIView):
    """Everyone's place in the process: what is late first, then what is due today, then the rest."""

    @operation(
        "readBoard",
        "The board now",
        tag="board",
        parameters=[
            KIND,
            OpenApiParameter("names", OpenApiTypes.BOOL, description="1: with names, for staff who may see patients."),
        ],
        gives={200: ("Everyone's place in the process.", BoardShape)},
        refuses=[Invalid, NotAllowed],
    )
    def get(self, request: Asked) -> Response:
        unit = door.board_of(request.user)
        door.require_key_alive(request)
        kind = kind_of(request.query_params.get("kind"))
        names = request.query_params.get("names") in ("1", "true") and access.may(request.user, "see_patients")
        at = clock.now()
        rows = queries.cases_on(unit, kind, names=names, at=at)
        return Response({"as_of": at.isoformat(), "cases": [row.as_contract() for row in rows]})


def kind_of(said: str | None) -> str | None:
    """The kind that was asked for, None for all. Raises `Invalid`."""
    if said and said not in FLOWS:
        raise Invalid({"kind": _("There is no such kind of case.")})
    return said or None


async def stream(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Server-sent events: `case` with one row of the board, `ping` every 15 s, `reload` when too much was missed.

    `since` (or Last-Event-ID) is the moment of the board that the caller has; what changed after it comes first.
    """
    if request.method != "GET":
        return problems.plain(request, HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET"})
    answer = await sync_to_async(_admit)(request)
    if isinstance(answer, HttpResponse):
        return answer
    visitor, unit, kind, since = answer
    events = live.events(visitor=visitor, unit=unit, kind=kind, since=since)
    # Named here because a proxy that gathers the answer, or keeps it, would make the board late.
    headers = {"Cache-Control": "no-store, private", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(events, content_type="text/event-stream; charset=utf-8", headers=headers)


not_a_use(stream)


def _admit(request: HttpRequest) -> HttpResponse | tuple[Visitor, Unit, str | None, datetime | None]:
    """Who it is, whether they may, and what they asked for; or the problem that they are told."""
    known = _visitor(request)
    if known is None:
        said = problems.plain(request, HTTPStatus.UNAUTHORIZED, _("Say who you are: send a key, or sign in."))
        said.headers["WWW-Authenticate"] = "Bearer"
        return said
    user, visitor = known
    try:
        unit = door.board_of(user)
        kind = kind_of(request.GET.get("kind"))
    except NotAllowed as refusal:
        return problems.plain(request, HTTPStatus.FORBIDDEN, str(refusal))
    except Invalid as refusal:
        return problems.plain(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal.errors["kind"]))
    if visitor not in door.still_welcome([visitor]):
        return problems.plain(request, HTTPStatus.FORBIDDEN, str(NotAllowed()))
    if live.hub.is_full:
        said = problems.plain(request, HTTPStatus.SERVICE_UNAVAILABLE, _("Too many boards are open; try again soon."))
        said.headers["Retry-After"] = "30"
        return said
    return visitor, unit, kind, _moment(request.headers.get("Last-Event-ID") or request.GET.get("since"))


def _visitor(request: HttpRequest) -> tuple[Any, Visitor] | None:
    scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        user = user_of_key(key.strip())
        return (user, Visitor(user.id, key=Token.digest_of(key.strip()))) if user else None
    return (request.user, door.visitor_of(request)) if request.user.is_authenticated else None


def _moment(said: str | None) -> datetime | None:
    """An aware moment, or None for whatever is none: then nothing is caught up. A `+` that became a blank is forgiven."""
    try:
        moment = parse_datetime((said or "").replace(" ", "+"))
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
