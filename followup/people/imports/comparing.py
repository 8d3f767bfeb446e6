"""A candidate beside whom the unit knows already: new, the same, changed, or too close for a program to decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from followup.people.imports.remarks import Remark, remark
from followup.people.imports.understanding import Candidate, Understood
from followup.people.models import Enrolment, Patient

NEW, SAME, CHANGED, CLOSE, REFUSED = "new", "same", "changed", "close", "refused"

OF_PATIENT = ("number", "personal_number", "given_name", "family_name", "born_on", "sex", "phone", "email")
OF_ENROLMENT = ("diagnosis", "diagnosis_code", "diagnosed_on", "medicines", "last_contact_on") + (
    "wishes_visits",
    "needs_support",
)
"""What a later list may put right. Language and what is good to know come in once: then they are the person's and the nurses'."""


@dataclass(frozen=True)
class Known:
    """Somebody who is known, with the columns that a list can speak of: from the database, or from an earlier line of the file."""

    says: Mapping[str, Any]
    patient_id: UUID | None = None
    line: int | None = None
    followed: bool = True

    @property
    def key(self) -> str:
        return self.says["number"].casefold()

    @property
    def birth(self) -> tuple:
        return (self.says["family_name"].casefold(), self.says["given_name"].casefold(), self.says["born_on"])


@dataclass(frozen=True)
class Judged:
    """One row of the list and what is to become of it. `changes` are the columns that are to be put right, with what the list says."""

    line: int
    verdict: str
    candidate: Candidate | None = None
    remarks: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    patient_id: UUID | None = None

    @property
    def reason(self) -> str:
        return "; ".join(map(str, self.remarks))


class Index:
    """Everybody known, found by number, by personal number, by name and birth date."""

    def __init__(self, people: Iterable[Known] = ()):
        self.by_number: dict[str, Known] = {}
        self.by_personal_number: dict[str, Known] = {}
        self.by_birth: dict[tuple, Known] = {}
        for known in people:
            self.add(known)

    def add(self, known: Known) -> None:
        self.by_number.setdefault(known.key, known)
        if known.says["personal_number"]:
            self.by_personal_number.setdefault(known.says["personal_number"], known)
        self.by_birth.setdefault(known.birth, known)


def known_of(patient: Patient, enrolment: Enrolment | None, programme_key: str) -> Known:
    """A patient of the unit as a list could tell of them."""
    says = {name: getattr(patient, name) for name in OF_PATIENT}
    says |= {name: getattr(enrolment, name, None) for name in OF_ENROLMENT}
    says["medicines"] = tuple(says["medicines"] or ())
    followed = enrolment is not None and enrolment.programme.key == programme_key
    return Known(says, patient.id, followed=followed)


def compare(rows: Iterable[Understood], known: Index) -> list[Judged]:
    """What is to become of each row, in the order of the file: an earlier line counts as known for the later ones."""
    earlier = Index()
    first: dict[int, Judged] = {}
    judged = []
    for row in rows:
        verdict = _judge(row, known, earlier, first)
        judged.append(verdict)
        if row.candidate and row.candidate.number.casefold() not in earlier.by_number:
            first[row.line] = verdict
            earlier.add(Known(_says(row.candidate), line=row.line))
    return judged


def _judge(row: Understood, known: Index, earlier: Index, first: Mapping[int, Judged]) -> Judged:
    someone = row.candidate
    if someone is None:
        return Judged(row.line, REFUSED, remarks=row.reasons)
    twin = earlier.by_number.get(someone.number.casefold()) or earlier.by_personal_number.get(someone.personal_number)
    if twin and _says(someone) == twin.says and first[twin.line].verdict != CLOSE:
        return Judged(row.line, SAME, someone)
    closeness, match = _closeness(someone, known)
    if not closeness and not match:
        # Only of those who would be new: whoever is known by number is told by it.
        closeness = _closeness(someone, earlier)[0]
    if not closeness and twin:
        closeness = remark("said_otherwise", line=twin.line)
    if closeness:
        return Judged(row.line, CLOSE, someone, (closeness,), row.warnings)
    if match is None:
        return Judged(row.line, NEW, someone, (), row.warnings)
    changes = changes_of(someone, match)
    return Judged(row.line, CHANGED if changes else SAME, someone, (), row.warnings, changes, match.patient_id)


def changes_of(someone: Candidate, match: Known) -> dict[str, Any]:
    """The columns in which the list differs from what is known. What a list does not say changes nothing."""
    return {
        name: value
        for name in OF_PATIENT + OF_ENROLMENT
        if name != "number"  # by which they were found
        and (value := getattr(someone, name)) is not None
        and value != match.says[name]
    }


def _closeness(someone: Candidate, known: Index) -> tuple[Remark | None, Known | None]:
    """Why a person must decide who this is, if one must; else the one it is, if it is anyone."""
    by_number = known.by_number.get(someone.number.casefold())
    by_own = known.by_personal_number.get(someone.personal_number) if someone.personal_number else None
    if by_number and by_own and by_number is not by_own:
        return remark("two_people"), None
    match = by_number or by_own
    if match is None:
        return _same_name(someone, known), None
    return _doubt(someone, match, by_number), match


def _same_name(someone: Candidate, known: Index) -> Remark | None:
    """Two people may share name and birth date; two personal numbers tell them apart."""
    birth = (someone.family_name.casefold(), someone.given_name.casefold(), someone.born_on)
    namesake = known.by_birth.get(birth)
    if namesake is None or (someone.personal_number and namesake.says["personal_number"]):
        return None
    return remark("same_name_and_birth")


def _doubt(someone: Candidate, match: Known, by_number: Known | None) -> Remark | None:
    changes = changes_of(someone, match)
    if by_number is None:
        return remark("other_number")
    if "born_on" in changes or (match.says["personal_number"] and "personal_number" in changes):
        return remark("other_person")
    if "family_name" in changes and "given_name" in changes:
        return remark("other_names")
    if "family_name" in changes and "phone" in changes:
        return remark("other_name_and_phone")
    if not match.followed:
        return remark("other_programme")
    return None


def _says(someone: Candidate) -> dict[str, Any]:
    return {name: getattr(someone, name) for name in OF_PATIENT + OF_ENROLMENT}
