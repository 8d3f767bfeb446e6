"""Opening a case and moving it. `move` is the only door between steps.

A verb that nobody calls to see whether it is refused sets no savepoint inside the transaction of another (`savepoint=False`): two round
trips less.
"""

import random
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from followup.cases.flows import FLOWS
from followup.cases.models import Ask, Case, Move
from followup.core import announce, clock, ids, journal, outbox
from followup.core.errors import NotAllowed, Refused
from followup.core.journal import Signs
from followup.core.reads import prepared
from followup.people.access import may, require
from followup.people.models import Patient, User
from followup.people.queries import clinicians_of, enrolment_of
from followup.programmes.models import Programme

TRIES_FOR_A_CODE = 20


class MoveNotAllowed(Refused):
    code = "move-not-allowed"
    words = _("The case cannot go from where it is to there.")


class NotInAProgramme(Refused):
    code = "not-in-a-programme"
    words = _("This person is not in a programme.")


class AlreadyAnswered(Refused):
    code = "already-answered"
    words = _("Somebody has already answered this.")


class NotAClinician(Refused):
    code = "not-a-clinician"
    words = _("Choose a clinician of this clinic.")


class ReasonMissing(Refused):
    code = "reason-missing"
    words = _("Write why: whoever reads the journal needs it.")


def programme_of(patient: Patient) -> Programme:
    """The version of the programme that the patient is in now. Raises `NotInAProgramme`."""
    enrolment = enrolment_of(patient)
    if enrolment is None:
        raise NotInAProgramme
    return enrolment.programme


@transaction.atomic(savepoint=False)
def open_case(
    *, patient: Patient, kind: str, by: Signs, due: datetime | None = None, programme: Programme | None = None
) -> Case:
    """A new case at the first step of its kind, in the version of the programme that the patient is in now.

    `programme`: that version, where the caller has read it. Raises `NotInAProgramme`.
    """
    at = clock.now()
    case = _with_a_code_of_its_own(
        Case(
            unit=patient.unit,
            patient=patient,
            programme=programme or programme_of(patient),
            kind=kind,
            reference=ids.new_reference(),
            step=FLOWS[kind].first,
            step_since=at,
            due=due,
            opened=at,
            changed_at=at,
        )
    )
    Move.objects.create(case=case, step_to=case.step, at=at)
    note_down(case, "case.opened", by=by, kind=kind, step=case.step)
    announce.case_on_commit(case.id, case.unit_id)
    return case


def lock(case_id: UUID | str) -> Case:
    """The case, locked until the end of the transaction: every verb of a case begins here, so that verbs come one after the other."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A lock belongs in a transaction.")
    case = _locked.first(UUID(str(case_id)))
    if case is None:
        raise Case.DoesNotExist
    if case.patient.unit_id == case.unit_id:
        case.patient.unit = case.unit  # one row, and its closed days are read once
    return case


@prepared
def _locked(case_id: UUID) -> QuerySet[Case]:
    rows = Case.objects.select_for_update(of=("self",), no_key=True).filter(id=case_id)
    return rows.select_related("unit", "patient", "programme")


def move(
    case: Case,
    to: str,
    *,
    by: Signs,
    due: datetime | None = None,
    why: str = "",
    outcome: str = "",
    by_hand: bool = False,
) -> Case:
    """Move a locked case to the step `to` with the promise `due`; to the step where it is, only the promise changes.

    `by_hand` is a person moving it aside from what the other rows say: the flow must mark the move so, and `why` is needed.
    """
    flow, came_from = FLOWS[case.kind], case.step
    if to != came_from and not flow.allows(came_from, to):
        raise MoveNotAllowed
    if by_hand and (came_from, to) not in flow.by_hand:
        raise MoveNotAllowed
    if by_hand and not (isinstance(by, User) and may(by, "move_cases")):
        raise NotAllowed
    if by_hand and not why.strip():
        raise ReasonMissing
    if (to, due) != (came_from, case.due):
        _move(case, to, by=by, due=due, why=why, outcome=outcome, by_hand=by_hand)
    return case


@transaction.atomic(savepoint=False)
def _move(case: Case, to: str, *, by: Signs, due: datetime | None, why: str, outcome: str, by_hand: bool) -> None:
    at, came_from = clock.now(), case.step
    case.due = None if to == "closed" else due
    if to != came_from:
        case.step, case.step_since = to, at
        case.closed = at if to == "closed" else None
        case.outcome = (outcome or case.outcome) if to == "closed" else ""
        if came_from == "closed" and Case.objects.open().filter(unit=case.unit_id, code=case.code).exists():
            case.code = _board_code(case.patient)  # somebody else bears it by now
        Move.objects.create(case=case, step_from=came_from, step_to=to, at=at, by_hand=by_hand)
        note_down(case, "case.moved", by=by, why=why, step_from=came_from, step_to=to, outcome=case.outcome)
    if to == "closed":
        case.at_risk_since, case.shortage = None, ""
    touch(case)


def touch(case: Case) -> None:
    """Save the case and have the boards reload it."""
    case.changed_at = clock.now()
    case.save()
    announce.case_on_commit(case.id, case.unit_id)


@transaction.atomic(savepoint=False)
def put_at_risk(case: Case, shortage: str, *, by: Signs) -> bool:
    """Say that the promise of this case cannot be kept unless somebody acts; False when that was said already."""
    if case.shortage == shortage:
        return False
    case.at_risk_since, case.shortage = case.at_risk_since or clock.now(), shortage
    touch(case)
    note_down(case, "case.at_risk", by=by, shortage=shortage)
    outbox.put("cases.at_risk", case_id=str(case.id))
    return True


@transaction.atomic(savepoint=False)
def out_of_risk(case: Case, *, by: Signs) -> None:
    if case.at_risk_since is None:
        return
    case.at_risk_since, case.shortage = None, ""
    touch(case)
    note_down(case, "case.out_of_risk", by=by)


@transaction.atomic
def ask(case: Case, kind: str, *, by: User, due: datetime, owner: User | None = None, note: str = "") -> Ask:
    """Leave something for a clinician (`owner`, or whoever of them takes it). Asking for the same twice adds to the first."""
    asked = Ask.objects.filter(case=case, kind=kind, answered_at=None).first()
    if asked:
        asked.note = "\n\n".join(filter(None, [asked.note, note]))
        asked.save(update_fields=["note"])
    else:
        asked = Ask.objects.create(case=case, kind=kind, owner=owner, due=due, note=note, asked_by=by)
    note_down(case, "case.asked", asked.id, by=by, kind=kind)
    return asked


@transaction.atomic
def answer(asked: Ask, *, by: User, words: str, way: str = "", to_patient: str = "") -> Ask:
    """A clinician answers what a call left for them."""
    asked = Ask.objects.select_for_update(no_key=True).get(id=asked.id)
    if asked.answered_at:
        raise AlreadyAnswered
    asked.answer, asked.answered_by, asked.answered_at = words, by, clock.now()
    asked.way, asked.to_patient = way, to_patient
    asked.save()
    note_down(asked.case, "case.answered", asked.id, by=by, kind=asked.kind, way=way)
    return asked


@transaction.atomic
def hand_ask(asked: Ask, *, to: User, by: User) -> Ask:
    """Somebody takes what a call left (`to` is themselves), or it is given to a colleague. What is theirs already stays theirs.

    Raises `AlreadyAnswered`, `NotAClinician`.
    """
    require(by, "hand_asks")
    lock(asked.case_id)
    asked = Ask.objects.select_for_update(no_key=True).select_related("case").get(id=asked.id)
    if asked.answered_at:
        raise AlreadyAnswered
    if not clinicians_of(asked.case.unit).filter(id=to.id).exists():
        raise NotAClinician
    if asked.owner_id == to.id:
        return asked
    asked.owner = to
    asked.save(update_fields=["owner"])
    note_down(asked.case, "case.ask_handed", asked.id, by=by, kind=asked.kind, to=str(to.id))
    return asked


@transaction.atomic
def want_meeting(case_id: UUID | str, wanted: bool, *, by: User) -> Case:
    """Mark that a planning meeting would help, or take the mark away."""
    require(by, "move_cases")
    case = lock(case_id)
    if case.meeting != wanted:
        case.meeting = wanted
        touch(case)
        note_down(case, "case.meeting_wanted" if wanted else "case.meeting_not_wanted", by=by)
    return case


def note_down(
    case: Case, verb: str, subject_id: UUID | None = None, *, by: Signs, why: str = "", **detail: str | int
) -> None:
    """A line about a case in the journal."""
    journal.write(
        verb,
        by=by,
        patient_id=case.patient_id,
        unit_id=case.unit_id,
        case_id=case.id,
        subject_id=subject_id,
        why=why,
        **detail,
    )


def _with_a_code_of_its_own(case: Case) -> Case:
    """Saved with a board code that nobody else bears, also where somebody with the same initials opens one in this very moment."""
    for _again in range(TRIES_FOR_A_CODE):
        case.code = _board_code(case.patient)
        try:
            with transaction.atomic():
                case.save(force_insert=True)
                return case
        except IntegrityError as error:
            if "board_code_once" not in str(error):
                raise
    raise RuntimeError("No board code was free.")


def _board_code(patient: Patient) -> str:
    """Initials and two digits that no other open case of the unit bears; three digits in a crowd."""
    initials = (patient.given_name[:1] + patient.family_name[:1]).upper()
    taken = set(Case.objects.open().filter(unit=patient.unit, code__startswith=initials).values_list("code", flat=True))
    free = [code for n in range(100) if (code := f"{initials} {n:02}") not in taken]
    return random.choice(free) if free else f"{initials} {random.randrange(100, 1000)}"  # noqa: S311  a label, no secret
