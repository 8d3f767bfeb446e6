"""Reading messages."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from followup.core import clock
from followup.core.errors import Unknown
from followup.messages.models import LocalDelivery, Message, Rest, State
from followup.people.access import unit_of
from followup.people.models import Patient, Unit, User


def to_send(limit: int = 100) -> list[UUID]:
    """Ids of queued messages that are due, oldest first."""
    at = clock.now()
    due = Message.objects.filter(state=State.QUEUED, due_at__lte=at).exclude(channel__in=resting(at))
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
