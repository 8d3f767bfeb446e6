"""Answers that are kept for a day, so that a call which is repeated gets the first one; and how often somebody called."""

from django.db import models

from followup.core import clock
from followup.core.models import Row
from followup.people.models import User


class KeptAnswer(Row):
    """What was answered to a call with an Idempotency-Key. `digest` tells whether the call that comes again is the same."""

    caller = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    status = models.SmallIntegerField()
    body = models.TextField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "kept_answer"
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_answer_for_a_key")]
        indexes = [models.Index("at", name="answers_to_forget")]


class CallsOfCaller(models.Model):
    """How many calls somebody has made in the minute that is counted. Not logged: a crash may forget it."""

    caller = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="+")
    minute_at = models.DateTimeField()
    calls = models.IntegerField()

    class Meta:
        db_table = "calls_of_caller"
