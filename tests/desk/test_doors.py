"""How the door of a staff page answers. Who may open which page is the matrix in tests/security/test_who_sees_what.py."""

import pytest
from django.urls import reverse

from followup.callbacks import services as callbacks
from tests import factories as make

PAGES = ("queue", "alerts", "asks", "patients", "clinic_day", "sessions", "morning")


@pytest.mark.parametrize("place", PAGES)
def test_nobody_signed_in_goes_to_the_staff_sign_in_and_back(place, desk, db):
    there = reverse(f"desk:{place}")
    answer = desk().get(there)
    assert answer.status_code == 302
    assert answer["Location"] == f"{reverse('account_login')}?next={there.replace('/', '%2F')}"


def test_a_part_of_a_page_never_becomes_the_sign_in(desk, db):
    answer = desk().get(reverse("desk:queue_rows"), headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"].startswith(reverse("account_login"))


def test_an_empty_note_about_what_was_saved_is_said_once(desk, karin):
    me = desk(karin)
    me.post(reverse("desk:take_next"))
    assert b"Nobody is waiting." in me.get(reverse("desk:alerts")).content
    assert b"Nobody is waiting." not in me.get(reverse("desk:alerts")).content


def test_a_held_lease_shows_to_a_colleague_and_gives_her_no_form(desk, flare, karin, maria):
    call = make.a_call_with(karin, flare)
    page = desk(maria).get(reverse("desk:call", args=[call.id])).content.decode()
    assert "Taken by Karin" in page
    assert "outcome-form" not in page
    assert callbacks.extend(call, by=karin).claimed_by == karin
