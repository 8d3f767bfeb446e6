"""What the schema says of a call: written beside the call, so that it stays true."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from api.idempotency import HEADER, BadKey, KeyReused, TwinRunning
from api.problems import CODES, CONTENT_TYPE, TYPE, Problem, status_of
from followup.core.errors import Refused

KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Repeats of the call with the same key and body are answered like the first, for 24 hours.",
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    str,
    OpenApiParameter.HEADER,
    response=[200, 201, 204],
    enum=["true"],
    description="Stands on an answer that is given again.",
)
ALWAYS = (401, 406, 429, 500, 503)
WITH_A_BODY = (400, 413, 415, 422)


def operation(
    name: str,
    summary: str,
    *,
    gives: dict[int, Any],
    tag: str,
    takes: Any = None,
    refuses: Iterable[type[Refused]] = (),
    parameters: Iterable[Any] = (),
) -> Callable:
    """Describe a method of a view: `gives` its answers by status, `takes` its body, `refuses` the noes it may say."""

    def describe(call: Callable) -> Callable:
        once = getattr(call, "once", False)
        keyed = [KeyReused, BadKey, TwinRunning] if once else []
        problems = _problems([*refuses, *keyed], also=(*ALWAYS, *(WITH_A_BODY if takes or once else ())))
        answers = {status: OpenApiResponse(shape, words) for status, (words, shape) in gives.items()}
        return extend_schema(
            operation_id=name,
            summary=summary,
            tags=[tag],
            request=takes,
            responses={**answers, **problems},
            parameters=[*parameters, *([KEY, REPLAYED] if once else [])],
        )(call)

    return describe


def _problems(refusals: list[type[Refused]], also: Iterable[int]) -> dict[tuple[int, str], OpenApiResponse]:
    codes: defaultdict[int, set[str]] = defaultdict(set)
    for status in also:
        codes[status].add(CODES[status])
    for refusal in refusals:
        codes[status_of(refusal)].add(refusal.code)
    return {
        (status, CONTENT_TYPE): OpenApiResponse(Problem, ", ".join(f"`{TYPE}{code}`" for code in sorted(codes[status])))
        for status in sorted(codes)
    }
