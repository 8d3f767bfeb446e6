import uuid

from django.db import models
from django.db.models import Q

from followup.core import clock
from followup.programmes import checks
from followup.programmes.schema import Rules

_parsed: dict[str, Rules] = {}


class Text(models.Model):
    """What stands in a programme's file: tens of kilobytes, apart from the row that is read with everybody who follows it."""

    sha = models.CharField(max_length=64, primary_key=True)
    data = models.JSONField()

    class Meta:
        db_table = "programme_text"

    def __str__(self) -> str:
        return self.sha


class Programme(models.Model):
    """One version of one condition's way of working, as it was loaded. Never changed: a trigger refuses it, here and of its text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    text = models.OneToOneField(Text, models.PROTECT)
    signed = models.BooleanField()
    loaded_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "programme"
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="programme_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="programme_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.key}@{self.version}"

    @property
    def rules(self) -> Rules:
        """The programme as an object, read once a process: its text cannot change."""
        if self.text_id not in _parsed:
            _parsed[self.text_id] = checks.parse(self.text.data)
        return _parsed[self.text_id]
