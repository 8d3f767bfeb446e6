"""A language that nobody speaks: every marked text comes out accented and in brackets, so that what was never marked stands out."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from followup.running import catalogues

CODE = "xx"
ACCENTS = str.maketrans("aeiouyAEIOUYcnsz", "àëîõúýÀËÎÕÚÝçñšž")
KEPT_AS_IT_IS = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]+>|\{\w+\}|&\w+;)")

SPOKEN = ("aria-label", "alt", "title", "placeholder", "data-not-sent")
UNSEEN = ("script", "style", "svg", "template")
OF_DAYS_AND_TIMES = re.compile(
    r"(monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september"
    r"|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
    r"|today|tomorrow|yesterday|on|at|to|and|am|pm|midday|midnight|hours?|minutes?|days?|h|min|d|s)",
    re.IGNORECASE,
)
FORMS_OF_DATA = re.compile(
    r"\S+@\S+|https?://\S+|\b[0-9A-Z]{3}-[0-9A-Z]{3}\b|\b[A-ZÅÄÖ]{2} \d\d\b|\bT\d{5}\b|\d+(?:am|pm)\b"
    r"|\bEnglish\b|\bSvenska\b|\b[Ee]n\b"  # names of languages come with Babel, which does not know this one
)


def say(text: str) -> str:
    """`text` in that language: gaps and marks as they are, between single brackets."""
    pieces = KEPT_AS_IT_IS.split(text)
    return "[" + "".join(piece if n % 2 else piece.translate(ACCENTS) for n, piece in enumerate(pieces)) + "]"


def write_catalogue(folder: Path) -> None:
    """Everything that is marked, in that language, below `folder` as Django expects it."""
    said = Catalog(locale="en")
    for text in catalogues.extract():
        if text.id:
            string = say(text.id) if isinstance(text.id, str) else tuple(say(form) for form in text.id)
            said.add(text.id, string, context=text.context)
    place = folder / CODE / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "django.mo").open("wb") as file:
        write_mo(file, said)


def in_brackets(value: Any) -> Any:
    """The data of a programme with each text in brackets: {en: …} where it stands."""
    if isinstance(value, dict) and "en" in value and set(value) <= {"en", "sv"}:
        return {language: f"[{text}]" for language, text in value.items()}
    if isinstance(value, dict):
        # Messages are written in the language of the patient, not of the page; and a text message has its length.
        return {name: item if name == "messages" else in_brackets(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_brackets(item) for item in value]
    return value


class _Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.pieces: list[str] = []
        self.attributes: list[str] = []
        self.unseen: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in UNSEEN:
            self.unseen.append(tag)
        self.attributes += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag):
        if self.unseen and self.unseen[-1] == tag:
            self.unseen.pop()

    def handle_data(self, data):
        if not self.unseen:
            self.pieces.append(data)


def unmarked(html: str, data: list[str]) -> list[str]:
    """What a reader would see of a page that is neither a marked text nor data (`data`: names and words of people)."""
    seen = _Seen()
    seen.feed(html)
    said = ["\n".join(seen.pieces), *seen.attributes]
    return [line.strip() for text in said for line in _left_over(text, data).splitlines() if _says_something(line)]


def _left_over(text: str, data: list[str]) -> str:
    for known in sorted(data, key=len, reverse=True):
        text = text.replace(known, " ")
    before = None
    while before != text:
        before, text = text, re.sub(r"\[[^\[\]]*\]", " ", text)
    return FORMS_OF_DATA.sub(" ", text)


def _says_something(line: str) -> bool:
    return any(not OF_DAYS_AND_TIMES.fullmatch(word) for word in re.findall(r"[^\W\d_]+", line))
