"""A row becomes somebody, with what the file says of them; or the reasons why it does not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from babel import Locale
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from followup.people import phones
from followup.people.imports import personal_number
from followup.people.imports.reading import Row
from followup.people.imports.remarks import Remark, quoted, remark
from followup.people.models import Language, Sex
from followup.programmes.schema import Rules

OLDEST = 125
MOST_LINES = 20
FORMULA = ("=", "+", "-", "@")
NAMES = {
    "number": _("the patient number"),
    "given_name": _("the given name"),
    "family_name": _("the family name"),
    "born_on": _("the birth date"),
    "diagnosis": _("the diagnosis"),
    "diagnosed_on": _("the date of diagnosis"),
    "last_contact_on": _("the last contact"),
    "wishes_visits": _("the wish for visits"),
    "medicines": _("the list of medicines"),
}
LONGEST = {"number": 40, "given_name": 80, "family_name": 80}
YES = {"ja", "j", "yes", "y", "1", "x", "true", "sant"}
NO = {"nej", "n", "no", "0", "false", "falskt"}
FEMALE, MALE = {"k", "kvinna", "f", "female", "w", "woman"}, {"m", "man", "male"}


@dataclass(frozen=True)
class Ground:
    """What a row is understood against: the programme's rules, the countries and language of the unit, and the day it is."""

    rules: Rules
    country_codes: Sequence[int]
    language: str
    today: date


@dataclass(frozen=True)
class Candidate:
    """Somebody as the file tells of them. None: the file says nothing, and whatever is known stays."""

    number: str
    given_name: str
    family_name: str
    born_on: date
    diagnosis: str
    diagnosis_code: str
    personal_number: str | None = None
    sex: str | None = None
    phone: str | None = None
    phone_shown: str | None = None
    texts: bool = True
    email: str | None = None
    language: str | None = None
    spoken_language: str | None = None
    diagnosed_on: date | None = None
    medicines: tuple[str, ...] | None = None
    last_contact_on: date | None = None
    wishes_visits: bool | None = None
    needs_support: bool | None = None
    support: str | None = None


@dataclass(frozen=True)
class Understood:
    """A row as read: a candidate, or the reasons why there is none; and what a person should know of it."""

    line: int
    candidate: Candidate | None
    reasons: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()


class _Notes:
    """What is found wrong while a row is gone through."""

    def __init__(self) -> None:
        self.reasons: list[Remark] = []
        self.warnings: list[Remark] = []

    def refuse(self, code: str, **values: object) -> None:
        self.reasons.append(remark(code, **values))

    def warn(self, code: str, **values: object) -> None:
        self.warnings.append(remark(code, **values))


def understand(row: Row, fields: Sequence[str], ground: Ground) -> Understood:
    """What one row says. `fields` are the sheet's."""
    if shape := _shape(row, len(fields)):
        return Understood(row.line, None, (shape,))
    cells = {field: cell for field, cell in zip(fields, row.cells, strict=False) if field}
    notes = _Notes()
    for field, cell in cells.items():
        if not all(sign.isprintable() or sign == "\n" for sign in cell):
            notes.refuse("not_text", field=NAMES.get(field, field))
    if notes.reasons:
        return Understood(row.line, None, tuple(notes.reasons))
    known = _identity(cells, ground, notes) | _condition(cells, ground, notes)
    known |= _channels(cells, ground, notes) | _manner(cells, notes)
    if notes.reasons:
        return Understood(row.line, None, tuple(notes.reasons))
    return Understood(row.line, Candidate(**known), (), tuple(notes.warnings))


def _shape(row: Row, expected: int) -> Remark | None:
    if row.last_line - row.line > MOST_LINES:
        return remark("runs_on", last=row.last_line)
    if len(row.cells) < expected:
        return remark("cut_short", found=len(row.cells), expected=expected)
    if len(row.cells) > expected:  # even if the last are empty: what was split in two has moved the rest
        return remark("too_many_cells", found=len(row.cells), expected=expected)
    return None


def _identity(cells: dict[str, str], ground: Ground, notes: _Notes) -> dict:
    texts = {field: _text(cells.get(field, ""), field, notes) for field in ("number", "given_name", "family_name")}
    if texts["number"] and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ./_-]*", texts["number"]):
        notes.refuse("number_letters")
    born_on = _day(cells.get("born_on", ""), "born_on", ground, notes, required=True)
    own_number = None
    if born_on:
        _age(born_on, ground, notes)
        try:
            own_number = personal_number.read(typed, born_on) if (typed := cells.get("personal_number", "")) else None
        except personal_number.Wrong as wrong:
            notes.refuse(str(wrong))
    return {**texts, "born_on": born_on, "personal_number": own_number, "sex": _sex(cells.get("sex", ""), notes)}


def _text(cell: str, field: str, notes: _Notes) -> str:
    if not cell:
        notes.refuse("missing", field=NAMES[field])
    elif len(cell.casefold()) > LONGEST[field]:  # as it is sorted by: a ligature becomes its letters
        notes.refuse("too_long", field=NAMES[field], most=LONGEST[field])
    elif cell.startswith(FORMULA) or "\n" in cell:
        notes.refuse("not_text", field=NAMES[field])
    return cell


def _age(born_on: date, ground: Ground, notes: _Notes) -> None:
    today, admission = ground.today, ground.rules.admission
    age = today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
    if age > OLDEST:
        notes.refuse("too_old")
    elif admission and age < admission.from_age:
        notes.refuse("child", age=admission.from_age)


def _sex(cell: str, notes: _Notes) -> str | None:
    said = cell.casefold()
    if said in FEMALE:
        return Sex.FEMALE
    if said in MALE:
        return Sex.MALE
    if said:
        notes.warn("sex", found=quoted(cell))
    return None


def _condition(cells: dict[str, str], ground: Ground, notes: _Notes) -> dict:
    diagnosis, code = _diagnosis(cells.get("diagnosis", ""), ground.rules, notes)
    born_on = _parsed(cells.get("born_on", ""))
    days = {field: _day(cells.get(field, ""), field, ground, notes) for field in ("diagnosed_on", "last_contact_on")}
    if born_on and days["diagnosed_on"] and days["diagnosed_on"] < born_on:
        notes.refuse("before_birth", field=NAMES["diagnosed_on"])
    if all(days.values()) and days["last_contact_on"] < days["diagnosed_on"]:
        notes.warn("contact_before_diagnosis")
    medicines = tuple(filter(None, (each.strip() for each in re.split(r"[|\n]", cells.get("medicines", "")))))
    if any(len(each) > 200 for each in medicines):
        notes.refuse("too_long", field=NAMES["medicines"], most=200)
    return {"diagnosis": diagnosis, "diagnosis_code": code, "medicines": medicines or None, **days}


def _diagnosis(cell: str, rules: Rules, notes: _Notes) -> tuple[str, str]:
    """The programme's stratum and the code itself; a code belongs to the longest of the programme's codes that it begins with."""
    if not cell:
        notes.refuse("missing", field=NAMES["diagnosis"])
        return "", ""
    signs = cell.upper().replace(".", "").replace(" ", "")
    if not re.fullmatch(r"[A-Z][0-9]{2}[0-9A-Z]{0,4}", signs):
        notes.refuse("no_diagnosis_code", found=quoted(cell))
        return "", ""
    code = f"{signs[:3]}.{signs[3:]}".rstrip(".")
    within = [each for each in rules.diagnoses if signs.startswith(each.icd10.replace(".", ""))]
    if not within:
        notes.refuse("other_diagnosis", found=code)
        return "", code
    return max(within, key=lambda each: len(each.icd10)).id, code


def _channels(cells: dict[str, str], ground: Ground, notes: _Notes) -> dict:
    typed, email = cells.get("phone", ""), cells.get("email", "")
    phone = phones.parse(typed, ground.country_codes) if typed and len(typed) <= 30 else None
    texts = not phone or phones.takes_texts(phone)
    if typed and not phone:
        notes.warn("no_phone", found=quoted(typed))
    elif not texts:
        notes.warn("no_texts")
    if email and not _is_address(email):
        notes.warn("no_email")
        email = ""
    if not phone and not email:
        notes.warn("no_channel")
    return {"phone": phone, "phone_shown": typed if phone else None, "texts": texts, "email": email or None}


def _is_address(cell: str) -> bool:
    """An address, and not a formula that would act wherever the list is opened next."""
    if cell.startswith(FORMULA) or len(cell) > 254:
        return False
    try:
        validate_email(cell)
    except ValidationError:
        return False
    return True


def _manner(cells: dict[str, str], notes: _Notes) -> dict:
    """How the person speaks and is followed: language, wish, support."""
    support = cells.get("support", "").replace("\n", ", ")
    said = support.casefold()
    language = _language(cells.get("language", ""), notes)
    ours = language in Language.values
    return {
        "language": language if ours else None,
        "spoken_language": language if language and not ours else None,
        "wishes_visits": _yes_or_no(cells.get("wishes_visits", ""), "wishes_visits", notes),
        "needs_support": said not in NO if said else None,
        "support": support[:200] if said not in YES | NO and support else None,
    }


def _language(cell: str, notes: _Notes) -> str | None:
    if not cell:
        return None
    said = cell.casefold()
    code = said.split("-")[0].split("_")[0]
    names = _languages()
    found = code if code in names.values() else names.get(said)
    if not found:
        notes.warn("language", found=quoted(cell))
    return found


@cache
def _languages() -> dict[str, str]:
    """Codes of two or three letters by the languages' names in Swedish and English."""
    return {
        name.casefold(): code
        for ours in Language.values
        for code, name in Locale(ours).languages.items()
        if re.fullmatch(r"[a-z]{2,3}", code)
    }


def _yes_or_no(cell: str, field: str, notes: _Notes) -> bool | None:
    said = cell.casefold()
    if said in YES:
        return True
    if said in NO:
        return False
    if said:
        notes.warn("yes_no", field=NAMES[field], found=quoted(cell))
    return None


def _day(cell: str, field: str, ground: Ground, notes: _Notes, *, required: bool = False) -> date | None:
    if not cell:
        if required:
            notes.refuse("missing", field=NAMES[field])
        return None
    day = _parsed(cell)
    if day is None:
        notes.refuse("no_date", field=NAMES[field], found=quoted(cell))
    elif day > ground.today:
        notes.refuse("future", field=NAMES[field])
        return None
    return day


def _parsed(cell: str) -> date | None:
    """A date that can be read in one way only: year first, or day first with dots; the time of day that some systems add is left out."""
    plain = re.sub(r"[T ]00:00(:00(\.0+)?)?$", "", cell)
    parts = re.fullmatch(r"(\d{4})([-/.]?)(\d{2})\2(\d{2})", plain, re.ASCII)
    swedish = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", plain, re.ASCII)
    try:
        if parts:
            return date(int(parts[1]), int(parts[3]), int(parts[4]))
        return date(int(swedish[3]), int(swedish[2]), int(swedish[1])) if swedish else None
    except ValueError:
        return None
