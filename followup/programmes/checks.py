"""Reading a programme file and saying, place by place, what is wrong with it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ValidationError

from followup.programmes import gsm7
from followup.programmes.schema import RED_FLAG, Rules, clinical_entries
from followup.programmes.texts import Text, gaps, text

LANGUAGES = ("en", "sv")
MOST_BYTES = 2_000_000
OF_THE_CLINIC = {"clinic_name", "clinic_phone"}
TO_A_PATIENT = OF_THE_CLINIC | {"first_name", "link", "advice_line", "emergency"}
MESSAGES: dict[str, set[str]] = {
    "code": OF_THE_CLINIC | {"code", "minutes", "host"},
    "request-received": TO_A_PATIENT | {"call_by", "reference"},
    "time-kept": TO_A_PATIENT | {"time", "place"},
    "time-moved": TO_A_PATIENT | {"time", "place"},
    "time-missed": TO_A_PATIENT | {"call_by"},
    "slot-confirmed": TO_A_PATIENT | {"time", "place", "time_link", "bring"},
    "call-missed": TO_A_PATIENT | {"time"},
    "call-failed": TO_A_PATIENT,
    "promise-late": TO_A_PATIENT | {"call_by"},
    "slot-cancelled": TO_A_PATIENT | {"time"},
    "agreed": TO_A_PATIENT,
    "answered": TO_A_PATIENT,
    "reopened": TO_A_PATIENT | {"call_by"},
    "prescription-done": TO_A_PATIENT,
    "staff-escalation": {"clinic_name", "link", "reference"},
}
"""Every message the product sends, and the gaps each may have."""

ON_A_PAGE = OF_THE_CLINIC | {"emergency", "advice_line", "hours"}
LONG_VALUES = {
    "first_name": Text(en="Maria-Kristina"),
    "clinic_name": Text(en="Höglandsmottagningen"),
    "clinic_phone": Text(en="08-465 004 00"),
    "link": Text(en="https://followup.example.org/in"),
    "time_link": Text(en="https://followup.example.org/times/"),
    "bring": Text(en="Bring your identity card and a list of your medicines."),
    "advice_line": Text(en="1177"),
    "emergency": Text(en="112"),
    "host": Text(en="followup.example.org"),
    "code": Text(en="123456"),
    "minutes": Text(en="15"),
    "reference": Text(en="K7M-4XQ"),
    "call_by": Text(en="11:20am on Wednesday 23 September", sv="11:20 torsdag 24 september"),
    "time": Text(en="11:20am on Wednesday 23 September", sv="11:20 torsdag 24 september"),
    "place": Text(en="Eksjö, building 4, room 12", sv="Eksjö, byggnad 4, rum 12"),
}
"""The longest that is usual, to try the length of a text message with."""

OPTS_OUT = re.compile(r"\b(CANCEL|END|QUIT|STOP|STOPP|STOPALL|UNSUBSCRIBE|REVOKE|OPTOUT)\b")
"""Words that, sent back, make the carrier refuse us from then on: no text of ours may ask for them."""


@dataclass(frozen=True)
class Finding:
    """Something about a programme file: an error stops it, a warning is for a person to settle."""

    level: Literal["error", "warning"]
    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.level}: {self.path}: {self.words}" if self.path else f"{self.level}: {self.words}"


class Unreadable(ValueError):
    """A programme that cannot be used; `findings` say why."""

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__("\n".join(map(str, findings)))


def read(source: str | Path | Mapping) -> dict:
    """The plain data of a file or mapping, as JSON can hold it. Raises Unreadable."""
    try:
        raw = source if isinstance(source, Mapping) else _yaml(Path(source))
        if not isinstance(raw, Mapping):
            raise ValueError("a programme file is a mapping")
        return json.loads(json.dumps(raw, default=_plain, allow_nan=False))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise Unreadable([Finding("error", "", _one_line(error))]) from None


def parse(data: dict) -> Rules:
    """The programme as an object. Raises Unreadable with every error in it."""
    try:
        rules = Rules.model_validate(data)
    except ValidationError as error:
        raise Unreadable([Finding("error", _place(data, e["loc"]), _words(e)) for e in error.errors()]) from None
    if errors := list(inconsistencies(rules)):
        raise Unreadable(errors)
    return rules


def fingerprint(data: dict) -> str:
    """SHA-256 of the content, whatever its order and spacing."""
    plain = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def inconsistencies(rules: Rules) -> Iterator[Finding]:
    """What each entry allows by itself but the whole does not."""
    yield from _ids_twice(rules)
    yield from _names_without_entry(rules)
    yield from _outcomes_astray(rules)
    yield from _signatures_without_review(rules)
    yield from _page_texts(rules)
    yield from _messages(rules)


def warnings_about(rules: Rules, today: date) -> Iterator[Finding]:
    """What a person has still to do: sign, look again, translate."""
    for path, entry in clinical_entries(rules):
        if not entry.signed_off_by:
            yield Finding("warning", path, "not signed off by a clinician")
        elif entry.review_by and entry.review_by < today:
            yield Finding("warning", path, f"was to be looked at again by {entry.review_by}")
    for path, said in texts_in(rules):
        for language in LANGUAGES:
            if getattr(said, language) is None:
                yield Finding("warning", path, f"not translated ({language})")


def texts_in(entry: Any, path: str = "") -> Iterator[tuple[str, Text]]:
    """Every text with its place in the file."""
    if isinstance(entry, Text):
        yield path, entry
    elif isinstance(entry, BaseModel):
        for name in type(entry).model_fields:
            yield from texts_in(getattr(entry, name), f"{path}.{name}" if path else name)
    elif isinstance(entry, list):
        for item in entry:
            yield from texts_in(item, f"{path}[{getattr(item, 'id', '')}]")
    elif isinstance(entry, dict):
        for key, item in entry.items():
            yield from texts_in(item, f"{path}.{key}")


# Consistency


def _ids_twice(rules: Rules) -> Iterator[Finding]:
    for name in type(rules).model_fields:
        entries = getattr(rules, name)
        ids = [entry.id for entry in entries if hasattr(entry, "id")] if isinstance(entries, list) else []
        for id in sorted({id for id in ids if ids.count(id) > 1}):
            yield Finding("error", name, f"{id} stands here twice")


def _names_without_entry(rules: Rules) -> Iterator[Finding]:
    if rules.admission and rules.admission.visits_group not in {group.id for group in rules.groups}:
        yield Finding("error", "admission.visits_group", f"{rules.admission.visits_group} is not a group")
    queue, reasons = rules.queue, {reason.id for reason in rules.reasons}
    for name in ("holds_time", "nurse_in_charge_decides"):
        for id in getattr(queue, name):
            if id not in reasons | {RED_FLAG}:
                yield Finding("error", f"queue.{name}", f"{id} is neither a reason nor {RED_FLAG}")
    promised = set(queue.rung_within_open_hours) | set(queue.rung_within_working_days)
    used = {r.priority for r in rules.reasons} | {queue.red_flag_priority, queue.prescription_priority}
    for priority in sorted(used - promised):
        yield Finding("error", "queue", f"nothing says when priority {priority} is rung")
    for priority in sorted(set(queue.rung_within_open_hours) & set(queue.rung_within_working_days)):
        yield Finding("error", "queue", f"priority {priority} has two promises")


def _outcomes_astray(rules: Rules) -> Iterator[Finding]:
    for outcome in rules.outcomes:
        if (outcome.leaves == "with_clinician") != (outcome.within is not None):
            yield Finding("error", f"outcomes[{outcome.id}]", "`within` goes with leaving the case with_clinician")


def _signatures_without_review(rules: Rules) -> Iterator[Finding]:
    for path, entry in clinical_entries(rules):
        if entry.signed_off_by and not entry.review_by:
            yield Finding("error", path, "a signed entry says when it is looked at again (review_by)")


def _page_texts(rules: Rules) -> Iterator[Finding]:
    for path, said in texts_in(rules):
        if path.startswith("messages."):
            continue
        allowed = ON_A_PAGE if path.startswith(("emergency.", "while_waiting.")) else set()
        for language, template in _said(said):
            yield from _gaps_astray(f"{path}.{language}", template, allowed)


def _messages(rules: Rules) -> Iterator[Finding]:
    if rules.before_visit:
        for language, words in _said(rules.before_visit.text):
            yield from _seen_by_a_neighbour(rules, f"before_visit.text.{language}", words)
    for id in sorted(MESSAGES.keys() - rules.messages.keys()):
        yield Finding("error", "messages", f"{id} is missing")
    for id in sorted(rules.messages.keys() - MESSAGES.keys()):
        yield Finding("error", f"messages.{id}", "is not a message that is ever sent")
    for id in sorted(rules.messages.keys() & MESSAGES.keys()):
        for path, said in texts_in(rules.messages[id], f"messages.{id}"):
            for language, template in _said(said):
                yield from _message_astray(rules, id, f"{path}.{language}", template, language)


def _message_astray(rules: Rules, id: str, path: str, template: str, language: str) -> Iterator[Finding]:
    astray = list(_gaps_astray(path, template, MESSAGES[id]))
    yield from astray
    yield from _seen_by_a_neighbour(rules, path, template)
    if ".sms." not in path or astray:
        return
    if foreign := gsm7.outside(template):
        yield Finding("error", path, f"not in the alphabet of text messages: {foreign}")
    filled = template.format(**{name: text(value, language) for name, value in LONG_VALUES.items()})
    if (length := gsm7.length(filled)) >= gsm7.ONE_MESSAGE:
        yield Finding("error", path, f"{length} characters with usual long values, under {gsm7.ONE_MESSAGE} allowed")
    if keyword := OPTS_OUT.search(template):
        yield Finding(
            "error", path, f"whoever answers {keyword[0]} gets no more texts from us: give a link or a number"
        )
    if "{first_name}" in template.removeprefix("{first_name}, "):
        yield Finding("error", path, "{first_name}, stands at the very beginning, so that it can be left out")
    if id == "code" and template.splitlines()[-1] != "@{host} #{code}":
        yield Finding("error", path, "the last line is @{host} #{code}, by which a phone fills in the code")


def _seen_by_a_neighbour(rules: Rules, path: str, said: str) -> Iterator[Finding]:
    for word in rules.kept_out_of_messages:
        if re.search(rf"\b{re.escape(word)}", said, re.IGNORECASE):
            yield Finding("error", path, f"a neighbour may read this: leave out “{word}”")


def _gaps_astray(path: str, template: str, allowed: set[str]) -> Iterator[Finding]:
    try:
        unknown = sorted(set(gaps(template)) - allowed)
    except ValueError as error:
        yield Finding("error", path, f"braces: {error}")
        return
    for name in unknown:
        yield Finding(
            "error", path, f"{{{name}}} is not filled here" + (f", only {_listed(allowed)}" if allowed else "")
        )


def _said(said: Text) -> list[tuple[str, str]]:
    return [(language, value) for language in LANGUAGES if (value := getattr(said, language)) is not None]


def _listed(names: set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))


# Reading


class _Loader(yaml.SafeLoader):
    """YAML that refuses to let a second key of the same name silently win."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value:
            if key_node.value in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"“{key_node.value}” twice", key_node.start_mark)
            seen.add(key_node.value if isinstance(key_node.value, str) else None)
        return super().construct_mapping(node, deep)


def _yaml(path: Path) -> Any:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES:,} bytes")
    return yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)  # noqa: S506 - a SafeLoader


def _plain(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in a programme file: {value!r}")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return " ".join(str(error).split())


def _words(error: Mapping) -> str:
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known here"
        case _:
            given = error["input"]
            shown = f" (found {given!r})" if isinstance(given, str | int | float | bool | None) else ""
            return error["msg"].removeprefix("Value error, ") + shown


def _place(data: Any, loc: tuple) -> str:
    """A pydantic location as a path a person finds in the file: entries by their id, where they have one."""
    path, here = "", data
    for step in loc:
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
        if isinstance(step, int):
            name = here.get("id", step) if isinstance(here, Mapping) else step
            path += f"[{name}]"
        else:
            path += f".{step}" if path else str(step)
    return path
