"""Finding a patient, the record on one page, a request entered for somebody."""

import pytest
from django.urls import reverse

from followup.callbacks import services as callbacks
from followup.cases.models import Case
from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.core.models import Entry
from tests import factories as make
from tests.desk.conftest import text
from tests.growth import copies


@pytest.mark.parametrize("typed", ["berg", "Ann", "1971-05-03", "19710503"])
def test_a_patient_is_found(typed, desk, karin, anna):
    assert "Anna Berg" in text(desk(karin).get("/desk/patients/", {"q": typed}))


def test_another_units_patient_is_not_found(desk, karin, anna, stranger):
    assert "Nobody found" in text(desk(stranger).get("/desk/patients/", {"q": "berg"}))


def test_fifty_to_a_page(desk, karin, unit):
    for _ in range(51):
        make.a_patient(unit)
    me = desk(karin)
    first, last = (text(me.get("/desk/patients/", {"q": "Berg", "page": page})) for page in (1, 2))
    assert (first.count("row__name"), last.count("row__name")) == (50, 1)
    assert "51 people found" in first


def test_the_record_shows_all_of_it_and_the_look_is_kept(desk, doctor, flare, anna):
    page = text(desk(doctor).get(reverse("desk:patient", args=[anna.id])))
    for said in (
        "Anna Berg",
        "Call booked",
        flare.case.reference,
        "It hurts &lt;again&gt;.",
        "Tuesday 24 November, 13:00",
        "Ulcerative colitis",
    ):
        assert said in page
    look = Entry.objects.get(verb="record.opened")
    assert (look.actor_name, look.patient_id) == ("Dr Olsson", anna.id)


TYPED = {"channel": "phone", "reason": "flare", "message": "Worse since Friday", "since": "days"}


def test_a_record_of_many_years_is_read_page_by_page(desk, karin, anna):
    first = make.a_flare(anna)
    contacts.finish(make.a_call_with(karin, first), by=karin, outcome="all_well")
    copies(10, of=[first.case_id])
    me, there = desk(karin), reverse("desk:patient", args=[anna.id])
    newest, oldest = (text(me.get(there, {"page": page})) for page in ("", 2))
    assert (newest.count("<dt>Reference</dt>"), oldest.count("<dt>Reference</dt>")) == (10, 1)
    assert "Older requests" in newest and "Newer requests" not in newest
    assert "Newer requests" in oldest and "Older requests" not in oldest
    for strange in ("0", "-1", "x", "٣", "99999"):
        assert me.get(there, {"page": strange}).status_code == 200


def test_a_request_on_the_telephone_lands_on_its_case(desk, karin, anna):
    answer = desk(karin).post(reverse("desk:request", args=[anna.id]), TYPED | {"do": "save"}, follow=True)
    contact = Contact.objects.get(case__patient=anna)
    assert (contact.channel, contact.entered_by, contact.answers["since"]) == ("phone", karin, "days")
    assert contact.case.reference in text(answer)


def test_the_call_can_be_taken_at_once(desk, karin, anna):
    answer = desk(karin).post(reverse("desk:request", args=[anna.id]), TYPED | {"do": "take"})
    call = make.callback_of(Contact.objects.get(case__patient=anna))
    assert answer["Location"] == reverse("desk:call", args=[call.id])
    assert call.claimed_by == karin


def test_a_clinician_enters_a_request_and_takes_no_call(desk, doctor, anna):
    answer = desk(doctor).post(reverse("desk:request", args=[anna.id]), TYPED | {"do": "take"})
    assert answer["Location"] == reverse("desk:patient", args=[anna.id])
    assert make.callback_of(Contact.objects.get(case__patient=anna)).claimed_by is None


def test_a_request_sent_twice_is_one_case(desk, karin, anna):
    me = desk(karin)
    for _ in range(2):
        me.post(reverse("desk:request", args=[anna.id]), TYPED | {"do": "save"})
    assert Case.objects.filter(patient=anna).count() == 1


def test_an_open_request_is_pointed_to(desk, karin, flare, anna):
    page = text(desk(karin).get(reverse("desk:request", args=[anna.id])))
    assert "There is an open request already" in page
    assert reverse("desk:call", args=[make.callback_of(flare).id]) in page


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"reason": ""}, "reason"),
        ({"red_flags": ["dance"]}, "red_flags"),
        ({"since": "ever"}, "since"),
        ({"days_left": "some"}, "days_left"),
        ({"phone": "twelve"}, "phone"),
        ({"not_before": "tea"}, "not_before"),
        ({"message": "x" * 4001}, "message"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(typed, field, desk, karin, anna):
    answer = desk(karin).post(reverse("desk:request", args=[anna.id]), TYPED | typed)
    page = text(answer)
    assert answer.status_code == 422
    assert f'href="#{field}"' in page
    assert f'id="{field}"' in page
    assert not Case.objects.exists()


def test_a_booked_visit_brings_the_question_whether_it_should_be_sooner(desk, karin, flare, anna):
    from followup.contacts import services as contacts

    there = reverse("desk:request", args=[anna.id])
    assert "Should it be sooner?" not in text(desk(karin).get(there))
    contacts.finish(callbacks.claim_next(by=karin), by=karin, outcome="clinic_time")
    assert "They have a time Tuesday 24 November, 13:00. Should it be sooner?" in text(desk(karin).get(there))


def test_the_record_shows_what_was_added_to_an_open_request(desk, karin, anna, flare):
    contacts.add(patient=anna, by=karin, text="She writes that she has a fever now.")
    page = desk(karin).get(reverse("desk:patient", args=[anna.id])).content.decode()
    assert "She writes that she has a fever now." in page
