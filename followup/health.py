"""Whether this process lives, and whether the product behind it can serve: for supervisors and load balancers."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from followup.callbacks.models import Callback
from followup.cases.models import Case
from followup.core import clock, heartbeats, journal
from followup.core.models import Outbox
from followup.messages.models import Message, State


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """This process answers; asks nobody else."""
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when pages can be served, else 503.

    `migrations` counts those not yet made; ages are in seconds, null where nothing was ever heard or nothing waits.
    A silent worker or beat shows in its age and does not make the pages unready.
    """
    try:
        said = {
            "database": True,
            "migrations": _migrations_to_make(),
            "heartbeats": heartbeats.ages(),
            "outbox_age": _outbox_age(),
            "journal_head": journal.head(),
        }
    except DatabaseError:
        said = {"database": False}
    ready = said["database"] and not said.get("migrations")
    return JsonResponse({"ready": ready, **said}, status=200 if ready else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """How much waits and for how long, in the text form that Prometheus reads; numbers over all units, nobody's data."""
    at = clock.now()
    calls = Callback.objects.open()
    numbers: dict[str, float | None] = {
        "followup_calls_waiting": calls.waiting().count(),
        "followup_calls_late": calls.late(at).count(),
        "followup_cases_at_risk": Case.objects.at_risk().count(),
        "followup_outbox_waiting": Outbox.objects.filter(done_at=None, gave_up_at=None).count(),
        "followup_outbox_age_seconds": _outbox_age() or 0,
        **{f'followup_heartbeat_age_seconds{{process="{name}"}}': age for name, age in heartbeats.ages().items()},
        **{f'followup_messages{{state="{state}"}}': _messages(state) for state in MESSAGES_ON_THEIR_WAY},
    }
    lines = [f"{name} {value}\n" for name, value in numbers.items() if value is not None]
    return HttpResponse("".join(lines), content_type="text/plain; version=0.0.4")


MESSAGES_ON_THEIR_WAY = (State.QUEUED, State.IN_FLIGHT)


def _messages(state: str) -> int:
    return Message.objects.filter(state=state).count()


def _migrations_to_make() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _outbox_age() -> float | None:
    oldest = Outbox.objects.filter(done_at=None, gave_up_at=None).aggregate(at=Min("created_at"))["at"]
    return (clock.now() - oldest).total_seconds() if oldest else None
