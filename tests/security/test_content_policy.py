"""Every page, as everybody: a strict content security policy, and nothing on the page that it would have to forbid."""

import re
from html.parser import HTMLParser

import pytest

from tests import factories as make
from tests.security.test_every_address import addresses, filled, ids

__all__ = ["ids"]


class Inline(HTMLParser):
    """Collects what only `unsafe-inline` would let run: scripts and styles without the nonce, handlers, style attributes."""

    def __init__(self, nonce: str):
        super().__init__()
        self.nonce, self.found = nonce, []

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        runs = tag == "style" or (tag == "script" and not said.get("src") and said.get("type") != "application/json")
        if runs and said.get("nonce") != self.nonce:
            self.found.append(tag)
        for name, value in attributes:
            if name.startswith("on") or name == "style" or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"{tag} {name}={value}")


@pytest.fixture
def people_of(unit, karin, eva, doctor, anna):
    wall = make.people.add_staff(username="a-wall", name="Wall", role="wall", unit=unit, by=make.TESTS)
    return {"nobody": None, "patient": anna, "nurse": karin, "coordinator": eva, "clinician": doctor, "wall": wall}


@pytest.mark.parametrize("role", ["nobody", "patient", "nurse", "coordinator", "clinician", "wall"])
def test_no_page_needs_anything_inline(visitor, people_of, ids, role):
    client, pages, wrong = visitor(people_of[role]), 0, []
    for path in sorted({filled(path, ids) for path in addresses()}):
        if path in ("/sign-out/", "/api/v1/board/stream"):
            continue
        answer = client.get(path)
        if answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        pages += 1
        policy = answer.headers.get("Content-Security-Policy", "")
        nonce = re.search(r"'nonce-([^']+)'", policy)
        seen = Inline(nonce[1] if nonce else "none")
        seen.feed(answer.content.decode())
        for needed in (
            "default-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ):
            if needed not in policy:
                seen.found.append(f"policy without {needed}")
        if "unsafe" in policy:
            seen.found.append("policy with unsafe")
        wrong += [(path, each) for each in seen.found]
    assert not wrong
    assert pages > 5


def test_what_is_inline_is_found():
    seen = Inline("right")
    seen.feed(
        '<script nonce="right">1</script><script nonce="wrong">1</script><style>a{}</style><p style="x" onclick="y"><a href="javascript:z">'
    )
    assert seen.found == ["script", "style", "p style=x", "p onclick=y", "a href=javascript:z"]
