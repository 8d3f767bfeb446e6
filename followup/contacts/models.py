"""A patient gets in touch: what they told us, once, in their own words."""

from django.db import models
from django.db.models import Q

from followup.cases.models import Case
from followup.core import clock
from followup.core.models import Row
from followup.people.models import Patient, User


class Channel(models.TextChoices):
    WEB = "web"
    PHONE = "phone"
    SMS = "sms"
    EMAIL = "email"
    PAPER = "paper"


class Contact(Row):
    """What hangs off a case of kind contact.

    `answers`: {red_flags: [ids], since, medicine, days_left, sooner}; `preferred`: {phone, not_before, not_after, voicemail, interpreter,
    language}. `see_by`: when somebody who feels worse must have been seen, None where nothing is promised or nothing can be.
    """

    case = models.OneToOneField(Case, models.CASCADE, related_name="contact")
    reason = models.CharField(max_length=20)
    message = models.TextField(blank=True)
    written_in = models.CharField(max_length=5, blank=True, help_text="The language the site was used in.")
    answers = models.JSONField(default=dict)
    preferred = models.JSONField(default=dict)
    channel = models.CharField(max_length=10, choices=Channel)
    received_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, help_text="Empty while only a red flag was ticked and nothing sent yet.")
    see_by = models.DateTimeField(null=True)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="followed_by", help_text="A flare-up of the same week."
    )

    added_to = False
    """Not a column: whether the verb that returned this contact added to one that was open already."""

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="contact_has_a_reason")]


class Addition(Row):
    """Something added to a request that was already sent."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="additions")
    text = models.TextField(blank=True)
    kind = models.CharField(
        max_length=20, default="words", help_text="words, red_flags, took_back, feels_better, free_now"
    )
    at = models.DateTimeField(default=clock.now)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")


class Draft(Row):
    """What a patient has typed so far: kept on the server, so that signing out never loses an answer."""

    patient = models.OneToOneField(Patient, models.CASCADE, related_name="draft")
    answers = models.JSONField(default=dict)
    changed_at = models.DateTimeField(default=clock.now)


class Cause(models.TextChoices):
    """Why somebody outside the page must be told."""

    RED_FLAG = "red_flag"
    AT_RISK = "at_risk"
    LATE = "late"
    TO_DECIDE = "to_decide"
    HELD_TIME_NEAR = "held_time_near"


class Escalation(Row):
    """Something that cannot wait until somebody opens a page: staff are told outside it, again and again, until it is taken."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="escalations")
    cause = models.CharField(max_length=20, choices=Cause)
    began_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    times_told = models.SmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, help_text="When it was taken, or nothing was left to take.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case", "cause"], condition=Q(ended_at=None), name="escalated_once_for_a_cause"
            ),
        ]
        indexes = [models.Index("began_at", name="escalations_open", condition=Q(ended_at=None))]
