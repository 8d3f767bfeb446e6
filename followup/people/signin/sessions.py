"""How long a session lives, and that staff have a second factor. Both ask the house clock, not the cookie's."""

from datetime import datetime

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from followup.core import clock
from followup.people.models import Role, User
from followup.people.signin import places, policy

ALWAYS = {"set_language", "sign_out", "account_login", "account_reauthenticate", "account_inactive"}

BEFORE_ANYTHING_ELSE = {"stay_signed_in", "account_change_password"}

WITHOUT_PASSWORD = {"", "patient", Role.WALL}
"""Who has no business with passwords and second factors: to them those pages do not exist."""


def _is_about_passwords(name: str) -> bool:
    return name.startswith("mfa_") or name in ("account_change_password", "account_reauthenticate")


def not_a_use(view):
    """Mark a view that a page asks by itself (a poll, a stream): it keeps nobody signed in."""
    view.not_a_use = True
    return view


def call_open(view):
    """Mark the page of a call: while it is the last page somebody opened, a long talk does not sign them out."""
    view.call_open = True
    return view


class Sessions(MiddlewareMixin):
    """Ends sessions that were not used for too long, or are too old; leads staff without a second factor to set one up."""

    def process_view(self, request: HttpRequest, view, args, kwargs) -> HttpResponse | None:
        request.idle_seconds = request.session_ends_at = None
        user = request.user
        if not user.is_authenticated:
            return None
        if user.role in WITHOUT_PASSWORD and _is_about_passwords(request.resolver_match.url_name or ""):
            raise Http404
        if user.role == Role.WALL:
            return None
        at = clock.now()
        if places.SIGNED_IN_AT not in request.session:
            places.begin(request)
        ends_at = datetime.fromisoformat(request.session[places.SIGNED_IN_AT]) + policy.LONGEST
        seen = request.session.get(places.SEEN_AT)
        if at >= ends_at or (seen and at - datetime.fromisoformat(seen) > places.lives_unused(request.session, user)):
            return self._end(request, user)
        if at >= ends_at - policy.LONGEST_WARNED:
            request.session_ends_at = ends_at
        if not getattr(view, "not_a_use", False):
            request.session[places.SEEN_AT] = at.isoformat()
            self._note_the_page(request, view)
        request.idle_seconds = int(places.lives_unused(request.session, user).total_seconds())
        return self._own_password(request, user) or self._second_factor(request, user)

    def _note_the_page(self, request: HttpRequest, view) -> None:
        """Where somebody was, so that they come back there even when what they sent last was a form."""
        asked_for_a_page = (
            request.method == "GET" and "text/html" in request.headers.get("Accept", "") and not request.htmx
        )
        if asked_for_a_page:
            request.session["page"] = request.get_full_path()
            request.session["call_open"] = getattr(view, "call_open", False)

    def _end(self, request: HttpRequest, user: User) -> HttpResponse | None:
        patient = user.as_patient
        page = (
            request.get_full_path()
            if request.method == "GET" and not request.htmx
            else request.session.get("page", "/")
        )
        logout(request)
        if request.path.startswith("/api/") or request.resolver_match.url_name in ALWAYS:
            return None
        door = f"{reverse('sign_in' if patient else 'account_login')}?{urlencode({'next': page})}"
        if request.htmx:
            return HttpResponse(status=204, headers={"HX-Redirect": door})
        return redirect(door)

    def _own_password(self, request: HttpRequest, user: User) -> HttpResponse | None:
        """Whoever came in with a password that was made at the console chooses their own before anything else."""
        name = request.resolver_match.url_name or ""
        if user.password_given_at is None or name in ALWAYS | BEFORE_ANYTHING_ELSE:
            return None
        if request.path.startswith("/api/"):
            return HttpResponse(status=403)
        return redirect("account_change_password")

    def _second_factor(self, request: HttpRequest, user: User) -> HttpResponse | None:
        if not settings.FOLLOWUP_STAFF_MFA or not user.membership or is_mfa_enabled(user):
            return None
        name = request.resolver_match.url_name or ""
        if user.password_given_at or name in ALWAYS | BEFORE_ANYTHING_ELSE or name.startswith("mfa_"):
            return None
        if request.path.startswith("/api/"):
            return HttpResponse(status=403)
        return redirect("mfa_activate_totp")
