import uuid

from django.db import models
from django.db.models import Q

from followup.core import clock
from followup.programmes import checks
from followup.programmes.schema import Rules

_parsed: dict[str, Rules] = {}


class Programme(models.Model):
    """One version of one condition's way of working, as it was loaded. Never changed: a trigger refuses it.

    `data` is tens of kilobytes that `rules` reads once a process: whoever reads a programme along with other rows defers it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    data = models.JSONField()
    sha = models.CharField(max_length=64)
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
        """The programme as an object, read once a process: the content behind a `sha` cannot change."""
        if self.sha not in _parsed:
            _parsed[self.sha] = checks.parse(self.data)
        return _parsed[self.sha]
