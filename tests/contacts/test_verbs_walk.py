"""Every verb of a contact, at every step, by every role: where the case stands afterwards, or which no is said."""

from datetime import timedelta

import pytest
from django.db import transaction

from followup.cases.models import Ask, Case
from followup.clinic.models import Appointment
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of
from followup.core import clock
from followup.core.errors import Refused
from followup.people import services as people
from tests import factories as make

pytestmark = pytest.mark.django_db

STEPS = ["received", "call_booked", "ringing", "unreached", "with_clinician", "clinic_time", "closed"]
ROLES = ("patient", "nurse", "colleague", "clinician", "coordinator", "wall", "system", "administrator")
TUESDAY = make.date(2026, 11, 24)
OVER = "call-already-ended"
IS_OVER = f"{OVER} {OVER} {OVER}"

# verb: who may; then the answer at each step (in the order of STEPS): a step, the code of a no, or `-` where there is nothing to do it
# with. `nurse` alone: what is done with the call that one has; a colleague and the coordinator may too, but not while the nurse has it.
TABLE = {
    "receive": (
        "patient nurse colleague clinician coordinator",
        "received call_booked ringing unreached call_booked call_booked closed",
    ),
    "add": (
        "patient nurse colleague clinician coordinator",
        "received call_booked ringing unreached call_booked call_booked nothing-open",
    ),
    "warn": (
        "patient nurse colleague clinician coordinator",
        "received call_booked ringing unreached call_booked call_booked closed",
    ),
    "dial": ("nurse", f"ringing ringing ringing ringing {IS_OVER}"),
    "give_back": ("nurse", f"received call_booked call_booked unreached {IS_OVER}"),
    "take_over": ("nurse colleague coordinator", f"received call_booked ringing unreached {IS_OVER}"),
    "hand_over": ("nurse", f"received call_booked call_booked unreached {IS_OVER}"),
    "put_off": ("nurse", f"received call_booked call_booked unreached {IS_OVER}"),
    "needs_a_time": ("nurse", f"received call_booked ringing unreached {IS_OVER}"),
    "log_call": (
        "nurse colleague coordinator",
        "received call_booked ringing unreached call_booked call_booked closed",
    ),
    "finish all_well": ("nurse", f"closed closed closed closed {OVER} {OVER} closed"),
    "finish self_care": ("nurse", f"closed closed closed closed {IS_OVER}"),
    "finish clinic_time": ("nurse", f"clinic_time clinic_time clinic_time clinic_time {OVER} clinic_time {OVER}"),
    "finish clinician_asked": (
        "nurse",
        f"with_clinician with_clinician with_clinician with_clinician with_clinician {OVER} {OVER}",
    ),
    "finish prescription": ("nurse", f"with_clinician with_clinician with_clinician with_clinician {IS_OVER}"),
    "finish no_answer": ("nurse", f"unreached unreached unreached unreached {IS_OVER}"),
    "answer_ask": ("clinician", "- - - - closed - -"),
    "reopen": (
        "nurse colleague clinician coordinator",
        "not-finished not-finished not-finished not-finished not-finished not-finished with_clinician",
    ),
    "move_by_hand": (
        "nurse colleague clinician coordinator",
        "not-finished not-finished not-finished not-finished not-finished not-finished with_clinician",
    ),
    "give_time": (
        "patient nurse colleague clinician coordinator",
        "received call_booked ringing unreached with_clinician clinic_time request-closed",
    ),
    "no_time_suits": (
        "patient nurse colleague clinician coordinator",
        "received call_booked ringing unreached call_booked call_booked request-closed",
    ),
    "cancel_time": (
        "patient nurse colleague clinician coordinator",
        "- call_booked ringing unreached call_booked call_booked closed",
    ),
    "mark attended": (
        "nurse colleague clinician coordinator",
        "- time-ended time-ended time-ended time-ended closed time-ended",
    ),
    "mark missed": (
        "nurse colleague clinician coordinator",
        "- time-ended time-ended time-ended time-ended call_booked time-ended",
    ),
}
"""What the words of the design come to."""


def verbs(world):
    """Each verb as a call with what it needs; None where there is nothing to do it with."""
    case, call, ask, time = world["case"], world["call"], world["ask"], world["time"]
    patient, doctor, slot = world["anna"], world["clinician"], world["slot"]
    nurse, colleague = world["nurse"], world["colleague"]
    said = {
        "all_well": {},
        "self_care": {"call_again_on": TUESDAY},
        "clinic_time": {"slot": slot},
        "clinician_asked": {"to": doctor, "note": "MRI?"},
        "prescription": {},
        "no_answer": {},
    }

    def finish(outcome):
        return lambda by: contacts.finish(call, by=by, outcome=outcome, **said[outcome])

    later = clock.now() + timedelta(hours=2)
    return {
        "receive": lambda by: contacts.receive(patient=patient, by=by, reason="flare", message="Worse than yesterday."),
        "add": lambda by: contacts.add(patient=patient, by=by, text="And a fever."),
        "warn": lambda by: contacts.warn(patient=patient, by=by, red_flags=["rf_bleed"]),
        "dial": lambda by: contacts.dial(call, by=by),
        "give_back": lambda by: contacts.give_back(call, by=by),
        "take_over": lambda by: contacts.take_over(call, by=by, why="she rings me"),
        "hand_over": lambda by: contacts.hand_over(call, to=[colleague, nurse][by == colleague], note="Hers.", by=by),
        "put_off": lambda by: contacts.put_off(call, by=by, start=later, why="she is at work", agreed=True),
        "needs_a_time": lambda by: contacts.needs_a_time(call, by=by),
        "log_call": lambda by: contacts.log_call(patient=patient, by=by, reason="flare", message="She rang."),
        **{f"finish {outcome}": finish(outcome) for outcome in said},
        "answer_ask": ask
        and (lambda by: contacts.answer_ask(ask, by=by, words="No MRI.", way="message", to_patient="No.")),
        "reopen": lambda by: contacts.reopen(case, by=by, why="she rang again"),
        "move_by_hand": lambda by: contacts.move_by_hand(case, "with_clinician", by=by, why="she rang again"),
        "give_time": lambda by: contacts.give_time(case, by=by, slot=slot),
        "no_time_suits": lambda by: contacts.no_time_suits(case, by=by),
        "cancel_time": time and (lambda by: contacts.cancel_time(time, by=by)),
        "mark attended": time and (lambda by: contacts.mark_visit(time, "attended", by=by)),
        "mark missed": time and (lambda by: contacts.mark_visit(time, "missed", by=by)),
    }


def somebody(role, unit):
    role, name = "nurse" if role == "colleague" else role, f"{role}-{unit.id.hex[:8]}"
    return people.add_staff(username=name, name=role.title(), role=role, unit=unit, by=make.TESTS)


@pytest.fixture(params=STEPS)
def world(request):
    """A case that real verbs have led to this step, and everybody around it."""
    with clock.turned(make.MONDAY_MORNING):
        unit, step = make.a_unit(), request.param
        here = {role: somebody(role, unit) for role in ROLES[1:]}
        anna, nurse, doctor = make.a_patient(unit), here["nurse"], here["clinician"]
        session = make.urgent_times(unit, TUESDAY, 4, doctor=doctor)
        contact = make.a_flare(anna, booked=step != "received")
        led = {
            "ringing": {},
            "unreached": {"outcome": "no_answer"},
            "with_clinician": {"outcome": "clinician_asked", "to": doctor, "note": "MRI?"},
            "clinic_time": {"outcome": "clinic_time"},
            "closed": {"outcome": "all_well"},
        }
        if step in led:
            call = make.a_call_with(nurse, contact)
            contacts.dial(call, by=nurse)
            if led[step]:
                contacts.finish(call, by=nurse, **led[step])
        case = Case.objects.select_related("patient__unit", "unit", "programme").get(id=contact.case_id)
        assert case.step == step
        yield here | {
            "patient": anna.user,
            "step": step,
            "anna": anna,
            "case": case,
            "call": make.callback_of(contact),
            "ask": Ask.objects.filter(case=case).first(),
            "time": Appointment.objects.filter(case=case).select_related("slot").first(),
            "slot": session.slots.order_by("-starts_at").first(),
        }


def answer_of(verb, by, case):
    """The step after the verb, or the code of its no; then all is as before. No verb leaves a step that its rows do not say."""
    with transaction.atomic():
        try:
            verb(by)
            case = Case.objects.get(id=case.id)
            said = case.step
            if not case.closed:
                assert policy.step_for(facts_of(case)) == (case.step, case.due)
        except Refused as refusal:
            said = refusal.code
            assert str(refusal)
        transaction.set_rollback(True)
    return said


def test_every_verb_at_this_step_by_every_role(world):
    wrong, column = [], STEPS.index(world["step"])
    for name, verb in verbs(world).items():
        who, answers = TABLE[name]
        expected = answers.split()[column]
        assert (verb is None) == (expected == "-"), name
        if verb is None:
            continue
        for role in ROLES:
            said = answer_of(verb, world[role], world["case"])
            right = expected if role in who.split() else "not-allowed"
            if who == "nurse" and role in ("colleague", "coordinator"):
                right = {"ringing": "claim-lost", **dict.fromkeys(STEPS[4:], OVER)}.get(world["step"], expected)
            if (name, world["step"]) == ("take_over", "ringing") and role in ("colleague", "coordinator"):
                right = "call_booked"  # nobody is on the line until the new holder dials
            if said != right:
                wrong.append((name, role, said, right))
    assert "\n".join(map(str, wrong)) == ""


NO_VERBS_OF_A_STEP = {
    "ask_again", "book", "change_how_to_reach", "check_steps", "choose_time", "close_session", "escalate", "escalate_case",
    "forget_drafts", "give_back_all", "letter_sent", "lift_passed", "move_kept", "moves_by_hand", "open_time", "return_run_out",
    "ring_again", "save_draft", "say_free", "send_draft", "settle_again", "take_back", "take_time", "trade",
}  # fmt: skip
"""What the worker does, what stands on one of the verbs above, and what has a test of its own for the one step it is for."""


def test_no_verb_is_left_out():
    there = {name for name in contacts.__all__ if name.islower()}
    walked = {name.split()[0].replace("mark", "mark_visit") for name in TABLE}
    assert walked | NO_VERBS_OF_A_STEP == there
    assert walked & NO_VERBS_OF_A_STEP == set()
