"""The call page: everything about the patient, and what the call led to."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from followup.callbacks import services as callbacks
from followup.callbacks.models import Attempt, Callback, CallOutcome
from followup.cases.models import Ask
from followup.clinic.models import Appointment, Slot
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.models import Entry
from tests import factories as make
from tests.desk.conftest import text


@pytest.fixture
def call(karin, flare):
    return make.a_call_with(karin, flare)


@pytest.fixture
def there(call):
    return reverse("desk:call", args=[call.id])


@pytest.fixture
def me(desk, karin, call):
    return desk(karin)


def test_the_patients_own_words_come_first_and_as_they_were_written(me, there, anna):
    contacts.add(patient=anna, text="No fever.", by=anna.user)
    page = text(me.get(there))
    assert "It hurts &lt;again&gt;." in page
    assert (
        page.index("It hurts")
        < page.index("Added 09:00")
        < page.index("Mesalazine" if "Mesalazine" in page else "Medicines")
    )
    for said in (
        "Anna Berg",
        "born 3 May 1971",
        anna.number,
        "For 2 or 3 days",
        "No forms on file",
        "No tests on file",
    ):
        assert said in page


def test_the_look_is_in_the_journal_and_the_call_is_seen(me, there, call, anna):
    me.get(there)
    assert Entry.objects.get(verb="record.opened").detail == {"where": "call page"}
    assert Callback.objects.get(id=call.id).opened_at == clock.now()


def test_ringing_logs_a_try_once_and_keeps_what_was_typed(me, there, call):
    dial = reverse("desk:dial", args=[call.id])
    for _ in range(2):
        me.post(dial, {"note": "talks fast"})
    assert Attempt.objects.count() == 1
    page = text(me.get(there))
    assert "Try 1 of 3" in page
    assert "Ringing since 09:00" in page
    assert "talks fast</textarea>" in page


def test_ringing_without_a_full_page_brings_back_the_box_of_the_call(me, call):
    part = text(me.post(reverse("desk:dial", args=[call.id]), headers={"HX-Request": "true"}))
    assert part.startswith(("<section", "{#"))
    assert "Ringing since 09:00" in part


def test_typing_keeps_the_note_and_renews_the_lease(me, call):
    with clock.turned(clock.now() + timedelta(minutes=10)):
        part = me.post(
            reverse("desk:keep", args=[call.id]), {"note": "8 a day", "outcome": "all_well", "agreed": "Rest"}
        )
        kept = Callback.objects.get(id=call.id)
        assert (kept.draft_note, kept.lease_until) == ("8 a day", clock.now() + timedelta(minutes=15))
    assert "Notes kept 09:10" in text(part)
    assert "Rest" in text(part)


def test_a_note_half_written_goes_with_the_call_when_the_lease_runs_out(me, call, desk, maria):
    me.post(reverse("desk:keep", args=[call.id]), {"note": "8 a day"})
    with clock.turned(clock.now() + timedelta(hours=1)):
        contacts.return_run_out(call.id)
        taken = callbacks.claim_chosen(Callback.objects.get(id=call.id), by=maria, why="next")
        assert (taken.handed_note, taken.draft_note) == ("8 a day", "")
        page = text(desk(maria).get(reverse("desk:call", args=[call.id])))
    assert "Notes handed over" in page


SAVES = [
    ("self_care", {"call_again_on_day": "27", "call_again_on_month": "11", "call_again_on_year": "2026"}, "closed"),
    ("clinic_time", {}, "clinic_time"),
    ("prescription", {}, "with_clinician"),
    ("clinician_asked", {"note": "Rash. Stop?"}, "with_clinician"),
    ("emergency", {}, "closed"),
    ("group_change", {}, "with_clinician"),
    ("all_well", {}, "closed"),
    ("other", {"note": "Wrong number"}, "closed"),
    ("no_answer", {}, "unreached"),
]


@pytest.mark.parametrize(("outcome", "typed", "step"), SAVES)
def test_every_outcome_can_be_saved(outcome, typed, step, me, there, flare):
    answer = me.post(there, {"outcome": outcome, "do": "save", **typed})
    flare.case.refresh_from_db()
    assert (answer.status_code, flare.case.step) == (302, step)
    assert answer["Location"] == reverse("desk:queue")


@pytest.mark.parametrize(("outcome", "typed", "step"), SAVES)
def test_every_outcome_sent_twice_is_said_once(outcome, typed, step, me, there, flare):
    answers = [me.post(there, {"outcome": outcome, "do": "save", **typed}).status_code for _ in range(2)]
    call = make.callback_of(flare)
    assert answers == [302, 302]
    assert CallOutcome.objects.count() == (0 if outcome == "no_answer" else 1)
    assert call.unanswered == (1 if outcome == "no_answer" else 0)


def test_every_outcome_of_the_programme_is_tried_here(flare):
    assert {outcome for outcome, *_ in SAVES} == {each.id for each in flare.case.programme.rules.outcomes}


def test_the_kept_time_is_first_and_chosen(me, there, flare):
    kept = Appointment.objects.get(case=flare.case)
    page = text(me.get(there))
    assert f'value="{kept.slot_id}" checked' in page
    assert "Kept for them: Tuesday 24 November, 13:00" in page


def test_another_time_can_be_given(me, there, flare):
    other = Slot.objects.order_by("starts_at").last()
    me.post(there, {"outcome": "clinic_time", "slot": str(other.id), "do": "save"})
    assert Appointment.objects.get(case=flare.case, state="booked").slot == other


def test_a_time_that_somebody_else_got_is_said_beside_the_times(me, there, flare, unit, karin, maria):
    other = Slot.objects.order_by("starts_at").last()
    rival = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(maria, rival), by=maria, outcome="clinic_time", slot=other)
    answer = me.post(there, {"outcome": "clinic_time", "slot": str(other.id), "note": "keep me", "do": "save"})
    assert answer.status_code == 422
    assert 'href="#slot"' in text(answer)
    assert "keep me</textarea>" in text(answer)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "outcome"),
        ({"outcome": "dance"}, "outcome"),
        ({"outcome": "self_care"}, "call_again_on"),
        ({"outcome": "self_care", "call_again_on_day": "31", "call_again_on_month": "2"}, "call_again_on"),
        (
            {
                "outcome": "self_care",
                "call_again_on_day": "1",
                "call_again_on_month": "1",
                "call_again_on_year": "2020",
            },
            "call_again_on",
        ),
        ({"outcome": "other"}, "note"),
        ({"outcome": "clinician_asked", "note": " "}, "note"),
        ({"outcome": "all_well", "note": "x" * 4001}, "note"),
        ({"outcome": "all_well", "also": ["no_answer"]}, "also"),
        ({"outcome": "all_well", "advice": ["dance"]}, "advice"),
        ({"outcome": "clinic_time", "slot": "6b0f0c52-3f0f-4c3c-8f4e-0f2f8d7f9a11"}, "slot"),
        ({"outcome": "prescription", "to": "6b0f0c52-3f0f-4c3c-8f4e-0f2f8d7f9a11"}, "to"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_changes_nothing(typed, field, me, there, flare):
    answer = me.post(there, {"agreed": "as we said", "do": "save"} | typed)
    page = text(answer)
    assert answer.status_code == 422
    assert f'href="#{field}"' in page
    assert f'id="{field}"' in page
    assert "<title>Error: " in page
    assert "as we said</textarea>" in page
    assert not CallOutcome.objects.exists()


def test_a_colleagues_call_is_not_saved_and_what_was_typed_is_shown(me, there, call, maria):
    with clock.turned(clock.now() + timedelta(hours=1)):
        callbacks.claim_chosen(call, by=maria, why="she rang in")
    with clock.turned(clock.now() + timedelta(hours=1, seconds=5)):
        answer = me.post(there, {"outcome": "all_well", "note": "I had typed this", "do": "save"})
    assert answer.status_code == 409
    assert "Maria took this call 5 seconds ago." in text(answer)
    assert "I had typed this" in text(answer)
    assert not CallOutcome.objects.exists()


def test_a_call_that_is_over_sends_back_to_the_queue(me, there, call, karin):
    contacts.finish(call, by=karin, outcome="all_well")
    answer = me.post(there, {"outcome": "emergency", "do": "save"})
    assert answer.status_code == 409
    assert "This call was finished 1 second ago." in text(answer)


def test_save_and_take_next_goes_on_to_the_next(me, there, unit):
    following = make.a_flare(make.a_patient(unit, given_name="Sven"))
    answer = me.post(there, {"outcome": "all_well", "do": "save_next"})
    assert answer["Location"] == reverse("desk:call", args=[make.callback_of(following).id])


def test_giving_back_hands_the_notes_on(me, there, call):
    me.post(there, {"do": "give_back", "note": "Rings back at three"})
    back = Callback.objects.get(id=call.id)
    assert (back.state, back.handed_note) == ("waiting", "Rings back at three")


def test_nobody_answered_hands_the_notes_on(me, there, call):
    me.post(there, {"do": "save", "outcome": "no_answer", "note": "Busy tone"})
    assert Callback.objects.get(id=call.id).handed_note == "Busy tone"


def test_none_free_can_be_told_to_the_coordinator_at_once(desk, karin, unit):
    contact = make.a_flare(make.a_patient(unit))
    call = make.a_call_with(karin, contact)
    me, there = desk(karin), reverse("desk:call", args=[call.id])
    assert "No time is free before Thursday 26 November, 16:30." in text(me.get(there))
    answer = me.post(there, {"do": "needs_a_time", "outcome": "clinic_time", "note": "must be seen"})
    contact.case.refresh_from_db()
    assert contact.case.shortage == "needs_a_time"
    assert "The coordinator has been told" in text(answer)
    assert "must be seen</textarea>" in text(answer)


def test_the_preview_is_in_the_patients_language(desk, karin, unit):
    call = make.a_call_with(karin, make.a_flare(make.a_patient(unit, language="sv")))
    there = reverse("desk:call", args=[call.id])
    page = text(desk(karin).post(there, {"do": "preview", "outcome": "all_well", "agreed": "Vi hörs"}))
    shown = re.search(r'<div class="preview__page" lang="sv">(.*?)</div>', page).group(1)
    assert "Allt är bra" in shown
    assert "Vi hörs" in shown


def test_the_clinician_named_is_asked(me, there, flare, doctor):
    me.post(there, {"outcome": "clinician_asked", "to": str(doctor.id), "note": "Stop?", "do": "save"})
    assert Ask.objects.get(case=flare.case).owner == doctor
