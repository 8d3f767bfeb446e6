"""Programmes are checked, loaded and compared; a loaded version stays as it is."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import transaction

from followup.core import clock, journal
from followup.programmes import checks
from followup.programmes.checks import Finding, Unreadable
from followup.programmes.errors import ProgrammeChanged, ProgrammeInvalid
from followup.programmes.models import Programme, Text

SHIPPED = Path(__file__).parent / "shipped"


def check(source: str | Path | Mapping) -> list[Finding]:
    """Everything there is to say about a file: errors, or else warnings. Touches no database."""
    try:
        rules = checks.parse(checks.read(source))
    except Unreadable as error:
        return error.findings
    return list(checks.warnings_about(rules, clock.now().date()))


@transaction.atomic
def load(source: str | Path | Mapping, *, by: journal.Signs) -> Programme:
    """Make a version of a programme available. The same content again changes nothing.

    Raises ProgrammeInvalid, or ProgrammeChanged when the version is loaded with other content.
    """
    try:
        data = checks.read(source)
        rules = checks.parse(data)
    except Unreadable as error:
        raise ProgrammeInvalid(error.findings) from None
    sha = checks.fingerprint(data)
    programme, is_new = Programme.objects.get_or_create(
        key=rules.programme.id,
        version=rules.programme.version,
        defaults={"text": lambda: Text.objects.create(sha=sha, data=data), "signed": not rules.unsigned()},
    )
    if programme.text_id != sha:
        raise ProgrammeChanged
    if is_new:
        journal.write(
            "programme.loaded", by=by, subject_id=programme.id, key=programme.key, version=programme.version, sha=sha
        )
    return programme


def load_shipped(*, by: journal.Signs) -> list[Programme]:
    """Load every programme that comes with the product."""
    return [load(path, by=by) for path in sorted(SHIPPED.glob("*.yaml"))]


def diff(old: Mapping, new: Mapping) -> list[str]:
    """What changed between two programmes' data, one line a place: `- path: was`, `+ path: is`."""
    was, now = dict(_leaves(old)), dict(_leaves(new))
    lines = []
    for path in dict.fromkeys([*was, *now]):
        if was.get(path) != now.get(path):
            lines += [f"- {path}: {was[path]!r}"] if path in was else []
            lines += [f"+ {path}: {now[path]!r}"] if path in now else []
    return lines


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            name = item.get("id", place) if isinstance(item, Mapping) else place
            yield from _leaves(item, f"{path}[{name}]")
    else:
        yield path, value
