"""What somebody who watches over the house is told of: one log line for each, under a name that does not change.

`python -m followup.people.signin.watch` prints the list for docs/reference. Lines hold ids and keyed digests, never what was typed.
"""

import logging
import sys
from enum import StrEnum

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from followup.people.signin import policy

log = logging.getLogger("followup.security")


class Event(StrEnum):
    SIGNED_IN = "signin.done"
    SIGN_IN_FAILED = "signin.failed"
    LOCKED = "signin.locked"
    SIGN_IN_CHANGED = "signin.changed"
    KEY_REFUSED = "key.refused"
    ACCESS_REFUSED = "access.refused"
    NOT_FOUND = "access.not_found"
    CSRF_REFUSED = "csrf.refused"
    LIMIT_REACHED = "limit.reached"
    BAD_SIGNATURE = "webhook.bad_signature"
    GARBLED = "request.garbled"


MEANING = {
    Event.SIGNED_IN: "somebody signed in: by which `door` (staff, patient, wall), with which `factors`",
    Event.SIGN_IN_FAILED: "a wrong password, second factor, code or wall key; `who` is a digest of the name, or the attempt",
    Event.LOCKED: "a name, an address or a network has to wait after too many of those",
    Event.SIGN_IN_CHANGED: "a password or a second factor was changed; `what` says which",
    Event.KEY_REFUSED: "a call with no key, or one that is not good (401)",
    Event.ACCESS_REFUSED: "somebody asked for what their role may not (403)",
    Event.NOT_FOUND: "somebody signed in named a row that is not there, or is another's (404): many from one person are a search",
    Event.CSRF_REFUSED: "a form or call without the token of its page: a page elsewhere may have sent it",
    Event.LIMIT_REACHED: "too many codes or calls were asked for (429)",
    Event.BAD_SIGNATURE: "somebody spoke to a webhook in another's name",
    Event.GARBLED: "a request that no page of ours sends: too large, broken, for another host (400, 413)",
}
"""The whole list, for people and for alarms."""

OFTEN_HARMLESS = {Event.SIGNED_IN, Event.SIGN_IN_CHANGED, Event.NOT_FOUND}

BY_STATUS = {
    400: Event.GARBLED,
    401: Event.KEY_REFUSED,
    403: Event.ACCESS_REFUSED,
    413: Event.GARBLED,
    429: Event.LIMIT_REACHED,
}


def tell(event: Event, request: HttpRequest, **more: str) -> None:
    """Write the line. `more` are ids, digests and words of ours. Told once a request, by whoever knows best what it was."""
    if getattr(request, "was_told", False):
        return
    request.was_told = True  # type: ignore[attr-defined]
    user = _known(request)
    match = request.resolver_match
    line = {
        "event": event.value,
        "user": str(user.pk) if user is not None else None,
        "network": network_of(request),
        "method": request.method,
        "route": match.route if match else None,
        **more,
    }
    level = logging.INFO if event in OFTEN_HARMLESS else logging.WARNING
    log.log(level, event.value, extra={name: value for name, value in line.items() if value})


def answered(request: HttpRequest, status: int) -> None:
    """An answer goes out: a no that nobody has told of yet is told by its status."""
    event = BY_STATUS.get(status)
    if event:
        tell(event, request)
    elif status == 404 and _known(request) is not None and request.resolver_match and request.resolver_match.kwargs:
        tell(Event.NOT_FOUND, request)


def network_of(request: HttpRequest) -> str:
    """A digest of the network that a request came from: the beginning of the one that attempts of patients are kept with."""
    return _digest("followup.signin.network", policy.network_of(request.META.get("REMOTE_ADDR", "")))


def digest_of(name: str) -> str:
    """A digest of a user name that was typed: the same for the same name, and no way back without the server's key."""
    return _digest("followup.watch.name", name.casefold())


def _digest(salt: str, value: str) -> str:
    return salted_hmac(salt, value, algorithm="sha256").hexdigest()[:16]


def _known(request: HttpRequest):
    """Who asks, if that was found out on the way: nobody is looked up for a line in the log."""
    user = request.user if hasattr(request, "_cached_user") else None
    return user if user is not None and user.is_authenticated else None


def listed() -> str:
    """The list as a page for people."""
    rows = [
        f"| `{each}` | {'info' if each in OFTEN_HARMLESS else 'warning'} | {words} |" for each, words in MEANING.items()
    ]
    return "\n".join([HEAD, *rows, ""])


HEAD = """# What the log tells those who watch

Made by `python -m followup.people.signin.watch`. Each is a JSON line of the logger `followup.security`, with `event` and, where they are
known, `user` (an id), `network` (a keyed digest, the beginning of the one that attempts of patients are kept with), `method`, `route` and
`trace`. Nothing that was typed is in them. What often means no harm is of level info.

| event | level | what happened |
| --- | --- | --- |"""

if __name__ == "__main__":
    sys.stdout.write(listed())
