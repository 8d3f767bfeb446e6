"""Who comes in where: anonymous, patients, other roles, other units."""

from uuid import uuid4

import pytest
from django.urls import reverse

from followup.callbacks import services as callbacks
from followup.cases.models import Ask
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core.models import Entry
from followup.desk import urls
from tests import factories as make

PAGES = {
    "queue": ["karin", "eva"],
    "alerts": ["karin", "eva", "doctor"],
    "asks": ["doctor"],
    "patients": ["karin", "eva", "doctor"],
    "clinic_day": ["karin", "eva", "doctor"],
}


@pytest.mark.parametrize("place", PAGES)
@pytest.mark.parametrize("who", ["karin", "eva", "doctor"])
def test_a_page_opens_for_its_roles_and_for_no_others(place, who, desk, request):
    answer = desk(request.getfixturevalue(who)).get(reverse(f"desk:{place}"))
    assert answer.status_code == (200 if who in PAGES[place] else 403)


@pytest.mark.parametrize("place", PAGES)
def test_a_patient_is_not_let_in(place, desk, anna):
    assert desk(anna.user).get(reverse(f"desk:{place}")).status_code == 403


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


@pytest.fixture
def rows(flare, karin, doctor):
    """A row of each kind, with the address of every page and button that names it."""
    call = make.a_call_with(karin, flare)
    other = make.a_flare(make.a_patient(flare.case.unit))
    contacts.finish(make.a_call_with(karin, other), by=karin, outcome="clinician_asked", to=doctor)
    asked, time = Ask.objects.get(case=other.case), Appointment.objects.get(case=flare.case)
    return {
        "call": call.id,
        "open": call.id,
        "dial": call.id,
        "keep": call.id,
        "take_over": call.id,
        "hand_over": call.id,
        "later": call.id,
        "decide": call.id,
        "patient": flare.case.patient_id,
        "request": flare.case.patient_id,
        "ask": asked.id,
        "mark": time.id,
    }


def test_every_page_that_names_a_row_is_walked(rows):
    named = {path.name for path in urls.urlpatterns if "<uuid:" in str(path.pattern)}
    assert named - {"board_row"} == set(rows)


@pytest.mark.parametrize(
    "place",
    ["call", "open", "dial", "keep", "take_over", "hand_over", "later", "decide", "patient", "request", "ask", "mark"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_row_of_another_unit_answers_like_one_that_does_not_exist(place, method, rows, desk, unit):
    elsewhere = make.a_unit()
    outsider = make.a_clinician(elsewhere) if place == "ask" else make.a_nurse(elsewhere, "Charlie")
    entries = Entry.objects.count()
    theirs = getattr(desk(outsider), method)(reverse(f"desk:{place}", args=[rows[place]]))
    nobodys = getattr(desk(outsider), method)(reverse(f"desk:{place}", args=[uuid4()]))
    assert theirs.status_code == nobodys.status_code
    assert theirs.status_code in (404, 405)
    assert Entry.objects.count() == entries + 0


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
