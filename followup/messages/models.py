"""What is told to people: one row for each thing told on each channel, with where it stands."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from followup.cases.models import Case
from followup.core import clock
from followup.core.models import Row
from followup.people.models import Language, Patient, Unit, User


class Channel(models.TextChoices):
    SMS = "sms"
    EMAIL = "email"


class State(models.TextChoices):
    QUEUED = "queued"
    IN_FLIGHT = "in_flight"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Urgency(models.IntegerChoices):
    """What goes first where a channel takes only so many a second."""

    AT_ONCE = 1
    ANSWER = 2
    IN_TIME = 3


class Message(Row):
    """`occasion` names what it is about ("time-kept:<appointment>"): the same thing is never told twice on one channel.

    A sign-in code is not kept: `body` holds dots in its place, and the code is worked out anew when the message is sent.
    """

    turn: tuple[int, datetime, datetime] | None = None
    """The `Turn` that the claim in this process took: its number, from when it is free, until when it is taken."""

    unit = models.ForeignKey(Unit, models.PROTECT)
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, related_name="messages")
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="messages")
    template = models.CharField(max_length=40)
    version = models.IntegerField()
    occasion = models.CharField(max_length=120)
    language = models.CharField(max_length=5, choices=Language)
    channel = models.CharField(max_length=10, choices=Channel)
    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    urgency = models.SmallIntegerField(choices=Urgency, default=Urgency.IN_TIME, db_default=Urgency.IN_TIME)
    due_at = models.DateTimeField(default=clock.now)
    attempts = models.IntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=80, blank=True)
    trouble = models.CharField(max_length=80, blank=True)
    settled_at = models.DateTimeField(null=True, help_text="When a person dealt with what could not be sent.")
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "message"
        constraints = [
            models.UniqueConstraint(fields=["occasion", "channel"], name="said_once_on_a_channel"),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "delivered"], sent_at__isnull=False)
                | ~Q(state__in=["sent", "delivered"]),
                name="sent_has_its_moment",
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by=None) | Q(settled_at__isnull=False, settled_by__isnull=False),
                name="settled_by_somebody",
            ),
        ]
        indexes = [
            models.Index("due_at", "id", name="messages_to_send", condition=Q(state="queued")),
            models.Index("channel", "urgency", "due_at", "id", name="messages_in_turn", condition=Q(state="queued")),
            models.Index("attempted_at", name="messages_in_flight", condition=Q(state="in_flight")),
            models.Index(
                "created_at",
                name="messages_for_a_person",
                condition=Q(state__in=["failed", "unknown"], settled_at=None),
            ),
            models.Index("patient", F("created_at").desc(), name="messages_of_patient"),
            models.Index("unit", F("created_at").desc(), F("id").desc(), name="messages_newest_first"),
        ]


class Rest(models.Model):
    """Until when nothing is handed to a channel: its gateway asked us to wait, or does not answer and would keep the worker waiting."""

    channel = models.CharField(primary_key=True, max_length=10, choices=Channel)
    until_at = models.DateTimeField()

    class Meta:
        db_table = "message_rest"


class Turn(models.Model):
    """A channel that takes so many messages a second has so many turns, numbered from 1.

    A message takes one when it is claimed and keeps it until a second after the provider answered: so no more than that number reach the
    provider in any second, whatever the line does to their pace. `busy_until_at` says when a turn is free, also after its taker died.
    """

    channel = models.CharField(max_length=10, choices=Channel)
    number = models.IntegerField()
    busy_until_at = models.DateTimeField()

    class Meta:
        db_table = "message_turn"
        constraints = [models.UniqueConstraint(fields=["channel", "number"], name="turns_are_numbered")]


class LocalDelivery(models.Model):
    """What the local gateway "sent": shown on a page of the demo, instead of a telephone ringing somewhere."""

    message = models.OneToOneField(Message, models.CASCADE, primary_key=True)
    at = models.DateTimeField(default=clock.now)
    body = models.TextField()

    class Meta:
        db_table = "message_local_delivery"
