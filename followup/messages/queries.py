"""Reading messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Min, QuerySet

from followup.core import clock
from followup.core.errors import Unknown
from followup.messages.models import LocalDelivery, Message, Rest, State
from followup.people.access import unit_of
from followup.people.models import Patient, Unit, User


def to_send(limit: int = 100, *, channel: str = "") -> list[UUID]:
    """Ids of queued messages that are due, oldest first; of one channel, or of all."""
    at = clock.now()
    due = Message.objects.filter(state=State.QUEUED, due_at__lte=at).exclude(channel__in=resting(at))
    if channel:
        due = due.filter(channel=channel)
    return list(due.order_by("due_at", "id").values_list("id", flat=True)[:limit])


def stuck(limit: int = 100) -> list[UUID]:
    """Ids of messages so long in flight that the line broke or whoever sent them died, the longest first."""
    at = clock.now()
    since = at - timedelta(seconds=settings.FOLLOWUP_RETRY_SECONDS)
    rows = Message.objects.filter(state=State.IN_FLIGHT, attempted_at__lte=since, due_at__lte=at)
    rows = rows.exclude(channel__in=resting(at))
    return list(rows.order_by("attempted_at", "id").values_list("id", flat=True)[:limit])


def resting(at: datetime) -> QuerySet[Rest, str]:
    """Channels to which nothing is handed now."""
    return Rest.objects.filter(until_at__gt=at).values_list("channel", flat=True)


def told_to(patient: Patient) -> QuerySet[Message]:
    """What a patient was told, newest first; sign-in codes are not theirs to read again."""
    return Message.objects.filter(patient=patient).exclude(template="code").order_by("-created_at")


def in_unit(unit: Unit) -> QuerySet[Message]:
    """Everything that the people of a unit were told."""
    return Message.objects.filter(unit=unit).select_related("patient")


def needs_a_person(unit: Unit) -> QuerySet[Message]:
    """Messages that failed, or of which nobody can tell whether they arrived, until somebody says what they did about it."""
    return (
        Message.objects.filter(unit=unit, state__in=[State.FAILED, State.UNKNOWN], settled_at=None)
        .select_related("patient")
        .order_by("-created_at")
    )


def message_for(user: User, message_id: UUID | str) -> Message:
    """That message of this person's unit that needs a person; else `Unknown`."""
    message = Message.objects.filter(unit=unit_of(user), id=message_id).select_related("patient").first()
    if message is None:
        raise Unknown
    return message


def local_deliveries(unit: Unit) -> QuerySet[LocalDelivery]:
    """What the demo's local gateway delivered, newest first."""
    return (
        LocalDelivery.objects.filter(message__unit=unit, message__unit__demo=True)
        .select_related("message__patient")
        .order_by("-at")
    )


@dataclass(frozen=True)
class Pile:
    """So many messages in one state, and since when the oldest is there: due, tried, or made."""

    count: int
    oldest: datetime | None


def piles() -> dict[str, Pile]:
    """What is on its way and what waits for a person, over all units: `queued` (and due), `in_flight`, `failed`, `unknown`."""
    at = clock.now()
    open_to_people = Message.objects.filter(state__in=[State.FAILED, State.UNKNOWN], settled_at=None)
    found = {state: Pile(0, None) for state in (State.QUEUED, State.IN_FLIGHT, State.FAILED, State.UNKNOWN)}
    for rows, since in (
        (Message.objects.filter(state=State.QUEUED, due_at__lte=at), "due_at"),
        (Message.objects.filter(state=State.IN_FLIGHT), "attempted_at"),
        (open_to_people, "created_at"),
    ):
        for row in rows.order_by().values("state").annotate(count=Count("id"), oldest=Min(since)):
            found[State(row["state"])] = Pile(row["count"], row["oldest"])
    return {state.value: pile for state, pile in found.items()}


def rests() -> dict[str, datetime]:
    """Channels to which nothing is handed now, and until when."""
    return dict(resting(clock.now()).values_list("channel", "until_at"))
