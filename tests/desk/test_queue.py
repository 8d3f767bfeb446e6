"""The queue: whom to ring, in which order, and who has whom."""

from datetime import timedelta

import pytest
from django.urls import reverse

from followup.callbacks.models import Callback
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.models import Entry
from tests import factories as make
from tests.desk.conftest import text

QUEUE = "/desk/queue/"


def test_take_next_call_leads_to_the_call_page(desk, karin, flare):
    answer = desk(karin).post(reverse("desk:take_next"))
    call = make.callback_of(flare)
    assert answer["Location"] == reverse("desk:call", args=[call.id])
    assert call.claimed_by == karin


def test_take_next_pressed_again_before_the_call_page_is_there_leads_to_the_same_call(desk, karin, unit, flare):
    make.a_flare(make.a_patient(unit))
    me = desk(karin)
    first = me.post(reverse("desk:take_next"), follow=True).redirect_chain
    assert me.post(reverse("desk:take_next"), follow=True).redirect_chain == first
    with clock.turned(clock.now() + timedelta(seconds=6)):
        assert me.post(reverse("desk:take_next"), follow=True).redirect_chain != first


def test_take_next_is_the_first_thing_to_press_on_the_page(desk, karin, flare):
    page = text(desk(karin).get(QUEUE))
    main = page[page.index('<main id="maincontent"') :]
    first = min(main.index(sign) for sign in ("<button", "<a ", "<input class"))
    assert main[first:].split(">")[1].startswith("Take next call")


def test_with_nobody_to_ring_the_next_planned_call_is_named(desk, karin, flare):
    Callback.objects.update(not_before=clock.now() + timedelta(hours=2))
    me = desk(karin)
    answer = me.post(reverse("desk:take_next"), follow=True)
    assert "Nobody can be rung now. The next planned call: 11:00." in text(answer)


def test_the_empty_queue_says_so(desk, karin):
    assert "Nobody is waiting." in text(desk(karin).get(QUEUE))


def test_a_row_says_who_why_by_when_and_in_which_language(desk, karin, unit):
    make.a_flare(make.a_patient(unit, spoken_language="ar", interpreter=True, email="", texts=False))
    row = text(desk(karin).get(QUEUE))
    for said in ("Anna Berg", "feels worse", "13:00", "New", "Arabic, interpreter", "Phone only"):
        assert said in row


def test_who_has_a_call_and_for_how_long_shows_on_its_row(desk, karin, maria, flare):
    make.a_call_with(karin, flare)
    with clock.turned(clock.now() + timedelta(minutes=6)):
        assert "Taken by Karin, 6 min" in text(desk(maria).get(QUEUE))
        assert "Yours, 6 min" in text(desk(karin).get(QUEUE))


def test_a_passed_promise_is_late(desk, karin, flare):
    with clock.turned(make.callback_of(flare).due + timedelta(minutes=22)):
        assert "Late 22 min" in text(desk(karin).get(QUEUE))


def test_filters_show_their_part_only(desk, karin, unit):
    make.a_flare(make.a_patient(unit, given_name="Bodil"))
    make.a_flare(make.a_patient(unit, given_name="Rut"), reason="other")
    asked_again = make.a_flare(make.a_patient(unit, given_name="Tor"), reason="worry")
    contacts.finish(make.a_call_with(karin, asked_again), by=karin, outcome="no_answer")
    given_up = make.a_flare(make.a_patient(unit, given_name="Disa"), reason="worry")
    for _ in range(3):
        contacts.finish(make.a_call_with(karin, given_up), by=karin, outcome="no_answer")
    me = desk(karin)

    def shown(part: str) -> set[str]:
        page = text(me.get(QUEUE, {"show": part}))
        return {name for name in ("Bodil", "Rut", "Tor", "Disa") if name in page}

    assert shown("flare") == {"Bodil"}
    assert shown("retry") == {"Tor"}
    assert shown("decide") == {"Disa"}
    assert shown("all") == shown("nonsense") == {"Bodil", "Rut", "Tor", "Disa"}


def test_a_chosen_call_needs_a_reason_which_is_kept(desk, karin, flare):
    call, me = make.callback_of(flare), desk(karin)
    there = reverse("desk:open", args=[call.id])
    assert "Why this one?" in text(me.get(there))
    refused = me.post(there, {"why": " "})
    assert refused.status_code == 422
    assert "<title>Error: " in text(refused)
    taken = me.post(there, {"why": "she is on the line"})
    assert taken["Location"] == reverse("desk:call", args=[call.id])
    assert Entry.objects.get(verb="callback.claimed").why == "she is on the line"


def test_a_call_that_a_colleague_has_cannot_be_opened(desk, karin, maria, flare):
    call = make.a_call_with(karin, flare)
    answer = desk(maria).post(reverse("desk:open", args=[call.id]), {"why": "mine"})
    assert answer.status_code == 409
    assert "Karin took this call 1 second ago." in text(answer)
    assert make.callback_of(flare).claimed_by == karin


def test_the_part_that_updates_is_what_the_page_shows(desk, karin, flare):
    me = desk(karin)
    part = text(me.get(reverse("desk:queue_rows"), headers={"HX-Request": "true"}))
    assert part in text(me.get(QUEUE))
    assert "<html" in text(me.get(reverse("desk:queue_rows")))


def test_an_open_queue_keeps_nobody_signed_in(desk, karin, flare):
    me = desk(karin)
    me.get(QUEUE)
    seen = me.session["seen_at"]
    with clock.turned(clock.now() + timedelta(minutes=10)):
        me.get(reverse("desk:queue_rows"), headers={"HX-Request": "true"})
    assert me.session["seen_at"] == seen


@pytest.mark.parametrize("more", [0, 29])
def test_the_queue_asks_as_many_questions_for_thirty_as_for_one(desk, karin, unit, more, django_assert_max_num_queries):
    for _ in range(1 + more):
        make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_pain"]})
    me = desk(karin)
    me.get(QUEUE)
    with django_assert_max_num_queries(25) as asked:
        me.get(QUEUE)
    assert len(asked) == QUESTIONS.setdefault("queue", len(asked))


QUESTIONS: dict[str, int] = {}
"""How many questions the first of the two asked."""
