"""The bytes of a file become a heading and rows, whatever program wrote them.

A clinic's system exports what it exports: UTF-8 with or without a mark, Windows-1252, Latin-1; commas, semicolons or tabs. What cannot be
told for certain is refused rather than guessed: a name that is read wrong stands in a record for years.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import charset_normalizer
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followup.core.errors import Refused
from followup.people.imports.headings import REQUIRED, SYNONYMS, field_of

MOST_ROWS = 10_000
MOST_BYTES = 20_000_000
SEPARATORS = ";,\t|"
WESTERN = ("cp1252", "latin_1", "iso8859_15", "cp850", "mac_roman")
"""What Swedish and English systems write when it is not UTF-8, the likeliest first."""


class Unreadable(Refused):
    """The file as a whole cannot be used, and nothing of it was. The words say what to do."""

    code = "file-unreadable"
    words = gettext_lazy("This file cannot be read as a list.")


@dataclass(frozen=True)
class Row:
    """One row: `line` and `last_line` are where it stands in the file, from 1; `cells` in the order of the headings."""

    line: int
    last_line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A file as rows. `fields` names what each column holds, "" for a column we have no use for."""

    encoding: str
    separator: str
    headings: tuple[str, ...]
    fields: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def unused(self) -> list[str]:
        return [name for name, field in zip(self.headings, self.fields, strict=True) if name and not field]


def read(data: bytes) -> Sheet:
    """A file's bytes as a sheet. Raises Unreadable."""
    if len(data) > MOST_BYTES:
        raise Unreadable(_("This file is too large for a list of patients. Split it and bring in one part at a time."))
    text, encoding = decode(data)
    separator, skipped = _separator(text)
    lines = _rows(text, separator, skipped)
    head = next(lines, None)
    if head is None:
        raise Unreadable(_("This file is empty."))
    fields = tuple(map(field_of, head.cells))
    _check(head.cells, fields)
    rows = []
    for row in lines:
        rows.append(row)
        if len(rows) > MOST_ROWS:
            raise Unreadable(
                _("This file has more than %(most)s rows. Split it and bring in one part at a time.")
                % {"most": MOST_ROWS}
            )
    return Sheet(encoding, separator, head.cells, fields, tuple(rows))


# Characters


def decode(data: bytes) -> tuple[str, str]:
    """The text and the name of the encoding it was read as. Raises Unreadable."""
    for mark, marked in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return _as(data, marked), marked
    try:
        text, encoding = data.decode(), "utf-8"
    except UnicodeDecodeError:
        if re.search(rb"\xc3[\x80-\xbf]", data):
            # A letter of UTF-8 in a file that is not UTF-8: half of the names would come out wrong.
            raise Unreadable(_("This file mixes two encodings. Save it again as UTF-8.")) from None
        encoding = _western(data)
        text = _as(data, encoding)
    if "\0" in text:
        raise Unreadable(_("This is not a text file. Save the list as CSV."))
    return text, encoding


def _as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable(_("Some characters in this file are broken. Save it again as UTF-8.")) from None


def _western(data: bytes) -> str:
    """The Western encoding that makes sense of these bytes.

    Windows-1252 wherever it may be: between it and its cousins the detector goes by the frequency of letters, which in a list of names
    says little. Another only where Windows-1252 makes no sense at all.
    """
    found = list(charset_normalizer.from_bytes(data, cp_isolation=list(WESTERN)))
    possible = {name for match in found for name in match.could_be_from_charset}
    best = "cp1252" if "cp1252" in possible or not found else min(found, key=lambda match: match.chaos).encoding
    try:
        data.decode(best)
    except UnicodeDecodeError:  # a few bytes are no letter in Windows-1252
        return "latin_1"
    return best


# Rows


def _separator(text: str) -> tuple[str, int]:
    """What stands between the cells, and how many lines come before the headings.

    It is whichever makes the most known headings of the first line; Excel may name it on a line of its own, `sep=;`.
    """
    first, skipped = next(_lines(text), ""), 0
    if named := re.fullmatch(r"sep=(.)", first.strip("\r\n")):
        return named[1], 1

    def known(separator: str) -> int:
        cells = next(csv.reader([first], delimiter=separator), []) if first.strip() else []
        return sum(bool(field_of(cell)) for cell in cells)

    try:
        return max(SEPARATORS, key=known), skipped
    except csv.Error:
        raise Unreadable from None


def _lines(text: str) -> Iterator[str]:
    return iter(io.StringIO(text, newline=""))


def _rows(text: str, separator: str, skipped: int) -> Iterator[Row]:
    """Every row that is not blank. Raises Unreadable."""
    lines = _lines(text)
    for _line in range(skipped):
        next(lines, None)
    try:
        reader = csv.reader(lines, delimiter=separator)
        before = 0
        for found in reader:
            cells = tuple(map(_clean, found))
            if any(cells):
                yield Row(skipped + before + 1, skipped + reader.line_num, cells)
            before = reader.line_num
    except (csv.Error, TypeError, ValueError) as error:
        raise Unreadable(_("The rows of this file cannot be told apart. Save it again as CSV.")) from error


def _clean(cell: str) -> str:
    """One way to write each letter, and no space of any kind at the ends or doubled; lines within a cell stay lines."""
    lines = unicodedata.normalize("NFC", cell).splitlines()
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def _check(headings: tuple[str, ...], fields: tuple[str, ...]) -> None:
    missing = [field for field in REQUIRED if field not in fields]
    twice = sorted({name for name, field in zip(headings, fields, strict=True) if field and fields.count(field) > 1})
    if not missing and not twice:
        return
    found = ", ".join(heading[:40] for heading in headings[:30])
    if missing:
        expected = ", ".join(SYNONYMS[field][0] for field in REQUIRED)
        raise Unreadable(
            _("The first line must name the columns. Expected at least: %(expected)s. Found: %(found)s.")
            % {"expected": expected, "found": found}
        )
    raise Unreadable(
        _("Two columns say the same: %(twice)s. Leave one of them out.") % {"twice": ", ".join(twice)[:200]}
    )
