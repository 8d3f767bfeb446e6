"""Two calls: `plan` says what a list would do and writes nothing, `carry_out` does it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, Q
from django.db.models.functions import Lower
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from followup.core import clock, journal
from followup.core.errors import NotAllowed
from followup.core.journal import Signs
from followup.people import access
from followup.people import services as people
from followup.people.imports import policy, reading
from followup.people.imports.comparing import (
    CHANGED,
    CLOSE,
    NEW,
    OF_ENROLMENT,
    SAME,
    Index,
    Judged,
    Known,
    compare,
    known_of,
)
from followup.people.imports.remarks import Remark, remark
from followup.people.imports.understanding import Candidate, Ground, Understood, understand
from followup.people.models import Enrolment, Patient, Unit, User
from followup.programmes.models import Programme

AT_ONCE = 500
"""Rows a transaction: few enough that nobody waits for the lock, many enough that ten thousand take seconds."""
WHY = {policy.WISH: _("Own wish to see a clinician"), policy.SUPPORT: _("Support is at hand at visits")}


@dataclass(frozen=True)
class Plan:
    """What a list says, and what is to become of each of its rows; from `carry_out`, what became of it."""

    unit: Unit
    programme: Programme
    sha: str
    encoding: str
    unused: tuple[str, ...]
    rows: tuple[Judged, ...]

    def of(self, verdict: str) -> list[Judged]:
        return [row for row in self.rows if row.verdict == verdict]

    def count(self, verdict: str) -> int:
        return sum(row.verdict == verdict for row in self.rows)

    @property
    def warnings(self) -> list[tuple[int, Remark]]:
        return [(row.line, each) for row in self.rows for each in row.warnings]


def plan(data: bytes, *, unit: Unit, programme: Programme) -> Plan:
    """What bringing in this file would do. Nothing is written. Raises Unreadable."""
    sheet = reading.read(data)
    ground = Ground(programme.rules, unit.country_codes, unit.language, clock.now().astimezone(unit.zone).date())
    rows = [understand(row, sheet.fields, ground) for row in sheet.rows]
    known = _known_beside([row.candidate for row in rows if row.candidate], unit, programme)
    return Plan(
        unit=unit,
        programme=programme,
        sha=hashlib.sha256(data).hexdigest(),
        encoding=sheet.encoding,
        unused=tuple(sheet.unused),
        rows=tuple(compare(rows, Index(known))),
    )


def carry_out(plan: Plan, *, by: Signs) -> Plan:
    """Write the new and the changed; close matches and refused rows are left, and nobody is removed. Returns what became of each row.

    Whoever was brought in or changed since the plan was made is not written over: such a row comes back as same or as a close match. A
    second call changes nothing. Raises NotAllowed.
    """
    if isinstance(by, User):
        access.require(by, "bring_people_in")
        if access.unit_of(by) != plan.unit:
            raise NotAllowed
    became = {row.line: row for row in plan.rows}
    for batch in _batches([row for row in plan.rows if row.verdict in (NEW, CHANGED)]):
        became |= {row.line: row for row in _write(plan, batch, by)}
    done = replace(plan, rows=tuple(became.values()))
    with transaction.atomic():
        counts = Counter(row.verdict for row in done.rows)
        journal.write("patients.brought_in", by=by, unit_id=plan.unit.id, sha=plan.sha, rows=dict(counts))
    return done


@transaction.atomic
def _write(plan: Plan, batch: Sequence[Judged], by: Signs) -> list[Judged]:
    """One batch, judged again now that nobody else can bring people in to this unit."""
    Unit.objects.select_for_update(no_key=True).get(id=plan.unit.id)
    known = Index(_known_beside([row.candidate for row in batch], plan.unit, plan.programme))
    fresh = compare([Understood(row.line, row.candidate, (), row.warnings) for row in batch], known)
    now = [_still(planned, again) for planned, again in zip(batch, fresh, strict=True)]
    newcomers = [_newcomer(row.candidate, plan) for row in now if row.verdict == NEW]
    people.add_patients(unit=plan.unit, programme=plan.programme, by=by, people=newcomers)
    changed = [row for row in now if row.verdict == CHANGED]
    patients = Patient.objects.select_related("user").in_bulk([row.patient_id for row in changed])
    for row in sorted(changed, key=lambda row: row.patient_id):
        people.change_patient(patients[row.patient_id], by=by, **_put_right(row))
    return now


def _still(planned: Judged, again: Judged) -> Judged:
    """The row as planned if that is still what it would do."""
    if again.verdict == SAME:
        return replace(planned, verdict=SAME)
    if (again.verdict, again.patient_id, again.changes) == (planned.verdict, planned.patient_id, planned.changes):
        return planned
    return replace(planned, verdict=CLOSE, remarks=(remark("meanwhile"),))


def _newcomer(someone: Candidate, plan: Plan) -> dict[str, Any]:
    """What `people.add_patients` wants to know of somebody."""
    unit, rules = plan.unit, plan.programme.rules
    group, why = policy.first_group(someone, rules)
    with translation.override(unit.language):
        why = str(WHY[why]) if why else ""
    return {
        "number": someone.number,
        "personal_number": someone.personal_number or "",
        "given_name": someone.given_name,
        "family_name": someone.family_name,
        "born_on": someone.born_on,
        "sex": someone.sex or "",
        "phone": someone.phone_shown or "",
        "texts": someone.texts,
        "email": someone.email or "",
        "language": someone.language or unit.language,
        "spoken_language": someone.spoken_language or "",
        "interpreter": bool(someone.spoken_language),
        "good_to_know": someone.support or "",
        "diagnosis": someone.diagnosis,
        "group": group,
        "enrolment": {
            "diagnosis_code": someone.diagnosis_code,
            "diagnosed_on": someone.diagnosed_on,
            "medicines": list(someone.medicines or ()),
            "last_contact_on": someone.last_contact_on,
            "wishes_visits": bool(someone.wishes_visits),
            "needs_support": bool(someone.needs_support),
            "group_since_on": clock.now().astimezone(unit.zone).date() if group else None,
            "group_why": why,
        },
    }


def _put_right(row: Judged) -> dict[str, dict[str, Any]]:
    """The columns of patient and enrolment that a changed row puts right. The group is a decision, which no list changes."""
    enrolment = {name: value for name, value in row.changes.items() if name in OF_ENROLMENT}
    if "medicines" in enrolment:
        enrolment["medicines"] = list(enrolment["medicines"])
    columns = {name: value for name, value in row.changes.items() if name not in OF_ENROLMENT}
    if "phone" in columns:
        columns["phone_shown"] = row.candidate.phone_shown
        if not row.candidate.texts:
            columns["texts"] = False
    return {"columns": columns, "enrolment": enrolment}


def _known_beside(candidates: Sequence[Candidate], unit: Unit, programme: Programme) -> Iterator[Known]:
    """Patients of the unit who share a number, a personal number or a birth date with one of these."""
    at_hand = Enrolment.objects.filter(ended_on=None).select_related("programme")
    patients = (
        Patient.objects.filter(unit=unit)
        .alias(plain_number=Lower("number"))
        .filter(
            Q(plain_number__in={each.number.lower() for each in candidates})
            | Q(personal_number__in={each.personal_number for each in candidates if each.personal_number})
            | Q(born_on__in={each.born_on for each in candidates})
        )
        .prefetch_related(Prefetch("enrolments", at_hand, to_attr="at_hand"))
        .order_by("created_at", "id")
    )
    for patient in patients:
        yield known_of(patient, next(iter(patient.at_hand), None), programme.key)


def _batches(rows: Sequence[Judged]) -> Iterable[Sequence[Judged]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
