"""Who works when, and the times that can be given: sessions cut in slots, and the appointments in them."""

from django.db import models
from django.db.models import F, Q

from followup.cases.models import Case
from followup.core.models import Row
from followup.people.models import Patient, Unit, User


class SessionKind(models.TextChoices):
    NURSE_LINE = "nurse_line"
    CLINIC = "clinic"


class SlotKind(models.TextChoices):
    URGENT = "urgent"
    REVISIT = "revisit"
    REFERRAL = "referral"
    PLANNING = "planning"


class State(models.TextChoices):
    HELD = "held"
    BOOKED = "booked"
    ATTENDED = "attended"
    MISSED = "missed"
    RELEASED = "released"


class TemplateLine(Row):
    """One line of a unit's week: who is where on a weekday. Sessions are laid from it each night.

    `slots` are the times that can be given, as `[kind, "HH:MM"]`, each `slot_minutes` long. Nurses who `lead` on the same weekday take
    turns in being the nurse in charge. A line that was taken away stays, so that nobody is given the usual week once more.
    """

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="template")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=SessionKind)
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday.")
    starts = models.TimeField()
    ends = models.TimeField()
    room = models.CharField(max_length=60, blank=True)
    leads = models.BooleanField(default=False)
    slots = models.JSONField(default=list)
    slot_minutes = models.PositiveSmallIntegerField(default=30)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="line_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="line_on_a_weekday"),
            models.CheckConstraint(condition=Q(slot_minutes__gte=5, slot_minutes__lte=240), name="line_cuts_times"),
            models.UniqueConstraint(
                fields=["person", "unit", "weekday", "starts"], condition=Q(ended_at=None), name="line_once_a_week"
            ),
        ]


class Session(Row):
    """Hours of one person on one day: on the nurse line, or in a clinic room. `in_charge` marks the nurse in charge."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="sessions")
    person = models.ForeignKey(User, models.PROTECT, related_name="sessions")
    kind = models.CharField(max_length=12, choices=SessionKind)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    room = models.CharField(max_length=60, blank=True)
    in_charge = models.BooleanField(default=False)
    line = models.ForeignKey(TemplateLine, models.PROTECT, null=True, related_name="sessions")
    closed_at = models.DateTimeField(null=True)
    closed_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="session_ends_after_it_starts"),
            models.UniqueConstraint(
                fields=["person", "starts_at"], condition=Q(closed_at=None), name="one_place_at_a_time"
            ),
        ]
        indexes = [models.Index("unit", "kind", "starts_at", name="sessions_in_order")]


class Slot(Row):
    """One time that can be given to one patient."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="slots")
    unit = models.ForeignKey(Unit, models.PROTECT)
    kind = models.CharField(max_length=10, choices=SlotKind)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    opened_why = models.CharField(
        max_length=200, blank=True, help_text="Why it was opened, or turned urgent, outside the weekly template."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="slot_ends_after_it_starts"),
            # Overbooking lays a time over another, with a reason; the same reason said twice is the same time.
            models.UniqueConstraint(
                fields=["session", "starts_at"], condition=Q(opened_why=""), name="slot_once_in_a_session"
            ),
            models.UniqueConstraint(
                fields=["session", "starts_at", "kind", "opened_why"],
                condition=Q(closed_at=None) & ~Q(opened_why=""),
                name="slot_opened_once",
            ),
        ]
        indexes = [models.Index("unit", "kind", "starts_at", name="slots_to_give", condition=Q(closed_at=None))]

    @property
    def place(self) -> str:
        return ", ".join(filter(None, [self.unit.place, self.session.room]))


GIVEN_BACK = "cancelled by patient"
"""Why an appointment ended that its patient gave back."""


class AppointmentWords(models.QuerySet["Appointment"]):
    def live(self) -> "AppointmentWords":
        return self.filter(state__in=[State.HELD, State.BOOKED])

    def kept(self) -> "AppointmentWords":
        """Held or booked for its case, not merely being looked at on a page."""
        return self.live().filter(choice_until=None)


class Appointment(Row):
    """A time held, then booked, for a case. `choice_until`: somebody is choosing on a page, and it lapses then."""

    unit = models.ForeignKey(Unit, models.PROTECT)
    slot = models.ForeignKey(Slot, models.PROTECT, related_name="appointments")
    case = models.ForeignKey(Case, models.PROTECT, related_name="appointments")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="appointments")
    state = models.CharField(max_length=10, choices=State)
    held_at = models.DateTimeField(null=True)
    choice_until = models.DateTimeField(null=True)
    booked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=40, blank=True)

    objects = AppointmentWords.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=~Q(state="released"), name="one_live_appointment_per_slot"
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(state__in=["held", "booked"], choice_until=None), name="one_time_per_case"
            ),
            models.CheckConstraint(condition=Q(state="held") | Q(choice_until=None), name="only_held_times_lapse"),
            models.CheckConstraint(
                condition=Q(state__in=["held", "booked"], ended_at=None)
                | Q(state__in=["attended", "missed", "released"], ended_at__isnull=False),
                name="appointment_ends_once",
            ),
        ]
        indexes = [
            models.Index("patient", "state", name="appointments_of_patient"),
            models.Index("choice_until", name="choices_to_lapse", condition=Q(choice_until__isnull=False)),
            models.Index("ended_at", name="times_taken", condition=Q(state__in=["attended", "missed"])),
        ]
