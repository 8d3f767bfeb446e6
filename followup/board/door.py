"""Who may look at a board, and for how long: asked when a board is opened, and again while its stream is open."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.contrib.sessions.models import Session
from django.http import HttpRequest

from followup.core.errors import NotAllowed
from followup.people import access
from followup.people.models import Membership, Token, Unit, User

WALL_KEY = "wall_key"
"""Where the session of a wall screen keeps the digest of the key it came in by: when the key is revoked, the screen goes dark."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who looks at a board, and what their looking hangs on. `session` or `key` (a digest) may be empty."""

    user_id: UUID
    session: str = ""
    key: str = ""


def board_of(user: User) -> Unit:
    """The unit whose board this person may see. Raises `NotAllowed`."""
    access.require(user, "see_board")
    return access.unit_of(user)


def visitor_of(request: HttpRequest) -> Visitor:
    """Whoever sent this request; `request.user` must be signed in by a session."""
    session = request.session
    return Visitor(request.user.pk, session=session.session_key or "", key=session.get(WALL_KEY, ""))


def still_welcome(visitors: Iterable[Visitor]) -> set[Visitor]:
    """Those of them who may still look: not signed out, key not revoked, still at work here. Three reads for all."""
    visitors = set(visitors)
    if not visitors:
        return set()
    members = set(
        Membership.objects.filter(
            user__in={visitor.user_id for visitor in visitors},
            user__is_active=True,
            ended_on=None,
            role__in=access.MAY["see_board"],
        ).values_list("user_id", flat=True)
    )
    named = {visitor.session for visitor in visitors} - {""}
    # When a session has been idle for too long, the next page or row that its owner asks for ends it.
    sessions = set(Session.objects.filter(session_key__in=named).values_list("session_key", flat=True))
    digests = {visitor.key for visitor in visitors} - {""}
    keys = set(Token.objects.filter(digest__in=digests, revoked_at=None).values_list("digest", flat=True))
    return {
        visitor
        for visitor in visitors
        if visitor.user_id in members
        and (not visitor.session or visitor.session in sessions)
        and (not visitor.key or visitor.key in keys)
    }


def require_key_alive(request: HttpRequest) -> None:
    """Raises `NotAllowed` for a wall screen whose key was revoked after it came in."""
    key = request.session.get(WALL_KEY, "")
    if key and not Token.objects.filter(digest=key, revoked_at=None).exists():
        raise NotAllowed
