"""Where somebody is signed in, for patients and staff alike; and the way to sign out everywhere else."""

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from followup.people.models import Role
from followup.people.signin import places

ENDED = "places_ended"


def _has_a_password(request: HttpRequest) -> bool:
    """Patients have none, and whoever lost their telephone could not show another code."""
    return not request.user.as_patient


@require_http_methods(["GET", "HEAD", "POST"])
def signed_in(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    if request.user.role == Role.WALL:
        raise Http404
    return _places(request)


@reauthentication_required(allow_get=True, enabled=_has_a_password)
def _places(request: HttpRequest) -> HttpResponse:
    here = request.session.session_key or ""
    if request.method == "POST":
        request.session[ENDED] = places.end_sessions(request.user, by=request.user, but=here)
        return redirect("signed_in")
    ended = request.session.pop(ENDED, None)
    names = {
        "patient": request.user.as_patient,
        "places": places.places_of(request.user, here=here),
        "saved": "" if ended is None else _said(ended),
    }
    return render(request, "account/signed_in.html", names)


def _said(ended: int) -> str:
    words = ngettext("%(count)s other place was signed out.", "%(count)s other places were signed out.", ended)
    return words % {"count": ended}
