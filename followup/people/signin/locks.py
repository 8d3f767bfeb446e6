"""Whom the limits of signing in keep out at this moment: how many, never who."""

from datetime import timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Sum

from followup.core import clock
from followup.people.signin import policy
from followup.people.signin.models import Attempt, Try


def staff() -> int:
    """Names at one address under which a password was wrong too often, until the pause is over."""
    since = clock.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    tried = AccessAttempt.objects.filter(attempt_time__gt=since).order_by().values("username", "ip_address")
    wrong = tried.annotate(failures=Sum("failures_since_start"))
    return wrong.filter(failures__gte=settings.AXES_FAILURE_LIMIT).count()


def patients() -> int:
    """Telephone numbers and mail addresses for which another code may not be entered yet, after too many wrong ones."""
    at = clock.now()
    came_in = Attempt.objects.filter(address=OuterRef("attempt__address"), signed_in_at__gte=OuterRef("created_at"))
    wrong = Try.objects.filter(right=False, created_at__gt=at - policy.WRONG_WITHIN).exclude(Exists(came_in))
    free = policy.WRONG_FREE["address"]
    found = wrong.order_by().values("attempt__address").annotate(count=Count("id"), last=Max("created_at"))
    held = found.filter(count__gte=free).values_list("count", "last")
    return sum(policy.next_try_at(count, last, free, at) > at for count, last in held)
