"""A case from the board: moved by hand, marked for a planning meeting, opened again."""

import pytest
from django.urls import reverse

from followup.contacts import services as contacts
from followup.core.models import Entry
from tests import factories as make
from tests.desk.conftest import text


@pytest.fixture
def closed(flare, karin):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="all_well")
    flare.case.refresh_from_db()
    return flare.case


def test_a_meeting_is_marked_and_unmarked_and_the_board_shows_its_star(desk, karin, flare):
    me, there = desk(karin), reverse("desk:meeting", args=[flare.case_id])
    for _again in range(2):
        me.post(there, {"wanted": "1"})
    assert "planning meeting wanted</span>" in text(me.get("/desk/board/"))
    assert Entry.objects.filter(verb="case.meeting_wanted", case_id=flare.case_id).count() == 1
    me.post(there, {"wanted": "0"})
    flare.case.refresh_from_db()
    assert not flare.case.meeting


def test_an_open_request_is_moved_by_what_happens_and_the_page_says_so(desk, karin, flare):
    there = reverse("desk:case", args=[flare.case_id])
    assert "From here nothing is moved by hand" in text(desk(karin).get(there))
    refused = desk(karin).post(there, {"move": "closed", "why": "I want to."})
    assert refused.status_code == 422
    assert "The case cannot go from where it is to there." in text(refused)


def test_a_finished_one_is_moved_back_with_a_reason(desk, karin, closed):
    me, there = desk(karin), reverse("desk:case", args=[closed.id])
    assert "With the clinician" in text(me.get(there))
    assert 'href="#why"' in text(me.post(there, {"move": "with_clinician", "why": ""}))
    assert me.post(there, {"move": "with_clinician", "why": "A letter came."}).status_code == 302
    closed.refresh_from_db()
    assert closed.step == "with_clinician"


def test_the_record_leads_to_opening_it_again_and_says_why_not(desk, karin, doctor, closed, anna):
    me, there = desk(karin), reverse("desk:reopen", args=[closed.id])
    assert there in text(me.get(f"/desk/patients/{anna.id}/"))
    make.a_flare(anna, reason="other")
    refused = me.post(there, {"why": "A letter came.", "to": str(doctor.id)})
    assert refused.status_code == 422
    assert "The patient has another request that is open." in text(refused)
    assert "A letter came." in text(refused)


def test_a_case_of_another_unit_is_not_there(desk, stranger, closed):
    for name in ("case", "reopen"):
        assert desk(stranger).get(reverse(f"desk:{name}", args=[closed.id])).status_code == 404
    assert desk(stranger).post(reverse("desk:meeting", args=[closed.id]), {"wanted": "1"}).status_code == 404


def test_a_request_opened_by_mistake_is_closed_from_its_page(desk, karin, maria, flare, anna):
    contacts.finish(
        make.a_call_with(karin, flare), by=karin, outcome="self_care", call_again_on=make.date(2026, 11, 27)
    )
    contacts.reopen(flare.case, by=karin, why="The wrong Berg.")
    me, record = desk(karin), reverse("desk:patient", args=[anna.id])
    there = reverse("desk:reopen", args=[flare.case_id])
    assert "Opened by mistake?" in text(me.get(record)) and there in text(me.get(record))
    assert "Close it again" not in text(desk(maria).get(there))
    assert "Close it again" in text(me.get(there))
    for _press in range(2):
        assert me.post(there, {"do": "close"})["Location"] == record
    page = text(me.get(record))
    assert "Closed again: the request of Anna Berg." in page and "Opened by mistake?" not in page
