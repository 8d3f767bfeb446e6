"""Pages on which a call changes hands or waits, and on which somebody decides about those whom nobody reached."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from followup.callbacks import services as callbacks
from followup.callbacks.models import LeftNote
from followup.callbacks.queries import numbers
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.models import Entry
from tests import factories as make
from tests.desk.conftest import text

TUESDAY_NOON = datetime(2026, 11, 24, 11, 20, tzinfo=UTC)


@pytest.fixture
def call(karin, flare):
    return make.a_call_with(karin, flare)


@pytest.fixture
def to_decide(karin, flare):
    """Three tries, nobody answered."""
    for _ in range(3):
        contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="no_answer")
    return make.callback_of(flare)


def test_a_person_found_while_on_the_line_says_who_has_their_call_and_offers_it(desk, karin, maria, call):
    find = reverse("desk:patients")
    with clock.turned(clock.now() + timedelta(minutes=6)):
        page = text(desk(maria).get(find, {"q": "Berg"}))
        assert "Karin has had the call for 6 minutes" in page
        assert reverse("desk:take_over", args=[call.id]) in page
        assert "yours for 6 minutes" in text(desk(karin).get(find, {"q": "Berg"}))
        contacts.give_back(call, by=karin)
        assert "Feels worse, waiting" in text(desk(maria).get(find, {"q": "Berg"}))


def test_taking_over_asks_why_and_the_colleague_is_told_who_took_it(desk, karin, maria, call):
    there, hers = reverse("desk:take_over", args=[call.id]), desk(karin)
    hers.post(reverse("desk:keep", args=[call.id]), {"note": "Fever since"})
    assert "Karin has had this call" in text(desk(maria).get(there))
    assert desk(maria).post(there, {"why": " "}).status_code == 422
    answer = desk(maria).post(there, {"why": "She is on my line"})
    assert answer["Location"] == reverse("desk:call", args=[call.id])
    assert "Fever since" in text(desk(maria).get(answer["Location"]))
    kept = text(hers.post(reverse("desk:keep", args=[call.id]), {"note": "Fever since Friday"}))
    assert "Maria took this call" in kept
    assert "Fever since Friday" in text(desk(maria).get(answer["Location"]))
    lost = hers.post(reverse("desk:call", args=[call.id]), {"outcome": "all_well", "note": "Fever since Friday, 38.5"})
    assert lost.status_code == 409
    assert LeftNote.objects.get(callback=call, by=karin).text == "Fever since Friday, 38.5"


def test_handing_over_names_a_colleague_who_is_offered_it_first(desk, karin, maria, call):
    there = reverse("desk:hand_over", args=[call.id])
    me = desk(karin)
    assert (
        me.post(reverse("desk:call", args=[call.id]), {"do": "hand_over", "note": "Hard of hearing"})["Location"]
        == there
    )
    assert "Maria" in text(me.get(there))
    assert me.post(there, {"note": "x"}).status_code == 422
    me.post(there, {"to": str(maria.id), "note": "Please ring at ten"})
    answer = desk(maria).post(reverse("desk:take_next"))
    page = text(desk(maria).get(answer["Location"]))
    assert "Hard of hearing" in page and "Please ring at ten" in page


def test_a_call_is_put_off_from_its_page(desk, karin, call):
    there, me = reverse("desk:later", args=[call.id]), desk(karin)
    assert "We have promised to ring before 13:00" in text(me.get(there))
    refused = me.post(there, {"time": "14.30", "why": "At work"})
    assert refused.status_code == 422
    assert "Only the patient can agree to a later time" in text(refused)
    me.post(there, {"time": "14.30", "why": "At work", "agreed": "yes"})
    assert "not before 14:30" in text(me.get(reverse("desk:queue")))


def test_signing_out_with_calls_in_hand_offers_them_back(desk, karin, call):
    me = desk(karin)
    answer = me.post(reverse("desk:leave"))
    assert answer["Location"] == reverse("desk:going") + "?then=out"
    page = text(me.get(answer["Location"]))
    assert "You have 1 call in hand." in page
    assert "Anna Berg" in page
    me.post(answer["Location"], {"note": "Off at noon"})
    assert "_auth_user_id" not in me.session
    again = make.callback_of(call.case.contact)
    assert (again.state, again.handed_note) == ("waiting", "Off at noon")


def test_signing_out_without_calls_just_signs_out(desk, karin, flare):
    me = desk(karin)
    me.post(reverse("desk:leave"))
    assert "_auth_user_id" not in me.session


def test_the_row_says_whose_decision_it_is_and_leads_to_it(desk, karin, eva, to_decide):
    page = text(desk(karin).get(reverse("desk:queue"), {"show": "decide"}))
    assert "for Eva, in charge now" in page  # nobody is marked on the nurse line: the coordinator
    assert reverse("desk:decide", args=[to_decide.id]) in page


def test_a_person_decides_to_ring_again(desk, karin, to_decide):
    there, me = reverse("desk:decide", args=[to_decide.id]), desk(karin)
    page = text(me.get(there))
    for said in ("Nobody answered the last try", "Ring again", "A letter was sent", "Today, Monday 23 November"):
        assert said in page
    assert Entry.objects.filter(verb="record.opened", detail__where="decision page").exists()
    assert me.post(there, {"do": "ring", "day": "2026-11-24", "time": "07:00", "why": "x"}).status_code == 422
    said = {"do": "ring", "day": "2026-11-24", "time": "12.20", "why": "At home then"}
    for _press in range(2):
        assert me.post(there, said)["Location"] == reverse("desk:queue")
    assert "is rung again: Tuesday 24 November, 12:20" in text(me.get(reverse("desk:queue")))
    with clock.turned(TUESDAY_NOON):
        assert callbacks.claim_next(by=karin) == to_decide


def test_a_letter_shows_on_the_row_until_it_is_time_to_look_again(desk, karin, to_decide):
    there, me = reverse("desk:decide", args=[to_decide.id]), desk(karin)
    me.post(there, {"do": "letter"})
    page = text(me.get(reverse("desk:queue"), {"show": "decide"}))
    assert "Letter sent" in page and "letter sent Monday 23 November" in page
    to_decide.refresh_from_db()
    with clock.turned(to_decide.due):
        assert "letter sent Monday 23 November" in text(desk(karin).get(reverse("desk:queue"), {"show": "decide"}))
        assert numbers(to_decide.unit, karin).to_decide == 1


def test_the_call_page_may_be_opened_from_the_decision(desk, karin, to_decide):
    answer = desk(karin).post(reverse("desk:decide", args=[to_decide.id]), {"do": "open"})
    assert answer["Location"] == reverse("desk:call", args=[to_decide.id])
    assert desk(karin).get(answer["Location"]).status_code == 200


def test_an_e_mail_is_logged_and_its_call_is_at_once_in_hand(desk, karin, anna):
    me, there = desk(karin), reverse("desk:request", args=[anna.id])
    assert 'value="email" checked' in text(me.get(there, {"channel": "email"}))
    said = {"channel": "email", "reason": "other", "message": "May I travel?", "do": "take"}
    first, second = me.post(there, said), me.post(there, said)
    assert first["Location"] == second["Location"]
    page = text(me.get(first["Location"]))
    assert "outcome-form" in page and "May I travel?" in page and "by e-mail" in page


def test_a_call_that_a_colleague_has_is_taken_over_only_by_the_button_that_says_so(desk, karin, maria, call, anna):
    me, there = desk(maria), reverse("desk:request", args=[anna.id])
    assert "Save and take over the call" in text(me.get(there))
    said = {"channel": "phone", "reason": "flare", "message": "She rings: fever."}
    assert me.post(there, said | {"do": "take"})["Location"] == reverse("desk:take_over", args=[call.id])
    assert me.post(there, said | {"do": "take_over"})["Location"] == reverse("desk:call", args=[call.id])
    assert make.callback_of(call.case.contact).claimed_by == maria
    assert call.case.contact.additions.count() == 1


def test_free_now_shows_on_the_row_and_on_the_call_page(desk, karin, flare, anna):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="no_answer")
    contacts.say_free(patient=anna, by=anna.user)
    assert "free now since 09:00" in text(desk(karin).get(reverse("desk:queue")))
    answer = desk(karin).post(reverse("desk:take_next"))
    assert "Free now since 09:00" in text(desk(karin).get(answer["Location"]))
