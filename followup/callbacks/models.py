"""The nurses' call queue: promises to ring somebody, the tries, and what each call led to."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from followup.cases.models import Case
from followup.core import clock
from followup.core.models import Row
from followup.people.models import Patient, Unit, User


class State(models.TextChoices):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    CANCELLED = "cancelled"


OPEN = (State.WAITING, State.CLAIMED)
READY = Q(state="waiting", decide_since=None)
"""Waits for a nurse: it may be rung as soon as its time has come."""


class CallbackWords(models.QuerySet["Callback"]):
    def open(self) -> "CallbackWords":
        return self.filter(state__in=OPEN)

    def waiting(self) -> "CallbackWords":
        return self.filter(state=State.WAITING)

    def of_unit(self, unit: Unit) -> "CallbackWords":
        return self.filter(unit=unit)

    def late(self, at: datetime) -> "CallbackWords":
        """The promise has passed, and it is still a nurse's turn to ring: not what waits for a person to decide."""
        return self.open().filter(due__lt=at, decide_since=None)

    def to_decide(self) -> "CallbackWords":
        """Nobody answered the last try: a person decides what happens."""
        return self.open().exclude(decide_since=None)

    def to_decide_now(self, at: datetime) -> "CallbackWords":
        """Those for whom no letter is on its way, or has been for long enough."""
        return self.to_decide().filter(Q(letter_sent_at=None) | Q(due__lte=at))

    def in_order(self) -> "CallbackWords":
        """The order in which they are rung: priority, then promise, then arrival."""
        return self.order_by("priority", "due", "arrived_at", "id")


class Callback(Row):
    """A promise to ring. A claim is a lease: it holds until `lease_until`, and use renews it.

    `due` is the end of the promised window; `window_start` and `window_end` are laid into nurse hours by the worker. `decide_since` is
    set when the last try found nobody: then a person decides, and nobody rings by turn.
    """

    unit = models.ForeignKey(Unit, models.PROTECT)
    case = models.ForeignKey(Case, models.PROTECT, related_name="callbacks")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="callbacks")
    reason = models.CharField(max_length=20)
    priority = models.SmallIntegerField()
    lifted_at = models.DateTimeField(null=True, help_text="When a passed promise raised the priority.")
    arrived_at = models.DateTimeField(default=clock.now)
    not_before = models.DateTimeField()
    due = models.DateTimeField()
    window_start = models.DateTimeField(null=True)
    window_end = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    claimed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="callbacks")
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    turn = models.IntegerField(
        null=True,
        help_text="Its number among what its holder has taken by turn: of two presses at once both ask for the same.",
    )
    opened_at = models.DateTimeField(null=True, help_text="When its holder first saw the call page.")
    dialled_at = models.DateTimeField(null=True, help_text="The first dial under this claim.")
    attempts = models.SmallIntegerField(default=0)
    unanswered = models.SmallIntegerField(default=0)
    decide_since = models.DateTimeField(null=True)
    letter_sent_at = models.DateTimeField(
        null=True, help_text="When a letter went to somebody whom nobody reached; `due` is then when to look again."
    )
    said_free_at = models.DateTimeField(
        null=True, help_text="When the patient said: I missed your call, I am free now."
    )
    handed_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who handed this call to its holder; None when the holder took it.",
    )
    handed_note = models.TextField(blank=True, help_text="What the last holder left for the next.")
    draft_note = models.TextField(
        blank=True, default="", db_default="", help_text="What its holder has typed so far, kept while they type."
    )
    ended_at = models.DateTimeField(null=True)

    objects = CallbackWords.as_manager()

    def is_held(self, at: datetime) -> bool:
        """Somebody has it, and their lease has not run out."""
        return self.state == State.CLAIMED and self.lease_until > at

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(priority__gte=1, priority__lte=5), name="callback_priority_1_to_5"),
            models.CheckConstraint(
                condition=Q(state="claimed", claimed_by__isnull=False, lease_until__isnull=False)
                | (~Q(state="claimed") & Q(claimed_by=None, lease_until=None)),
                name="a_claim_has_its_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, ended_at=None) | Q(state__in=["done", "cancelled"], ended_at__isnull=False),
                name="callback_ends_once",
            ),
            models.UniqueConstraint(fields=["case"], condition=Q(state__in=OPEN), name="one_open_callback"),
            models.UniqueConstraint(fields=["patient"], condition=Q(state="claimed"), name="rung_by_one_nurse"),
            models.UniqueConstraint(
                fields=["claimed_by", "turn"], condition=Q(state="claimed"), name="taken_one_by_one"
            ),
        ]
        indexes = [
            models.Index(
                "unit", "priority", "due", "arrived_at", "id", name="callback_queue", condition=Q(state__in=OPEN)
            ),
            # For whoever takes the next one: in its order, and whether there is anything yet among what is for later.
            models.Index("unit", "priority", "due", "arrived_at", "id", name="callback_next", condition=READY),
            models.Index("unit", "priority", "not_before", name="callback_ready", condition=READY),
            models.Index("unit", "priority", "lease_until", name="callback_leases", condition=Q(state="claimed")),
            models.Index("due", name="callback_promises", condition=Q(state__in=OPEN, lifted_at=None)),
        ]


class AttemptResult(models.TextChoices):
    DIALLED = "dialled"
    NO_ANSWER = "no_answer"
    REACHED = "reached"


class Attempt(Row):
    """One try to reach the patient; unreached is one too."""

    callback = models.ForeignKey(Callback, models.CASCADE, related_name="tries")
    number = models.SmallIntegerField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
    promised_at = models.DateTimeField(
        null=True, help_text="By when this try was promised; what comes after moves that."
    )
    result = models.CharField(max_length=12, choices=AttemptResult, default=AttemptResult.DIALLED)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["callback", "number"], name="tries_are_numbered")]
        # Was it in time? Asked of the first tries of the last days.
        indexes = [models.Index("at", name="first_tries", condition=Q(number=1))]


class LeftNote(Row):
    """What somebody typed on a call that is a colleague's now, or over: under their own name, the latest text only."""

    callback = models.ForeignKey(Callback, models.CASCADE, related_name="left_notes")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["callback", "by"], name="one_left_note_each")]


class CallOutcome(Row):
    """What a call led to: written once, when the callback is done."""

    callback = models.OneToOneField(Callback, models.PROTECT, related_name="outcome")
    outcome = models.CharField(max_length=20)
    also = models.JSONField(default=list)
    note = models.TextField(blank=True)
    advice = models.JSONField(default=list, help_text="Ids of advice texts in the programme.")
    agreed = models.TextField(blank=True, help_text="What was agreed, in words that the patient reads.")
    call_again_on = models.DateField(null=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=clock.now)
