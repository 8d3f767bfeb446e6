"""A call that is repeated with its Idempotency-Key is done once and answered alike.

One transaction holds lock, work and answer: a crash in the middle leaves nothing of the three, and nobody can see the work
without its answer. The lock is the transaction's own (an advisory one), so it ends with it, however that ends.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from api.auth import Asked
from api.models import KeptAnswer
from followup.core import clock, crash
from followup.core.errors import Refused

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
FORGOTTEN_AT_ONCE = 20
"""How many old answers are dropped whenever a new one is kept: more than come, so none grows old unseen."""


class KeyReused(Refused):
    code = "idempotency-key-reused"
    words = _("This Idempotency-Key was used for another call.")


class BadKey(Refused):
    code = "idempotency-key-invalid"
    words = _("An Idempotency-Key has 1 to 200 visible characters.")


class TwinRunning(Refused):
    code = "idempotency-twin-running"
    words = _("The same call is being worked on. Try again in a moment.")


def once(call: Callable[..., Response]) -> Callable[..., Any]:
    """For a method of a view: with an Idempotency-Key it does its work once in 24 hours for each caller and key."""

    @wraps(call)
    def inside(view: Any, request: Asked, *args: Any, **kwargs: Any) -> Response | HttpResponse:
        key = request.headers.get(HEADER)
        if key is None:
            return call(view, request, *args, **kwargs)
        if not (0 < len(key) <= 200 and key.isprintable()):
            raise BadKey
        return _once(key, request, lambda: call(view, request, *args, **kwargs))

    inside.once = True  # type: ignore[attr-defined]
    return inside


def _once(key: str, request: Asked, work: Callable[[], Response]) -> Response | HttpResponse:
    digest = _digest(request)
    refusal = None
    with transaction.atomic():
        _lock(request.user.id, key)
        kept = KeptAnswer.objects.filter(caller=request.user, key=key, at__gt=clock.now() - KEPT_FOR).first()
        if kept:
            return _again(kept, digest)
        try:
            response = work()
        except Refused as no:
            # A verb that refuses has undone itself; what it left on purpose (a case put at risk) stays, the answer is not kept.
            refusal = no
        else:
            _keep(response, request=request, key=key, digest=digest)
            crash.commit("api.answer")
    if refusal:
        raise refusal
    return response


def _lock(caller: Any, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"{caller} {key}"])
        if not cursor.fetchone()[0]:
            raise TwinRunning


def _again(kept: KeptAnswer, digest: str) -> HttpResponse:
    if kept.digest != digest:
        raise KeyReused
    headers = {"Idempotency-Replayed": "true"}
    if not kept.body:
        return HttpResponse(status=kept.status, headers=headers)
    return HttpResponse(kept.body, status=kept.status, content_type="application/json", headers=headers)


def _keep(response: Response, *, request: Asked, key: str, digest: str) -> None:
    old = KeptAnswer.objects.filter(at__lte=clock.now() - KEPT_FOR)
    old.filter(caller=request.user, key=key).delete()
    dropped = old.order_by("at").select_for_update(skip_locked=True).values_list("id", flat=True)[:FORGOTTEN_AT_ONCE]
    KeptAnswer.objects.filter(id__in=list(dropped)).delete()
    body = "" if response.data is None else JSONRenderer().render(response.data).decode()
    KeptAnswer.objects.create(
        caller=request.user, key=key, digest=digest, status=response.status_code, body=body, at=clock.now()
    )


def _digest(request: Asked) -> str:
    """Method, address and body; the order of names in the body does not matter.

    And as what the caller works, and where: an answer is not given again to somebody who may no longer read it.
    """
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    user = request.user
    place = f"{user.role} {user.unit.id if user.unit else ''}"
    return hashlib.sha256(f"{request.method} {request.path}\n{place}\n{body}".encode()).hexdigest()
