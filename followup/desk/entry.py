"""Where staff land after signing in."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from followup.people.models import Role

FIRST_PAGE = {
    Role.NURSE: "/desk/queue/",
    Role.COORDINATOR: "/desk/morning/",
    Role.CLINICIAN: "/desk/asks/",
    Role.WALL: "/wall/",
    Role.ADMINISTRATOR: "/desk/house/",
    "patient": "/",
}


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect("account_login")
    if request.user.role not in FIRST_PAGE:
        raise PermissionDenied
    return redirect(FIRST_PAGE[request.user.role])
