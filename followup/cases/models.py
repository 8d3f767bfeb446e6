"""The spine: whatever is going on with a patient is a case, and it moves through the steps of its kind."""

from django.db import models
from django.db.models import F, Q

from followup.cases.flows import FLOWS
from followup.core import clock
from followup.core.models import Row
from followup.people.models import Patient, Unit, User
from followup.programmes.models import Programme


class Kind(models.TextChoices):
    CONTACT = "contact"
    REVIEW = "review"
    VISIT = "visit"
    REFERRAL = "referral"
    STAY = "stay"


class Shortage(models.TextChoices):
    """Why a promise cannot be kept unless somebody acts."""

    NOTHING_TO_HOLD = "no_time_left"
    NEEDS_A_TIME = "needs_a_time"


def _step_of_its_kind() -> Q:
    allowed = Q()
    for kind, flow in FLOWS.items():
        allowed |= Q(kind=kind, step__in=flow.steps)
    return allowed


class CaseWords(models.QuerySet["Case"]):
    def open(self) -> "CaseWords":
        return self.filter(closed=None)

    def at_risk(self) -> "CaseWords":
        return self.open().exclude(at_risk_since=None)

    def of_unit(self, unit: Unit) -> "CaseWords":
        return self.filter(unit=unit)


class Case(Row):
    """One thing going on with one patient. `due` is what we owe by when; only `cases.services.move` changes `step`."""

    unit = models.ForeignKey(Unit, models.PROTECT)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="cases")
    programme = models.ForeignKey(Programme, models.PROTECT, help_text="The version it began with.")
    kind = models.CharField(max_length=10, choices=Kind)
    reference = models.CharField(max_length=10, unique=True)
    code = models.CharField(max_length=8, help_text="What the board shows instead of a name, for this round only.")
    step = models.CharField(max_length=20)
    step_since = models.DateTimeField(default=clock.now)
    due = models.DateTimeField(null=True)
    at_risk_since = models.DateTimeField(null=True)
    shortage = models.CharField(max_length=20, choices=Shortage, blank=True)
    meeting = models.BooleanField(default=False, help_text="Somebody thinks a planning meeting would help.")
    opened = models.DateTimeField(default=clock.now)
    closed = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=30, blank=True)
    changed_at = models.DateTimeField(default=clock.now)

    objects = CaseWords.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_step_of_its_kind(), name="case_step_of_its_kind"),
            models.CheckConstraint(
                condition=Q(step="closed", closed__isnull=False) | (~Q(step="closed") & Q(closed=None)),
                name="case_closed_is_said_once",
            ),
            models.CheckConstraint(
                condition=Q(at_risk_since=None, shortage="") | (Q(at_risk_since__isnull=False) & ~Q(shortage="")),
                name="case_at_risk_says_why",
            ),
            models.UniqueConstraint(
                fields=["patient"], condition=Q(kind="contact", closed=None), name="one_open_contact"
            ),
            models.UniqueConstraint(fields=["unit", "code"], condition=Q(closed=None), name="board_code_once"),
        ]
        indexes = [
            models.Index("unit", "kind", F("due").asc(nulls_last=True), name="open_cases", condition=Q(closed=None)),
            models.Index("unit", "changed_at", name="cases_changed"),
            models.Index("patient", F("opened").desc(), name="cases_of_patient"),
            models.Index("unit", "kind", F("opened").desc(), F("id").desc(), name="cases_newest_first"),
        ]

    def __str__(self) -> str:
        return self.reference

    def came_here_by_reopening(self) -> bool:
        """Whether somebody opened it again, and it has not moved since."""
        here = ("closed", self.step, self.step_since)
        return any((move.step_from, move.step_to, move.at) == here for move in self.moves.all())


class Move(Row):
    """A step taken: the board's marks and the patient's timeline are read from these."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="moves")
    step_from = models.CharField(max_length=20, blank=True)
    step_to = models.CharField(max_length=20)
    at = models.DateTimeField(default=clock.now)
    by_hand = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index("case", "at", name="moves_of_case")]


class AskKind(models.TextChoices):
    PRESCRIPTION = "prescription"
    CLINICIAN_ASKED = "clinician_asked"
    GROUP_CHANGE = "group_change"


class Way(models.TextChoices):
    """How the patient hears what a clinician answered."""

    TIME = "time"
    DONE = "done"
    MESSAGE = "message"
    RING = "ring"


class Ask(Row):
    """Something a call left for a clinician: it has an owner and a due, and keeps the case open until it is answered.

    `answer` is for colleagues; `way` says how the patient hears of it, and `to_patient` is what they read where that is a message.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="asks")
    kind = models.CharField(max_length=20, choices=AskKind)
    owner = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="asked", help_text="None: any clinician of the unit."
    )
    due = models.DateTimeField()
    note = models.TextField(blank=True)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    answer = models.TextField(blank=True)
    way = models.CharField(max_length=10, choices=Way, blank=True, default="", db_default="")
    to_patient = models.TextField(blank=True, default="", db_default="")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
                name="an_answer_has_its_person",
            ),
            models.UniqueConstraint(fields=["case", "kind"], condition=Q(answered_at=None), name="asked_once"),
        ]
