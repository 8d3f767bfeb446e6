"""Units, the people who work there, the patients they care for."""

import hashlib
import secrets
from datetime import date, time
from functools import cached_property
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from followup.core import hours
from followup.core.ids import sort_key
from followup.core.journal import Signature
from followup.core.models import Row
from followup.core.reads import prepared
from followup.programmes.models import Programme


class Language(models.TextChoices):
    ENGLISH = "en", "English"
    SWEDISH = "sv", "Svenska"


class Unit(Row):
    """A clinic: where its day begins and ends, and how it is reached."""

    name = models.CharField(max_length=120, unique=True)
    sender = models.CharField(max_length=40, help_text="The name in messages; it must not tell the disease.")
    timezone = models.CharField(max_length=40, default="Europe/Stockholm")
    weekly_hours = models.JSONField(help_text='Per weekday, 0 is Monday: {"0": [["08:00", "16:30"]], …}')
    holidays = models.CharField(
        max_length=8, blank=True, help_text="Country whose public holidays are closed days, such as SE."
    )
    phone = models.CharField(max_length=20, help_text="The clinic's number as people read it.")
    email = models.EmailField(blank=True)
    place = models.CharField(max_length=120, blank=True)
    emergency_number = models.CharField(max_length=10, default="112")
    advice_number = models.CharField(max_length=10, default="1177")
    country_codes = models.JSONField(default=list, help_text="Country codes that the unit sends texts to, such as 46.")
    colour = models.CharField(max_length=7, default="#0b5d57")
    language = models.CharField(max_length=5, choices=Language, default=Language.SWEDISH)
    on_call_email = models.EmailField(blank=True, help_text="Who is told of what cannot wait while nobody is on duty.")
    on_call_phone = models.CharField(max_length=20, blank=True, help_text="E.164; the same, by text.")
    demo = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def hours(self) -> hours.OpeningHours:
        """The opening hours with public holidays and the unit's own closed days."""
        weekly = {
            int(day): [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans]
            for day, spans in self.weekly_hours.items()
        }
        own = frozenset(self.closed_days.values_list("day", flat=True))
        return hours.OpeningHours(zone=self.zone, weekly=weekly, closed=hours.closed_days(self.holidays, own))


class ClosedDay(Row):
    """A day on which the unit is closed although the week and the public holidays say otherwise."""

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="closed_days")
    day = models.DateField()
    why = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "day"], name="closed_once_a_day")]


class Role(models.TextChoices):
    NURSE = "nurse", _("Nurse")
    CLINICIAN = "clinician", _("Clinician")
    COORDINATOR = "coordinator", _("Coordinator")
    WALL = "wall", _("Wall screen")
    SYSTEM = "system", _("System")
    ADMINISTRATOR = "administrator", _("Administrator")


STAFF = (Role.NURSE, Role.CLINICIAN, Role.COORDINATOR)


class Users(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username__iexact=username)


class User(AbstractBaseUser, Row):
    """Whoever can act: a patient, a member of staff, a wall screen, another system."""

    username = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True, help_text="E.164; where staff are told of what cannot wait.")
    language = models.CharField(max_length=5, choices=Language, default=Language.SWEDISH)
    is_active = models.BooleanField(default=True)
    password_given_at = models.DateTimeField(
        null=True, help_text="The password was made at the console; its owner has not replaced it yet."
    )

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    objects = Users()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("username"), name="username_once")]

    def __str__(self) -> str:
        return self.username

    @cached_property
    def membership(self) -> "Membership | None":
        """Where this person works, the oldest first."""
        return _where_somebody_works.first(self.id)

    @cached_property
    def as_patient(self) -> "Patient | None":
        return _who_somebody_is.first(self.id)

    @property
    def role(self) -> str:
        """The one word for what this person is here: a `Role`, or `patient`, or nothing."""
        if self.membership:
            return self.membership.role
        return "patient" if self.as_patient else ""

    @property
    def unit(self) -> Unit | None:
        if self.membership:
            return self.membership.unit
        return self.as_patient.unit if self.as_patient else None

    @property
    def signature(self) -> Signature:
        return Signature(kind="person", id=self.id, name=self.name, role=self.role)


class Membership(Row):
    """A person's role at a unit."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["unit", "user"], condition=Q(ended_on=None), name="one_role_at_a_unit"),
        ]


class Sex(models.TextChoices):
    FEMALE = "female", _("Female")
    MALE = "male", _("Male")


class Patient(Row):
    """Somebody the unit follows."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="patients")
    user = models.OneToOneField(User, models.PROTECT, related_name="patient")
    number = models.CharField(max_length=40, help_text="The unit's own number for this person.")
    personal_number = models.CharField(max_length=20, blank=True)
    given_name = models.CharField(max_length=80)
    family_name = models.CharField(max_length=80)
    sort_key = models.CharField(max_length=180, db_index=True)
    born_on = models.DateField()
    sex = models.CharField(
        max_length=10, choices=Sex, blank=True, help_text="Blood values have limits that differ by it."
    )
    phone = models.CharField(max_length=20, blank=True, help_text="E.164")
    phone_shown = models.CharField(max_length=30, blank=True, help_text="As it was typed.")
    texts = models.BooleanField(default=True, help_text="The number takes texts and the person wants them.")
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=5, choices=Language, default=Language.SWEDISH)
    spoken_language = models.CharField(max_length=5, blank=True)
    interpreter = models.BooleanField(default=False)
    voicemail = models.BooleanField(default=False)
    good_to_know = models.CharField(
        max_length=200, blank=True, help_text="What a caller must know, such as a hearing aid."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "number"], name="patient_number_once_a_unit")]
        indexes = [
            models.Index("phone", "born_on", name="patient_by_phone"),
            models.Index(Lower("email"), "born_on", name="patient_by_email"),
            models.Index("unit", "sort_key", name="patients_in_order"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, *args, **kwargs):
        self.sort_key = sort_key(self.family_name, self.given_name)
        super().save(*args, **kwargs)

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def short_name(self) -> str:
        return f"{self.given_name[:1]}. {self.family_name}"

    @property
    def reachable_by(self) -> list[str]:
        """Channels by which a message reaches this person: `sms`, `email`, both or none."""
        return [*(["sms"] if self.phone and self.texts else []), *(["email"] if self.email else [])]

    @property
    def reach(self) -> str:
        """`""`, `phone_only` (no message reaches them) or `no_channel` (nor does a call)."""
        if self.reachable_by:
            return ""
        return "phone_only" if self.phone else "no_channel"

    def age_on(self, day: date) -> int:
        return day.year - self.born_on.year - ((day.month, day.day) < (self.born_on.month, self.born_on.day))


# Asked at the door of every request.


@prepared
def _where_somebody_works(user_id: UUID) -> models.QuerySet[Membership]:
    rows = Membership.objects.filter(user=user_id, ended_on=None).select_related("unit")
    return rows.order_by("created_at", "id")[:1]


@prepared
def _who_somebody_is(user_id: UUID) -> models.QuerySet[Patient]:
    return Patient.objects.filter(user=user_id).select_related("unit")


class Enrolment(Row):
    """A patient being followed in a programme, and the follow-up plan they chose together with the clinic."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="enrolments")
    programme = models.ForeignKey(Programme, models.PROTECT)
    diagnosis = models.CharField(max_length=20)
    diagnosis_code = models.CharField(max_length=10, blank=True, help_text="As the clinic's own system has it: K50.1")
    diagnosed_on = models.DateField(null=True, blank=True)
    last_contact_on = models.DateField(null=True, blank=True, help_text="With the clinic, before they came in here.")
    wishes_visits = models.BooleanField(default=False, help_text="Wants to see a clinician; such a wish always wins.")
    needs_support = models.BooleanField(default=False, help_text="What kind is in the patient's good_to_know.")
    group = models.CharField(max_length=40, blank=True, help_text="Blank: nobody has decided yet.")
    group_since_on = models.DateField(null=True, blank=True)
    group_why = models.CharField(max_length=200, blank=True)
    medicines = models.JSONField(default=list, help_text="Each as it is said: drug, strength, how often.")
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient"], condition=Q(ended_on=None), name="one_programme_at_a_time"),
        ]


class Token(Row):
    """A key for a program or a wall screen. Only its hash is kept; the key itself is shown once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    @staticmethod
    def digest_of(key: str) -> str:
        return hashlib.sha256(key.encode()).hexdigest()

    @staticmethod
    def new_key() -> str:
        return secrets.token_urlsafe(32)


from followup.people.signin import models as _signin  # noqa: E402, F401 - tables of this app, kept in its inner room
