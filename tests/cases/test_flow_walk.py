"""The flow of every kind, walked whole: every step, every other step, every role; by the automatic door and by hand."""

import itertools

import pytest
from django.db import transaction

from followup.cases import services as cases
from followup.cases.flows import FLOWS
from followup.cases.models import Case, Move
from followup.core import clock
from followup.core.errors import NotAllowed
from followup.core.journal import System
from followup.core.models import Entry
from followup.people import services as people
from tests import factories as make

pytestmark = pytest.mark.django_db

STEPS = {
    "contact": "received call_booked ringing unreached with_clinician clinic_time closed",
    "review": "invited ready call_booked ringing unreached with_clinician visit closed",
    "visit": "due booked attended missed closed",
    "referral": "received triaged booked seen grouped closed",
    "stay": "admitted in_treatment ready_to_leave left closed",
}
"""The ids of the design, which others rely on."""

PEOPLE = ("patient", "nurse", "clinician", "coordinator", "wall", "system", "administrator")
MOVES_BY_HAND = {"nurse", "clinician", "coordinator"}
SWEEPER = System("sweeper")


def test_the_steps_are_those_that_others_rely_on():
    assert {kind: " ".join(flow.steps) for kind, flow in FLOWS.items()} == STEPS


def everybody(unit, patient):
    known = {"patient": patient.user, "sweeper": SWEEPER}
    for role in PEOPLE[1:]:
        known[role] = people.add_staff(
            username=f"{role}-{unit.id.hex[:8]}", name=role.title(), role=role, unit=unit, by=make.TESTS
        )
    return known


def standing_at(case, step):
    """The case as if its rows had led it here."""
    closed = clock.now() if step == "closed" else None
    Case.objects.filter(id=case.id).update(step=step, closed=closed, due=None, outcome="")
    return cases.lock(case.id)


def tried(case, step, to, **how):
    """What became of it: the step where the case stands and how many moves were written, or the refusal; then all is as before."""
    with transaction.atomic():
        try:
            moved = cases.move(standing_at(case, step), to, **how)
            said = moved.step
        except (cases.MoveNotAllowed, cases.ReasonMissing, NotAllowed) as refusal:
            said = (refusal.code, str(refusal))
        case.refresh_from_db()
        found = said, case.step, Move.objects.filter(case=case, step_from=step, step_to=to).count()
        transaction.set_rollback(True)
    return found


NO_SUCH_MOVE = ("move-not-allowed", "The case cannot go from where it is to there.")
NO_REASON = ("reason-missing", "Write why: whoever reads the journal needs it.")
NOT_YOU = ("not-allowed", "You do not have access to this.")


@pytest.mark.parametrize("kind", FLOWS)
def test_every_move_is_allowed_or_refused_as_the_table_says(kind):
    flow, unit = FLOWS[kind], make.a_unit()
    patient = make.a_patient(unit)
    case = cases.open_case(patient=patient, kind=kind, by=make.TESTS)
    everyone, squares = everybody(unit, patient), list(itertools.product(flow.steps, (*flow.steps, "nowhere")))
    # The automatic door: what the rows say. Who may change them is asked by each verb, so it opens alike for a person and for none.
    for (step, to), by in itertools.product(squares, (SWEEPER, everyone["nurse"])):
        passes = to == step or to in flow.moves[step]
        expected = (to, to, int(to != step)) if passes else (NO_SUCH_MOVE, step, 0)
        assert tried(case, step, to, by=by) == expected, (step, to, by)

    # By hand: a move so marked, a person who may, a reason.
    for (step, to), (role, by) in itertools.product(squares, everyone.items()):
        marked, may = (step, to) in flow.by_hand, role in MOVES_BY_HAND
        refused = NO_SUCH_MOVE if not marked else NOT_YOU if not may else None
        said = tried(case, step, to, by=by, by_hand=True, why="she asked for it")
        assert said == ((refused, step, 0) if refused else (to, to, 1)), (role, step, to)
        for no_why in ("", "  ") if marked or role == "nurse" else ():
            said = tried(case, step, to, by=by, by_hand=True, why=no_why)
            assert said == (refused or NO_REASON, step, 0), (role, step, to)


def test_a_move_by_hand_says_so_and_why():
    unit = make.a_unit()
    nurse = make.a_nurse(unit)
    case = cases.open_case(patient=make.a_patient(unit), kind="stay", by=make.TESTS)
    cases.move(cases.lock(case.id), "in_treatment", by=nurse, by_hand=True, why="the ward rang")
    move = Move.objects.get(case=case, step_to="in_treatment")
    assert move.by_hand
    line = Entry.objects.get(verb="case.moved", case_id=case.id)
    assert (line.why, line.actor_name) == ("the ward rang", nurse.name)
