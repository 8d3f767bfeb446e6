"""Who calls: by a key of their own (`Authorization: Bearer KEY`), or from a page where they are signed in."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from followup.people.models import User
from followup.people.queries import user_of_key
from followup.people.signin import watch


class Asked(Request):
    """A call that has passed the door: somebody known makes it."""

    user: User


class Key(BaseAuthentication):
    """First in the list: its `WWW-Authenticate` is what makes a call without anybody 401 and not 403."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        scheme, _, key = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        user = user_of_key(key.strip())
        if user is None:
            raise AuthenticationFailed
        return user, "key"

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PageSession(SessionAuthentication):
    """The session of a page; whatever changes something needs the page's CSRF token."""

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied:
            watch.tell(watch.Event.CSRF_REFUSED, request._request)
            raise


class KeyInSchema(OpenApiAuthenticationExtension):
    target_class = "api.auth.Key"
    name = "key"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "A key made by `followup token USERNAME`."}


class PageSessionInSchema(OpenApiAuthenticationExtension):
    target_class = "api.auth.PageSession"
    name = "page"

    def get_security_definition(self, auto_schema):
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of a page. Calls that change something send its token as `X-CSRFToken`.",
        }
