"""Attempts to sign in, codes and tries: the limits are counted from these rows, so no restart forgets them.

Matched and unmatched attempts leave the same rows. Addresses, birth dates and networks of strangers are kept only as keyed digests.
"""

from django.db import models

from followup.core.models import Row


class Attempt(Row):
    """Somebody at one browser says who they are."""

    browser = models.CharField(max_length=64, help_text="Digest of the secret in the browser's session.")
    claim = models.CharField(max_length=64, help_text="Keyed digest of address and birth date together.")
    address = models.CharField(max_length=64, help_text="Keyed digest of the telephone number or e-mail address.")
    network = models.CharField(max_length=64, help_text="Keyed digest of the network the request came from.")
    patient = models.ForeignKey(
        "people.Patient",
        models.CASCADE,
        null=True,
        related_name="+",
        help_text="Empty when nobody, or more than one, matched.",
    )
    signed_in_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "people_signin_attempt"
        indexes = [
            models.Index("claim", "created_at", name="signin_by_claim"),
            models.Index("address", "created_at", name="signin_by_address"),
            models.Index("network", "created_at", name="signin_by_network"),
            models.Index("created_at", name="signin_by_age"),
        ]


class Code(Row):
    """A code that was asked for. The code itself is never stored: it is worked out when it is sent and when it is checked."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="codes")
    channel = models.CharField(max_length=8)

    class Meta:
        db_table = "people_signin_code"


class Try(Row):
    """A code that was entered."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="tries")
    right = models.BooleanField()

    class Meta:
        db_table = "people_signin_try"
