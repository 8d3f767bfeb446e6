"""Truths about the whole house."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from followup.cases.flows import FLOWS
from tests import factories as make

ROOT = Path(__file__).resolve().parents[1]
OURS = ("followup", "api", "worker")

# Pages and calls that need nobody to be signed in: signing in itself, what is said to everybody, and what proves itself otherwise.
PUBLIC = {
    "",
    "emergency/",
    "in",
    "language",
    "livez",
    "readyz",
    "metrics",
    "sign-in/",
    "sign-in/birth/",
    "sign-in/code/",
    "sign-in/new-code/",
    "sign-in/new-number/",
    "staff/sign-in/",
    "staff/not-active/",
    "stay-signed-in/",
    "demo/messages/",
    "api/v1/schema",
    "webhooks/twilio/status",
}
SAMPLES = {"uuid": str(uuid4()), "slug": "now", "str": "unknown", "int": "1", "path": "unknown"}


def every_address(patterns=None, before="") -> list[str]:
    """Each address of the product, with something in the place of its parameters."""
    found = []
    for each in patterns if patterns is not None else get_resolver().url_patterns:
        route = before + re.sub(r"<(\w+):\w+>", lambda kind: SAMPLES[kind[1]], str(each.pattern))
        if isinstance(each, URLResolver):
            found += every_address(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            found.append(re.sub(r"<\w+>", SAMPLES["str"], route))
    return found


@pytest.mark.django_db
def test_no_page_and_no_call_answers_a_stranger(client):
    make.a_unit()
    open_doors = []
    for address in every_address():
        if address in PUBLIC:
            continue
        for ask in (client.get, client.post):
            answer = ask(f"/{address}")
            turned_away = answer.status_code in (401, 403, 404, 405) or "sign-in" in answer.headers.get("Location", "")
            if not turned_away:
                open_doors.append(f"{ask.__name__} /{address}: {answer.status_code}")
    assert not open_doors, "\n".join(open_doors)


def test_the_public_list_names_only_what_is_there():
    assert set(every_address()) >= PUBLIC - {"metrics"}


def test_every_template_is_used():
    """By its whole name, or by a pattern such as f"errors/{status}.html" (then by a word for its last part)."""
    folder = ROOT / "templates"
    sources = [*folder.rglob("*.html"), *(path for name in OURS for path in (ROOT / name).rglob("*.py"))]
    said = "\n".join(path.read_text() for path in sources)
    patterns = set(re.findall(r'f"([\w/]+/)\{\w+\}\.html"', said))
    unused = []
    for path in folder.rglob("*.html"):
        name = str(path.relative_to(folder))
        by_pattern = f"{path.parent.relative_to(folder)}/" in patterns and re.search(rf"\b{path.stem}\b", said)
        of_allauth = name.startswith(("account/", "mfa/"))
        if f'"{name}"' not in said and not by_pattern and not of_allauth:
            unused.append(name)
    assert not unused


def test_every_page_asset_of_ours_is_used():
    folder = ROOT / "followup" / "static"
    said = "\n".join(
        path.read_text()
        for path in [*(ROOT / "templates").rglob("*.html"), *(ROOT / "followup").rglob("*.py"), *folder.rglob("*.js")]
    )
    unused = [path.name for path in folder.rglob("*") if path.is_file() and path.name not in said]
    assert not unused


def test_moments_end_in_at_and_days_in_on():
    """A case's own columns are named as in the design."""
    cases_own = {"Case.step_since", "Case.due", "Case.at_risk_since", "Case.opened", "Case.closed"}
    promises = {
        "not_before",
        "due",
        "window_start",
        "window_end",
        "lease_until",
        "choice_until",
        "see_by",
        "decide_since",
        "at",
    }
    astray = []
    for model in apps.get_models():
        if not model.__module__.startswith(OURS):
            continue
        for column in model._meta.get_fields():
            name = f"{model.__name__}.{column.name}"
            if isinstance(column, models.DateTimeField):
                fits = column.name.endswith("_at") or column.name in promises or name in cases_own
            elif isinstance(column, models.DateField):
                fits = column.name.endswith("_on") or name == "ClosedDay.day"
            else:
                continue
            if not fits and column.name not in ("last_login",):
                astray.append(name)
    assert not astray


def test_every_step_of_every_flow_can_be_reached_and_left():
    for flow in FLOWS.values():
        reached = {flow.first}
        while more := {to for step in reached for to in flow.moves[step]} - reached:
            reached |= more
        assert reached == set(flow.steps), flow.kind
        assert all(to in flow.steps for moves in flow.moves.values() for to in moves), flow.kind
        assert all(flow.allows(step, to) for step, to in flow.by_hand), flow.kind
