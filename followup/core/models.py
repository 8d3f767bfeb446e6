"""What every room stands on: rows with ids, the journal and its seals, the outbox, the heartbeats."""

import uuid

from django.db import models
from django.db.models import F, Q

from followup.core import clock


class Row(models.Model):
    """A row with an id that tells nothing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class Entry(models.Model):
    """One line of the journal: who did or saw what, when and why. Append-only: a trigger refuses anything else."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=clock.now)
    verb = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor_name = models.CharField(max_length=120)
    actor_role = models.CharField(max_length=20, blank=True)
    unit_id = models.UUIDField(null=True)
    patient_id = models.UUIDField(null=True)
    case_id = models.UUIDField(null=True)
    subject_id = models.UUIDField(null=True)
    why = models.TextField(blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "journal"
        indexes = [
            models.Index(
                "patient_id", F("id").desc(), name="journal_of_patient", condition=Q(patient_id__isnull=False)
            ),
            models.Index("case_id", F("id").desc(), name="journal_of_case", condition=Q(case_id__isnull=False)),
        ]


class Seal(models.Model):
    """A batch of the journal, closed: the keyed hash over its rows and over the seal before it."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=clock.now)
    first_entry = models.BigIntegerField(unique=True)
    last_entry = models.BigIntegerField(unique=True)
    entries = models.IntegerField()
    head = models.CharField(max_length=64)

    class Meta:
        db_table = "journal_seal"


class Outbox(models.Model):
    """Something that happened and of which another room must hear. Done when `done_at` is set, in the transaction of the work itself."""

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    gave_up_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=200, blank=True)
    trace = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="What began it: the id in the log lines."
    )

    class Meta:
        db_table = "outbox"
        indexes = [
            models.Index("due_at", "id", name="outbox_to_do", condition=Q(done_at=None, gave_up_at=None)),
            models.Index("gave_up_at", name="outbox_given_up", condition=Q(done_at=None, gave_up_at__isnull=False)),
        ]


class Heartbeat(models.Model):
    """When a background process was last known to work: `beat` by itself, `worker` by a task sent through the queue."""

    name = models.CharField(primary_key=True, max_length=20)
    at = models.DateTimeField()

    class Meta:
        db_table = "heartbeat"


class Upkeep(models.Model):
    """What is done to look after the house, and when it was last done: `backup`, `verify`."""

    name = models.CharField(primary_key=True, max_length=20)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    class Meta:
        db_table = "upkeep"
