"""The pages for what went wrong: named in urls.py as handler400, handler403, handler404 and handler500.

They ask nobody: the clinic's number comes from what this process showed last.
"""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from followup.context import last_seen_clinic
from followup.people.signin import watch


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A form that is too large or garbled."""
    return _page(400)


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(403)


def without_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The answer to a form without its CSRF token (`CSRF_FAILURE_VIEW`)."""
    watch.tell(watch.Event.CSRF_REFUSED, request)
    return _page(403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(404)


def broken(request: HttpRequest) -> HttpResponse:
    return _page(500)


def _page(status: int) -> HttpResponse:
    return HttpResponse(render_to_string(f"errors/{status}.html", {"clinic": last_seen_clinic()}), status=status)
