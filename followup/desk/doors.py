"""The door of every page for staff: who comes in, and the frame around what they see."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from followup.core.errors import NotAllowed, Unknown
from followup.desk import badges
from followup.people.access import may, unit_of
from followup.people.models import User

SAVED = "desk_saved"


def staff_page(act: str) -> Callable:
    """A page for whoever may `act`. Nobody signed in: to the staff sign-in and back here; others 403; unknown rows 404."""

    def door(view: Callable) -> Callable:
        @wraps(view)
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _sign_in_first(request)
            if not may(request.user, act):
                raise PermissionDenied
            try:
                return view(request, *args, **kwargs)
            except Unknown as error:
                raise Http404 from error
            except NotAllowed as error:
                raise PermissionDenied from error

        inside.staff_page = act  # type: ignore[attr-defined]
        return inside

    return door


def _sign_in_first(request: HttpRequest) -> HttpResponse:
    live = bool(request.headers.get("HX-Request"))
    wanted = request.get_full_path() if request.method == "GET" and not live else reverse("staff_home")
    there = f"{reverse('account_login')}?{urlencode({'next': wanted})}"
    if live:
        # A part of a page must not become the sign-in page: the whole page goes there.
        return HttpResponse(status=204, headers={"HX-Redirect": there})
    return HttpResponseRedirect(there)


def show(request: HttpRequest, template: str, *, here: str = "", status: int = 200, **names: Any) -> HttpResponse:
    """A whole page, with the navigation and the note about what was just saved."""
    frame = {"here": here, "navigation": navigation(request.user), "saved": request.session.pop(SAVED, "")}
    return render(request, template, frame | names, status=status)


def part(request: HttpRequest, template: str, **names: Any) -> HttpResponse:
    """A piece of a page, for htmx."""
    return render(request, template, names)


def note(request: HttpRequest, sentence: str) -> None:
    """What the next page says in its green-edged note."""
    request.session[SAVED] = sentence


def navigation(user: User) -> list[dict[str, Any]]:
    """The menu of this person, with how many things wait behind each entry."""
    unit = unit_of(user)
    entries = [
        ("manage_times", "morning", _("Morning"), reverse("desk:morning"), None),
        ("answer_calls", "queue", _("Queue"), reverse("desk:queue"), None),
        ("hand_asks", "asks", _("Questions"), reverse("desk:asks"), lambda: badges.asks_for(user).count()),
        ("see_board", "board", _("Board"), reverse("desk:board"), None),
        ("see_patients", "patients", _("Patients"), reverse("desk:patients"), None),
        ("give_times", "clinic_list", _("Clinic list"), reverse("desk:clinic_day"), None),
        ("give_times", "sessions", _("Sessions"), reverse("desk:sessions"), None),
        ("look_after", "house", _("How it runs"), reverse("desk:house"), None),
        ("see_alerts", "alerts", _("Alerts"), reverse("desk:alerts"), lambda: badges.alerts(unit).count),
    ]
    return [
        {"id": id, "text": text, "href": href, "count": count() if count else 0}
        for act, id, text, href, count in entries
        if may(user, act)
    ]
