"""What waits for a person: alerts, questions for clinicians, the clinic's day."""

from datetime import timedelta

import pytest
from django.urls import reverse

from followup.cases.models import Ask
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.models import Outbox
from followup.desk import badges
from followup.messages.models import Message
from tests import factories as make
from tests.desk.conftest import text


def alerts_seen_by(client) -> str:
    return text(client.get("/desk/alerts/"))


def test_with_nothing_to_do_the_page_says_so(desk, eva):
    assert "Nothing needs you right now." in alerts_seen_by(desk(eva))


def test_which_shortage_it_is_stands_in_words(desk, eva, karin, unit):
    contact = make.a_flare(make.a_patient(unit))
    assert "No time left to keep" in alerts_seen_by(desk(eva))
    contacts.needs_a_time(make.a_call_with(karin, contact), by=karin)
    assert "Needs a time, none there" in alerts_seen_by(desk(eva))


def test_everything_that_needs_a_person_is_listed_and_counted(desk, eva, karin, unit, flare, anna):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="no_answer")
    Message.objects.filter(patient=anna, channel="sms").update(state="failed")
    make.a_flare(make.a_patient(unit, given_name="Nowhere", phone="", email=""), reason="other")
    Outbox.objects.update(gave_up_at=clock.now(), trouble="KeyError")
    with clock.turned(clock.now() + timedelta(hours=9)):
        page = alerts_seen_by(desk(eva))
    for said in (
        "Late calls",
        "Messages that need a person",
        "Did not arrive",
        "No channel",
        "Work that the product gave up",
    ):
        assert said in page
    with clock.turned(clock.now() + timedelta(hours=9)):
        count = badges.alerts(unit).count
    assert f'<span class="count">{count}</span>' in page
    assert page.count('class="row__state"') == count


def test_another_units_alerts_are_theirs(desk, unit):
    make.a_flare(make.a_patient(unit))
    outsider = make.a_coordinator(make.a_unit())
    Outbox.objects.all().delete()
    assert "Nothing needs you right now." in alerts_seen_by(desk(outsider))


def test_a_programme_that_nobody_signed_is_named_outside_the_demo(desk, eva, flare, unit):
    assert "The programme is not signed" in alerts_seen_by(desk(eva))
    type(unit).objects.filter(id=unit.id).update(demo=True)
    assert "The programme is not signed" not in alerts_seen_by(desk(eva))


@pytest.fixture
def asked(flare, karin, doctor):
    contacts.finish(
        make.a_call_with(karin, flare), by=karin, outcome="clinician_asked", to=doctor, note="Stop azathioprine?"
    )
    return Ask.objects.get(case=flare.case)


def test_a_question_is_read_with_its_story_and_answered(desk, doctor, asked):
    me = desk(doctor)
    assert "Anna Berg" in text(me.get("/desk/asks/"))
    there = reverse("desk:ask", args=[asked.id])
    page = text(me.get(there))
    assert "Stop azathioprine?" in page
    assert "It hurts &lt;again&gt;." in page
    for _ in range(2):
        assert me.post(there, {"words": "Yes, stop.", "way": "ring"}).status_code == 302
    asked.refresh_from_db()
    assert (asked.answer, asked.answered_by) == ("Yes, stop.", doctor)
    assert "No question waits for you." in text(me.get("/desk/asks/"))


def test_an_answer_may_come_with_the_kept_time(desk, doctor, asked):
    kept = Appointment.objects.get(case=asked.case)
    desk(doctor).post(reverse("desk:ask", args=[asked.id]), {"words": "I want to see her.", "slot": str(kept.slot_id)})
    kept.refresh_from_db()
    assert kept.state == "booked"


def test_an_answer_must_say_how_the_patient_hears_of_it(desk, doctor, asked):
    me, there = desk(doctor), reverse("desk:ask", args=[asked.id])
    answer = me.post(there, {"words": "Yes, stop."})
    assert answer.status_code == 422
    assert 'href="#way"' in text(answer)
    assert 'href="#to_patient"' in text(me.post(there, {"words": "Yes, stop.", "way": "message"}))
    assert me.post(there, {"words": "Yes.", "way": "message", "to_patient": "Stop it, please."}).status_code == 302
    asked.refresh_from_db()
    assert asked.to_patient == "Stop it, please."


def test_a_question_is_taken_or_given_to_a_colleague(desk, doctor, karin, eva, unit, flare):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="clinician_asked", note="MRI?")
    asked, berglund = Ask.objects.get(case=flare.case), make.a_clinician(unit, "Dr Berglund")
    there, hand = reverse("desk:ask", args=[asked.id]), reverse("desk:hand_ask", args=[asked.id])
    assert "Take it" in text(desk(doctor).get(there))
    desk(doctor).post(hand, {"to": str(doctor.id)})
    asked.refresh_from_db()
    assert asked.owner == doctor
    page = text(desk(eva).get(there))
    assert "Dr Berglund" in page
    assert 'name="words"' not in page
    assert desk(eva).post(there, {"words": "Mine.", "way": "ring"}).status_code == 403
    desk(eva).post(hand, {"to": str(berglund.id)})
    for nobody in (str(karin.id), "x", ""):
        desk(eva).post(hand, {"to": nobody})
    asked.refresh_from_db()
    assert asked.owner == berglund


def test_an_empty_answer_is_not_saved(desk, doctor, asked):
    answer = desk(doctor).post(reverse("desk:ask", args=[asked.id]), {"words": " "})
    assert answer.status_code == 422
    assert 'href="#words"' in text(answer)


def test_a_question_for_a_colleague_is_not_in_my_list(desk, asked, unit):
    assert "Anna Berg" not in text(desk(make.a_clinician(unit, "Dr Berglund")).get("/desk/asks/"))


TUESDAY = "/desk/clinic-day/?day=2026-11-24"


def test_a_kept_time_waits_for_the_call_and_has_no_buttons(desk, karin, flare):
    page = text(desk(karin).get(TUESDAY))
    assert "Kept until we have spoken" in page
    assert "week 48" in page
    assert 'name="state"' not in page


@pytest.mark.parametrize(("state", "step"), [("attended", "closed"), ("missed", "call_booked")])
def test_who_came_is_marked_on_the_day(state, step, desk, karin, flare):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="clinic_time")
    booked = Appointment.objects.get(case=flare.case)
    me = desk(karin)
    assert 'name="state"' not in text(me.get(TUESDAY))
    with clock.turned(booked.slot.starts_at + timedelta(hours=1)):
        me = desk(karin)
        assert 'name="state"' in text(me.get(TUESDAY))
        for _ in range(2):
            assert me.post(reverse("desk:mark", args=[booked.id]), {"state": state}).status_code == 302
    flare.case.refresh_from_db()
    assert flare.case.step == step


@pytest.mark.parametrize("day", ["yesterday", "2026-13-40", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_shows_today(day, desk, karin):
    assert "Monday 23 November" in text(desk(karin).get("/desk/clinic-day/", {"day": day}))
