"""What `check --deploy` says of our own settings: a clinic must not go live with what tests and demonstrations need."""

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register(deploy=True)
def ready_for_patients(**_) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.FOLLOWUP_TESTING:
        found.append(
            Error("FOLLOWUP_TESTING is on: clocks can be turned and processes made to crash.", id="followup.E001")
        )
    if settings.FOLLOWUP_DEMO:
        found.append(Error("This is the demonstration: its log-ins and codes are for everybody.", id="followup.E002"))
    elif not settings.FOLLOWUP_STAFF_MFA:
        found.append(Warning("FOLLOWUP_STAFF_MFA is off: staff sign in with a password alone.", id="followup.W001"))
    return found
