"""Every verb of a contact, at every step, by every role: where the case stands afterwards, or which no is said."""

from datetime import timedelta

import pytest
from django.db import transaction

from followup.callbacks import services as callbacks
from followup.cases import services as cases
from followup.cases.models import Ask, Case
from followup.clinic.models import Appointment
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.models import Cause
from followup.contacts.queries import facts_of
from followup.core import clock
from followup.core.errors import Refused
from followup.core.models import Outbox
from followup.people import services as people
from tests import factories as make

pytestmark = pytest.mark.django_db

STEPS = ["received", "call_booked", "ringing", "unreached", "with_clinician", "clinic_time", "closed"]
ROLES = ("patient", "nurse", "colleague", "clinician", "coordinator", "wall", "system", "administrator")
TUESDAY, THURSDAY_MORNING = make.date(2026, 11, 24), make.MONDAY_MORNING + timedelta(days=3)
OVER = "call-already-ended"
IS_OVER = f"{OVER} {OVER} {OVER}"
EVERY_STEP = " ".join(STEPS)
DECIDED = "nothing-to-decide"
HAS_ONE = "has-a-time has-a-time has-a-time has-a-time has-a-time"

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
    "send_draft": (
        "patient nurse colleague clinician coordinator",
        "received call_booked ringing unreached call_booked call_booked closed",
    ),
    "take_back": ("patient nurse colleague clinician coordinator", EVERY_STEP),
    "change_how_to_reach": (
        "patient nurse colleague clinician coordinator",
        "call_booked call_booked ringing unreached with_clinician clinic_time nothing-open",
    ),
    "say_free": (
        "patient nurse colleague clinician coordinator",
        "nothing-open nothing-open nothing-open unreached nothing-open nothing-open nothing-open",
    ),
    "ring_again": ("nurse", f"{DECIDED} {DECIDED} {DECIDED} {DECIDED} {IS_OVER}"),
    "letter_sent": ("nurse", f"{DECIDED} {DECIDED} {DECIDED} {DECIDED} {IS_OVER}"),
    "choose_time": ("patient", "received call_booked ringing unreached with_clinician clinic_time request-closed"),
    "take_time": ("coordinator", f"received {HAS_ONE} request-closed"),
    "open_time": ("nurse colleague clinician coordinator", f"received {HAS_ONE} request-closed"),
    "trade": ("coordinator", f"received {HAS_ONE} request-closed"),
    "close_session": ("coordinator", "received call_booked ringing unreached with_clinician call_booked closed"),
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

    def send_draft(by):
        contacts.save_draft(patient=patient, answers={"reason": "worry", "message": "And this."})
        contacts.send_draft(patient=patient, by=by)

    def open_time(by):
        contacts.open_time(case, person=doctor, starts_at=later, ends_at=later + timedelta(hours=1), why="full", by=by)

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
        "send_draft": send_draft,
        "take_back": lambda by: contacts.take_back(patient=patient, by=by),
        "change_how_to_reach": lambda by: contacts.change_how_to_reach(
            patient=patient, by=by, preferred={"phone": "070-174 06 09", "not_before": "13:00"}
        ),
        "say_free": lambda by: contacts.say_free(patient=patient, by=by),
        "ring_again": lambda by: contacts.ring_again(call, by=by, start=clock.now() + timedelta(days=1), why="try"),
        "letter_sent": lambda by: contacts.letter_sent(call, by=by),
        "choose_time": lambda by: contacts.choose_time(case, slot, by=by),
        "take_time": lambda by: contacts.take_time(case, slot, by=by, why="it is hers"),
        "open_time": open_time,
        "trade": lambda by: contacts.trade(case, world["others_time"], by=by, why="she is worse"),
        "close_session": lambda by: contacts.close_session(slot.session, by=by, why="ill"),
    }


def more_verbs(world):
    """What has no row in the table: what the worker does by itself, and what pages do besides; it leaves nearly every step as it is."""
    case, call, ask, unit = world["case"], world["call"], world["ask"], world["case"].unit
    nurse, doctor = world["nurse"], world["clinician"]
    return {
        "give_back_all": lambda: contacts.give_back_all(by=nurse),
        "claim_next": lambda: callbacks.claim_next(by=world["colleague"]),
        "claim_chosen": lambda: callbacks.claim_chosen(call, by=nurse, why="on the line"),
        "extend": lambda: callbacks.extend(call, by=nurse),
        "keep_note": lambda: callbacks.keep_note(call, by=world["colleague"], note="8 a day"),
        "leave_note": lambda: callbacks.leave_note(call, by=world["colleague"], note="8 a day"),
        "hand_ask": lambda: ask and cases.hand_ask(ask, to=doctor, by=doctor),
        "want_meeting": lambda: cases.want_meeting(case.id, True, by=nurse),
        "book": lambda: contacts.book(case.contact.id),
        "move_kept": lambda: contacts.move_kept(case.id),
        "ask_again": lambda: contacts.ask_again(unit.id),
        "return_run_out": lambda: contacts.return_run_out(call.id),
        "lift_passed": lambda: contacts.lift_passed(call.id),
        "escalate": lambda: [contacts.escalate(case.id, cause) for cause in Cause.values],
        "escalate_case": lambda: contacts.escalate_case(case.id),
        "settle_again": lambda: contacts.settle_again(case.id),
        "check_steps": contacts.check_steps,
        "forget_drafts": contacts.forget_drafts,
        "close_again": lambda: contacts.close_again(case, by=nurse),
        "question_of_reopening": lambda: contacts.question_of_reopening(case, by=nurse),
    }


def somebody(role, unit):
    role, name = "nurse" if role == "colleague" else role, f"{role}-{unit.id.hex[:8]}"
    return people.add_staff(username=name, name=role.title(), role=role, unit=unit, by=make.TESTS)


LED_BY_A_CALL = {
    "ringing": {},
    "unreached": {"outcome": "no_answer"},
    "with_clinician": {"outcome": "clinician_asked", "note": "MRI?"},
    "clinic_time": {"outcome": "clinic_time"},
    "closed": {"outcome": "all_well"},
}


def a_world(step, *, booked=True):
    """A case that real verbs have led to this step, and everybody around it; `booked`: the worker had laid the call before."""
    unit = make.a_unit()
    here = {role: somebody(role, unit) for role in ROLES[1:]}
    anna, nurse, doctor = make.a_patient(unit), here["nurse"], here["clinician"]
    session = make.urgent_times(unit, TUESDAY, 4, doctor=doctor)
    others_time = Appointment.objects.get(case=make.a_flare(make.a_patient(unit)).case_id)
    contact = make.a_flare(anna, booked=booked)
    if step in LED_BY_A_CALL:
        call = make.a_call_with(nurse, contact)
        contacts.dial(call, by=nurse)
        if said := LED_BY_A_CALL[step]:
            contacts.finish(call, by=nurse, **said, to=doctor if step == "with_clinician" else None)
    case = Case.objects.select_related("patient__unit", "unit", "programme").get(id=contact.case_id)
    assert case.step == step
    return here | {
        "patient": anna.user,
        "step": step,
        "anna": anna,
        "case": case,
        "call": make.callback_of(contact),
        "ask": Ask.objects.filter(case=case).first(),
        "time": Appointment.objects.filter(case=case).select_related("slot").first(),
        "slot": session.slots.order_by("-starts_at").first(),
        "others_time": others_time,
    }


def rung_in_vain(times):
    world = a_world("unreached")
    for _try in range(times - 1):
        contacts.finish(make.a_call_with(world["nurse"], world["case"].contact), by=world["nurse"], outcome="no_answer")
    return world | {"call": make.callback_of(world["case"].contact)}


def found_to_need_a_time():
    world = a_world("ringing")
    contacts.needs_a_time(world["call"], by=world["nurse"])
    return world


STATES = {
    "a person is to decide": lambda: rung_in_vain(3),
    "rung before it was laid": lambda: a_world("ringing", booked=False),
    "at risk": found_to_need_a_time,
    "three days later": lambda: a_world("ringing"),
}
"""What no step shows, and what changes what a verb does."""


@pytest.fixture(params=STEPS)
def world(request):
    with clock.turned(make.MONDAY_MORNING):
        yield a_world(request.param, booked=request.param != "received")


def answer_of(verb, by, case):
    """The step after the verb, or the code of its no; then all is as before. No verb leaves a step that its rows do not say."""
    with transaction.atomic():
        try:
            verb(by)
            for row in Outbox.objects.filter(topic="callbacks.claimed_anew", done_at=None):
                contacts.settle_again(**row.payload)
            said = Case.objects.get(id=case.id).step
            for each in Case.objects.open().filter(unit=case.unit):
                assert policy.step_for(facts_of(each)) == (each.step, each.due)
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
    for name, verb in more_verbs(world).items():
        said = answer_of(lambda _by, verb=verb: verb(), None, world["case"])
        if said not in (MOVES_BY_ITSELF.get((name, world["step"]), world["step"]), OVER, "claim-lost", "not-a-slip"):
            wrong.append((name, said))
    assert "\n".join(map(str, wrong)) == ""


MOVES_BY_ITSELF = {("book", "received"): "call_booked", ("give_back_all", "ringing"): "call_booked"}


@pytest.mark.parametrize("state", STATES)
def test_no_verb_leaves_a_step_that_its_rows_do_not_say_whatever_the_state(state):
    """Every verb by the first and the last who may; the moves themselves have tests of their own."""
    with clock.turned(make.MONDAY_MORNING):
        world = STATES[state]()
    with clock.turned(THURSDAY_MORNING if state == "three days later" else make.MONDAY_MORNING):
        said = {
            answer_of(verb, world[role], world["case"])
            for name, verb in verbs(world).items()
            for role in first_and_last(TABLE[name][0].split())
            if verb
        }
        said |= {answer_of(lambda _by, verb=verb: verb(), None, world["case"]) for verb in more_verbs(world).values()}
    assert said <= set(STEPS) | NAMED


def first_and_last(roles):
    """Where only the nurse is named, the coordinator may too."""
    return {roles[0], roles[-1]} if len(roles) > 1 else {*roles, "coordinator"}


NAMED = {
    OVER, DECIDED, "already-answered", "call-already-ended", "cannot-wait", "claim-lost", "has-a-time", "invalid", "no-time-within-promise",
    "not-a-slip", "not-allowed", "not-finished", "nothing-open", "patient-on-the-line", "request-closed", "slot-taken", "time-ended",
}  # fmt: skip


NO_VERBS_OF_A_STEP = {"save_draft", "moves_by_hand"}
"""What was typed and not sent, and a question."""


def test_no_verb_is_left_out(monday):
    world, there = a_world("closed"), {name for name in contacts.__all__ if name.islower()}
    walked = {name.split()[0].replace("mark", "mark_visit") for name in TABLE}
    besides = set(more_verbs(world)) & there
    assert walked | besides | NO_VERBS_OF_A_STEP == there
    assert not walked & besides
    assert set(verbs(world)) == set(TABLE)
