"""Where somebody is signed in: each session has a row of its own (django-allauth keeps them), so that it can be seen and ended."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from followup.core import clock, journal
from followup.core.journal import Signs
from followup.people.models import Role, User
from followup.people.signin import policy

SIGNED_IN_AT, SEEN_AT = "signed_in_at", "seen_at"
"""What a session knows of itself, by the house clock."""

# The first that fits: most browsers name others too.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox|FxiOS", "Firefox"),
    ("Chrome|CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Place:
    """One session of somebody. `browser` and `system` are names of products, empty where it does not say; `here` is the one that asks."""

    browser: str
    system: str
    since: datetime
    used_at: datetime
    here: bool


def begin(request: HttpRequest) -> None:
    """Somebody has just signed in by this request."""
    request.session[SIGNED_IN_AT] = clock.now().isoformat()
    UserSession.objects.create_from_request(request)


def renew(request: HttpRequest) -> None:
    """Somebody has shown again who they are: the session goes on under a new id, and the old one opens nothing."""
    request.session.cycle_key()
    UserSession.objects.create_from_request(request)


def lives_unused(session: Mapping[str, Any], user: User) -> timedelta:
    """How long this session of this person lives without use; `session` is what it holds."""
    if user.role == "patient":
        return policy.IDLE["patient"]
    return policy.IDLE["call" if session.get("call_open") else "staff"]


def places_of(user: User, *, here: str) -> list[Place]:
    """Where this person is signed in now, this place first, then the one used last. `here` is the id of the session that asks."""
    rows = {row.session_key: row for row in UserSession.objects.filter(user=user)}
    at, places = clock.now(), []
    for session in Session.objects.filter(session_key__in=rows):
        said, row = session.get_decoded(), rows[session.session_key]
        since = datetime.fromisoformat(said[SIGNED_IN_AT]) if SIGNED_IN_AT in said else row.created_at
        used_at = datetime.fromisoformat(said[SEEN_AT]) if SEEN_AT in said else since
        over = at - used_at > lives_unused(said, user) and user.role != Role.WALL
        # Unused for too long, or from before the password was changed: it opens nothing any more.
        if over or said.get(HASH_SESSION_KEY) != user.get_session_auth_hash():
            continue
        browser, system = _named(row.user_agent, BROWSERS), _named(row.user_agent, SYSTEMS)
        places.append(Place(browser, system, since, used_at, here=session.session_key == here))
    return sorted(places, key=lambda place: (place.here, place.used_at), reverse=True)


@transaction.atomic
def end_sessions(user: User, *, by: Signs, but: str = "") -> int:
    """Sign this person out everywhere, or everywhere but in the session `but`; how many places that were."""
    ended = sum(not place.here for place in places_of(user, here=but))
    rows = UserSession.objects.filter(user=user).exclude(session_key=but)
    Session.objects.filter(session_key__in=rows.values("session_key")).delete()
    rows.delete()
    journal.write(
        "sessions.ended",
        by=by,
        subject_id=user.id,
        unit_id=user.unit.id if user.unit else None,
        patient_id=user.as_patient.id if user.as_patient else None,
        count=ended,
    )
    return ended


def forget_ended() -> int:
    """Remove what is left of sessions that ended by themselves; how many rows of ours went."""
    SessionStore.clear_expired()
    return UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()[0]


def _named(user_agent: str, names: Iterable[tuple[str, str]]) -> str:
    return next((name for pattern, name in names if re.search(pattern, user_agent)), "")
