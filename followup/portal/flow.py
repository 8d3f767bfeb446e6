"""The questions of getting in touch, one a page: which page asks what, in which order, and what it makes of what was sent.

A draft has the shape of a request: {reason, message, answers, preferred}. What is right and wrong is `contacts.policy.checked` alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.http import QueryDict

from followup.contacts import policy
from followup.core.errors import Invalid
from followup.people.models import Patient
from followup.programmes.schema import Rules

Draft = dict[str, Any]

UNANSWERED = "-"
"""Stands in no list and is no number: what must be answered and was not is refused like any other wrong answer."""
NONE_OF_THESE = "none"


@dataclass(frozen=True)
class Page:
    """`fields` are the names under which the rules speak of what this page asks; the last part of each is its input."""

    name: str
    fields: tuple[str, ...]
    read: Callable[[QueryDict, Draft, Rules], Draft]
    answered: Callable[[Draft], bool]


def _read_now(post: QueryDict, draft: Draft, rules: Rules) -> Draft:
    ticked = post.getlist("red_flags")
    return _with(draft, "answers", red_flags=[] if ticked == [NONE_OF_THESE] else ticked or [UNANSWERED])


def _read_why(post: QueryDict, draft: Draft, rules: Rules) -> Draft:
    """Another reason asks other questions: answers to those that are no longer asked go."""
    reason = post.get("reason", "")
    asked = {"red_flags", "sooner", *_asks(rules, reason)}
    kept = {name: value for name, value in draft.get("answers", {}).items() if name in asked}
    return draft | {"reason": reason, "answers": kept}


def _read_visit(post: QueryDict, draft: Draft, rules: Rules) -> Draft:
    return _with(draft, "answers", sooner=post.get("sooner") or UNANSWERED)


def _read_what(post: QueryDict, draft: Draft, rules: Rules) -> Draft:
    asked = set(_asks(rules, draft.get("reason", ""))) - {"message"}
    typed = {name: post.get(name, "").strip() for name in asked}
    return _with(draft, "answers", **typed) | {"message": post.get("message", "").replace("\r\n", "\n")}


def _read_reach(post: QueryDict, draft: Draft, rules: Rules) -> Draft:
    wish = post.get("not_before", "").strip()
    return draft | {
        "preferred": {
            "phone": post.get("phone", "").strip() or UNANSWERED,
            "voicemail": "voicemail" in post,
            "interpreter": "interpreter" in post,
            **({"not_before": wish} if wish else {}),
        }
    }


def _with(draft: Draft, part: str, **values: Any) -> Draft:
    return draft | {part: draft.get(part, {}) | values}


def _asks(rules: Rules, reason: str) -> tuple[str, ...]:
    return next((tuple(each.asks) for each in rules.reasons if each.id == reason), ())


NOW = Page("now", ("answers.red_flags",), _read_now, lambda draft: "red_flags" in draft.get("answers", {}))
WHY = Page("why", ("reason",), _read_why, lambda draft: bool(draft.get("reason")))
VISIT = Page("visit", ("answers.sooner",), _read_visit, lambda draft: "sooner" in draft.get("answers", {}))
WHAT = Page(
    "what",
    ("message", "answers.since", "answers.medicine", "answers.days_left"),
    _read_what,
    lambda draft: "message" in draft,
)
REACH = Page(
    "reach",
    ("preferred.phone", "preferred.not_before"),
    _read_reach,
    lambda draft: "phone" in draft.get("preferred", {}),
)
PAGES = {page.name: page for page in (NOW, WHY, VISIT, WHAT, REACH)}


def in_order(*, visit_is_booked: bool) -> list[Page]:
    return [page for page in PAGES.values() if page is not VISIT or visit_is_booked]


def first_unanswered(draft: Draft, pages: Iterable[Page]) -> Page | None:
    return next((page for page in pages if not page.answered(draft)), None)


def errors_in(draft: Draft, rules: Rules, patient: Patient) -> dict[str, str]:
    """What the rules say against a draft, by their names of the fields."""
    try:
        checked(draft, rules, patient)
    except Invalid as invalid:
        return invalid.errors
    return {}


def checked(draft: Draft, rules: Rules, patient: Patient) -> policy.Request:
    """The draft as the request it would become. Raises `Invalid`."""
    return policy.checked(rules, patient.unit.country_codes, **{"reason": "", **draft})


def page_of(name: str) -> Page:
    """The page that asks for a field of the rules."""
    return next(page for page in PAGES.values() if name in page.fields)


def input_of(name: str) -> str:
    """answers.since → since"""
    return name.rpartition(".")[2]


def time_of_day(typed: str) -> time | None:
    """The time of day that stands in a draft, if it is one."""
    try:
        return time.fromisoformat(typed)
    except ValueError:
        return None
