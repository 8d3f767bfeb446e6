"""Every no of the API is a problem document (RFC 9457). The rooms say what is wrong; here it gets its status."""

import logging
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from api.idempotency import BadKey, KeyReused
from followup.callbacks.services import ReasonNeeded
from followup.core import trace as traces
from followup.core.errors import Invalid, NotAllowed, Refused, Unknown

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:followup:problem:"

STATUS: dict[type[Refused], int] = {
    Invalid: 422,
    ReasonNeeded: 422,
    KeyReused: 422,
    BadKey: 422,
    NotAllowed: 403,
    Unknown: 404,
}
"""What is not here stands in the way of how things are now: 409."""

CODES = {
    400: "malformed",
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many-requests",
    500: "fault",
    503: "unavailable",
}
"""The code of a problem that has no refusal of its own."""


class TooLarge(exceptions.APIException):
    status_code = 413
    default_detail = "The body is larger than is taken here."


class Fault(serializers.Serializer):
    """What is wrong with one value: `pointer` (RFC 6901) into the body, or the `parameter` of the address."""

    pointer = serializers.CharField(required=False)
    parameter = serializers.CharField(required=False)
    detail = serializers.CharField()


class Problem(serializers.Serializer):
    """RFC 9457. `type` is stable; `trace_id` is what to quote when asking us about it."""

    type = serializers.CharField(help_text="`urn:followup:problem:` and a code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    trace_id = serializers.CharField()
    errors = Fault(many=True, required=False)  # type: ignore[assignment]


def status_of(refusal: Refused | type[Refused]) -> int:
    kind = refusal if isinstance(refusal, type) else type(refusal)
    return next((STATUS[each] for each in kind.__mro__ if each in STATUS), 409)


def trace_id() -> str:
    """The id under which the log has this request."""
    return traces.current() or uuid.uuid4().hex


def document(
    status: int, *, code: str = "", title: object = "", detail: object = "", trace: str = "", **more: Any
) -> dict:
    title = title or HTTPStatus(status).phrase
    return {
        "type": TYPE + (code or CODES[status]),
        "title": str(title),
        "status": status,
        "detail": str(detail or title),
        "trace_id": trace or uuid.uuid4().hex,
        **more,
    }


def handler(error: Exception, context: dict) -> Response:
    """The answer to anything that was raised in a call; the name of this function stands in the settings."""
    request = context["request"]._request if context.get("request") is not None else None
    trace = trace_id()
    if isinstance(error, Refused):
        return _answer(_refused(error, in_address=request is not None and request.method == "GET"), trace)
    if isinstance(error, serializers.ValidationError):
        return _answer(
            _invalid(list(_flat(error.detail)), in_address=request is not None and request.method == "GET"), trace
        )
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, SuspiciousOperation | BadRequest | MultiPartParserError):
        error = exceptions.ParseError()
    if isinstance(error, exceptions.APIException):
        return _answer(_of_the_framework(error), trace, headers=_headers(error))
    return _fault(error, trace, request)


def _answer(said: dict, trace: str, headers: dict[str, str] | None = None) -> Response:
    said["trace_id"] = trace
    return Response(said, status=said["status"], content_type=CONTENT_TYPE, headers=headers)


def _refused(refusal: Refused, *, in_address: bool) -> dict:
    if isinstance(refusal, Invalid):
        return _invalid(list(refusal.errors.items()), in_address=in_address)
    more: dict[str, Any] = (
        {"errors": _faults([(refusal.field, str(refusal))], in_address=in_address)} if refusal.field else {}
    )
    return document(status_of(refusal), code=refusal.code, title=refusal.words, detail=str(refusal), **more)


def _invalid(errors: list[tuple[str, str]], *, in_address: bool) -> dict:
    return document(422, title=Invalid.words, errors=_faults(errors, in_address=in_address))


def _faults(errors: list[tuple[str, str]], *, in_address: bool) -> list[dict]:
    """`answers.since` becomes the pointer `/answers/since`."""
    if in_address:
        return [{"parameter": name, "detail": _sayable(words)} for name, words in errors]
    return [
        {"pointer": _sayable("".join(f"/{part}" for part in name.split(".") if part)), "detail": _sayable(words)}
        for name, words in errors
    ]


def _sayable(words: object) -> str:
    """Words that quote what was sent: half of a surrogate pair, which JSON may hold and UTF-8 may not, becomes a question mark."""
    return str(words).encode(errors="replace").decode()


def _flat(detail: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The framework's nested errors as `(a.b.0, words)`."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            own = "" if key == "non_field_errors" else str(key)
            yield from _flat(inner, ".".join(filter(None, [name, own])))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, name)
    else:
        yield name, str(detail)


def _of_the_framework(error: exceptions.APIException) -> dict:
    status = error.status_code
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        detail = _("Say who you are: send a key that is still good, or sign in.")
        return document(status, title=_("Not signed in"), detail=detail) if status == 401 else document(403)
    if status == 404:
        return _refused(Unknown(), in_address=False)
    if status == 403:
        return document(403, title=NotAllowed.words, detail=str(error.detail))
    if status == 429:
        return document(429, detail=_("These are too many calls in one minute. Wait as long as Retry-After says."))
    return document(status, detail=str(error.detail))


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if asked := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = asked
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    return headers


def _fault(error: Exception, trace: str, request: HttpRequest | None) -> Response:
    """Not expected: loud in the log and in tests, silent about itself to the caller."""
    log.exception("a call of the API failed", extra={"trace_id": trace}, exc_info=error)
    if isinstance(error, OperationalError | InterfaceError):
        detail = _("We cannot answer at this moment. Nothing was changed; try again.")
        return _answer(document(503, detail=detail), trace, headers={"Retry-After": "2"})
    got_request_exception.send(sender=None, request=request)
    return _answer(document(500, title=_("Something went wrong on our side")), trace)


def plain(request: HttpRequest, status: int, detail: str = "", headers: dict[str, str] | None = None) -> JsonResponse:
    """A problem outside the API's own views."""
    said = document(status, detail=detail, trace=trace_id())
    return JsonResponse(said, status=status, content_type=CONTENT_TYPE, headers=headers)
