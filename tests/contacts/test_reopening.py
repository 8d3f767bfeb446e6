"""A finished request is opened again within 24 hours, with a reason; the answer reaches the patient, whichever way is chosen."""

from datetime import date, timedelta

import pytest

from followup.callbacks.models import Callback
from followup.cases.models import Ask, Case, Move
from followup.cases.services import MoveNotAllowed, NotAClinician
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.contacts.models import Draft
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed
from followup.core.models import Entry
from followup.messages.models import Message
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]


@pytest.fixture
def closed(anna, nurse) -> Case:
    contact = make.a_flare(anna)
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="self_care", call_again_on=date(2026, 11, 27))
    return Case.objects.get(id=contact.case_id)


def test_it_goes_to_a_clinician_with_the_reason_as_the_question_an_owner_and_a_due(closed, nurse, doctor, unit):
    case = contacts.reopen(closed, by=nurse, why="Her bowel report came.", to=doctor)
    asked = Ask.objects.get(case=case)
    assert (asked.owner, asked.note, asked.asked_by) == (doctor, "Her bowel report came.", nurse)
    assert (case.step, case.due, case.closed) == ("with_clinician", asked.due, None)
    assert asked.due == unit.hours.add_open(clock.now(), 8)
    move = Move.objects.get(case=case, by_hand=True)
    assert (move.step_from, move.step_to, move.by_hand) == ("closed", "with_clinician", True)
    assert Entry.objects.filter(verb="case.moved", case_id=case.id, why="Her bowel report came.").exists()
    told = Message.objects.filter(case=case, template="reopened")
    assert {each.channel for each in told} == {"sms", "email"}
    assert "bowel" not in "".join(each.subject + each.body for each in told)
    contacts.reopen(closed, by=nurse, why="Her bowel report came.", to=doctor)
    assert told.count() == 2
    assert contacts.check_steps() == []


def test_pressed_twice_it_is_opened_once(closed, nurse):
    for _ in range(2):
        contacts.reopen(closed, by=nurse, why="Again.")
    assert Ask.objects.count() == 1


def test_a_slip_is_closed_again_in_one_step_and_the_patient_is_told(closed, nurse):
    contacts.reopen(closed, by=nurse, why="The wrong Berg.")
    for _press in range(2):
        case = contacts.close_again(closed, by=nurse)
    assert (case.step, case.outcome, case.due) == ("closed", "self_care", None)
    assert not Ask.objects.filter(case=case, answered_at=None).exists()
    assert "by mistake" in Ask.objects.get(case=case).to_patient
    assert {each.channel for each in Message.objects.filter(case=case, template="answered")} == {"sms", "email"}
    assert contacts.check_steps() == []


def test_what_a_colleague_opened_or_somebody_went_on_with_is_no_slip(closed, nurse, doctor, unit):
    contacts.reopen(closed, by=nurse, why="Her bowel report came.", to=doctor)
    with pytest.raises(contacts.NotOneSlip):
        contacts.close_again(closed, by=make.a_nurse(unit))
    contacts.answer_ask(Ask.objects.get(case=closed), by=doctor, words="Ring her.", way="ring")
    with pytest.raises(contacts.NotOneSlip):
        contacts.close_again(closed, by=nurse)


def test_what_came_back_to_a_clinician_after_a_call_is_not_opened_again_any_more(closed, nurse, doctor):
    assert contacts.reopen(closed, by=nurse, why="Her bowel report came.", to=doctor).came_here_by_reopening()
    contacts.answer_ask(Ask.objects.get(case=closed), by=doctor, words="Ring her.", way="ring")
    with clock.turned(clock.now() + timedelta(hours=1)):
        call = make.a_call_with(nurse, closed.contact)
        contacts.finish(call, by=nurse, outcome="clinician_asked", to=doctor, note="And now?")
        closed.refresh_from_db()
        assert closed.step == "with_clinician"
        assert not closed.came_here_by_reopening()
        with pytest.raises(contacts.NotFinished):
            contacts.reopen(closed, by=nurse, why="Again.")


def test_a_reason_is_needed(closed, nurse):
    for nothing in ("", "  "):
        with pytest.raises(Invalid) as refused:
            contacts.reopen(closed, by=nurse, why=nothing)
        assert list(refused.value.errors) == ["why"]


@pytest.mark.parametrize(("hours", "opens"), [(24, True), (24.1, False)])
def test_it_is_too_late_after_24_hours(closed, nurse, hours, opens):
    with clock.turned(closed.closed + timedelta(hours=hours)):
        if opens:
            assert contacts.reopen(closed, by=nurse, why="Late.").step == "with_clinician"
        else:
            with pytest.raises(contacts.TooLateToReopen, match="24 hours"):
                contacts.reopen(closed, by=nurse, why="Late.")


def test_not_beside_another_open_request(closed, anna, nurse):
    make.a_flare(anna, reason="other")
    with pytest.raises(contacts.AnotherIsOpen, match="another request"):
        contacts.reopen(closed, by=nurse, why="Why not.")


def test_what_is_open_is_not_opened(anna, nurse):
    with pytest.raises(contacts.NotFinished):
        contacts.reopen(make.a_flare(anna).case, by=nurse, why="Why not.")


def test_only_staff_open_again_and_only_clinicians_are_asked(closed, anna, nurse):
    with pytest.raises(NotAllowed):
        contacts.reopen(closed, by=anna.user, why="Please.")
    with pytest.raises(NotAClinician):
        contacts.reopen(closed, by=nurse, why="Please.", to=nurse)
    closed.refresh_from_db()
    assert closed.step == "closed"


def test_a_board_code_that_somebody_else_bears_by_now_is_not_borne_twice(closed, nurse, unit):
    other = make.a_flare(make.a_patient(unit)).case
    Case.objects.filter(id=other.id).update(code=closed.code)
    assert contacts.reopen(closed, by=nurse, why="Again.").code != closed.code or closed.code != other.code
    assert len(set(Case.objects.open().values_list("code", flat=True))) == 2


def test_no_other_move_of_a_request_is_made_by_hand(closed, nurse, anna):
    assert contacts.moves_by_hand(closed) == ["with_clinician"]
    with pytest.raises(MoveNotAllowed):
        contacts.move_by_hand(closed, "call_booked", by=nurse, why="I want to.")
    assert contacts.moves_by_hand(make.a_flare(anna).case) == []


# What a clinician answers


def asked_of(contact, nurse, outcome="clinician_asked") -> Ask:
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome=outcome, note="Please look")
    return Ask.objects.get(case=contact.case)


def told(patient) -> set[str]:
    return set(Message.objects.filter(patient=patient).values_list("template", flat=True))


def step_of(contact) -> str:
    contact.case.refresh_from_db()
    return contact.case.step


def test_a_nurse_rings_with_the_answer_in_hand(anna, nurse, doctor, unit):
    make.urgent_times(unit, date(2026, 11, 24), 2)
    contact = make.a_flare(anna)
    contacts.answer_ask(asked_of(contact, nurse), by=doctor, words="Stop it.", way="ring")
    call = make.callback_of(contact)
    assert (step_of(contact), call.state) == ("call_booked", "waiting")
    assert call.handed_note == "Dr Olsson: Stop it."
    assert Appointment.objects.get(case=contact.case).state == "held"


def test_a_message_leads_to_the_words_and_the_case_is_done(anna, nurse, doctor):
    contact = make.a_flare(anna)
    asked = asked_of(contact, nurse)
    with pytest.raises(Invalid) as refused:
        contacts.answer_ask(asked, by=doctor, words="Stop it.", way="message")
    assert list(refused.value.errors) == ["to_patient"]
    contacts.answer_ask(asked, by=doctor, words="Stop it.", way="message", to_patient="Stop taking it.")
    assert step_of(contact) == "closed"
    assert "answered" in told(anna)


def test_a_prescription_that_is_done_is_told_at_once(anna, nurse, doctor):
    contact = make.a_flare(anna, reason="prescription")
    contacts.answer_ask(asked_of(contact, nurse, "prescription"), by=doctor, words="Signed.", way="done")
    assert step_of(contact) == "closed"
    sent = Message.objects.filter(patient=anna, template="prescription-done")
    assert {message.channel for message in sent} == {"sms", "email"}


def test_only_a_prescription_is_done(anna, nurse, doctor):
    with pytest.raises(Invalid):
        contacts.answer_ask(asked_of(make.a_flare(anna), nurse), by=doctor, words="Done.", way="done")


@pytest.mark.parametrize("columns", [{"texts": False, "email": ""}, {"phone": "", "email": ""}])
@pytest.mark.parametrize(("way", "more"), [("done", {}), ("message", {"to_patient": "It is sent."})])
def test_whoever_no_message_reaches_is_owed_a_call(unit, nurse, doctor, columns, way, more):
    contact = make.a_flare(make.a_patient(unit, **columns), reason="prescription")
    contacts.answer_ask(asked_of(contact, nurse, "prescription"), by=doctor, words="Signed.", way=way, **more)
    assert step_of(contact) == "call_booked"
    assert make.callback_of(contact).handed_note.startswith("Dr Olsson: Signed.")


def test_what_waits_for_a_decision_is_late_neither_in_the_queue_nor_on_the_board(anna, nurse, unit):
    from followup.board import queries as board
    from followup.callbacks import queries as calls

    contact = make.a_flare(anna)
    call = make.callback_of(contact)
    for _ in range(3):
        contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="no_answer")
    call.refresh_from_db()
    with clock.turned(call.due + timedelta(days=1)) as at:
        assert calls.late(unit).count() == 0
        assert board.counts(board.cases_on(unit, "contact", at=at))["late"] == 0
        assert calls.to_decide(unit).count() == 1
        assert contacts.check_steps() == []


# Drafts, and how to be reached


def test_what_was_never_sent_is_forgotten_after_30_days(anna, unit):
    contacts.save_draft(patient=anna, answers={"message": "Old"})
    with clock.turned(clock.now() + timedelta(days=29)):
        contacts.save_draft(patient=make.a_patient(unit), answers={"message": "New"})
        assert contacts.forget_drafts() == 0
    with clock.turned(clock.now() + timedelta(days=30, minutes=1)):
        assert contacts.forget_drafts() == 1
    assert Draft.objects.get().answers == {"message": "New"}


def test_another_number_and_a_later_hour_for_the_call_move_its_promise(anna, unit):
    contact = make.a_flare(anna, reason="worry", preferred={"phone": "070-174 06 05", "voicemail": True})
    before = Callback.objects.get(case=contact.case)
    contacts.change_how_to_reach(
        patient=anna, by=anna.user, preferred={"phone": "070 174 06 06", "not_before": "15:00"}
    )
    contact.refresh_from_db()
    assert contact.preferred["phone_e164"] == "+46701740606"
    assert contact.preferred["voicemail"] is True
    call = Callback.objects.get(case=contact.case)
    assert call.not_before.astimezone(unit.zone).hour == 15
    assert call.due >= max(before.due, unit.hours.add_open(call.not_before, 1))
    assert call.window_start >= call.not_before
    contact.case.refresh_from_db()
    assert contact.case.due == call.due
    with pytest.raises(Invalid):
        contacts.change_how_to_reach(patient=anna, by=anna.user, preferred={"phone": "not a number"})


def test_the_most_urgent_call_does_not_wait_for_a_wish(anna):
    contact = contacts.warn(patient=anna, red_flags=["rf_pain"], by=anna.user)
    before = Callback.objects.get(case=contact.case).not_before
    contacts.change_how_to_reach(patient=anna, by=anna.user, preferred={"not_before": "15:00"})
    assert Callback.objects.get(case=contact.case).not_before == before
