"""What we agreed: a page of the patient's own for each finished call."""

from datetime import date

import pytest

from followup.callbacks.models import CallOutcome
from followup.cases.models import Ask
from followup.contacts import services as contacts
from followup.core.models import Entry
from tests import factories as make
from tests.portal.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_evening")]


@pytest.fixture(autouse=True)
def no_second_factor(settings):
    settings.FOLLOWUP_STAFF_MFA = False


def called(patient, nurse, **outcome) -> CallOutcome:
    call = make.a_call_with(nurse, make.a_flare(patient))
    return contacts.finish(call, by=nurse, **outcome)


def page(client, outcome) -> str:
    return " ".join(client.get(f"/agreed/{outcome.id}/").content.decode().split())


def test_the_page_says_what_was_agreed_when_to_call_and_whom_to_ring(anna, nurse):
    outcome = called(
        anna, nurse, outcome="self_care", agreed="Rest well.", advice=["fluids"], call_again_on=date(2026, 11, 27)
    )
    me = signed_in(anna.user)
    read = page(me, outcome)
    for said in (
        "You got advice to follow at home",
        "Rest well.",
        "Drink and rest",
        "Friday 27 November",
        "08-465 004 00",
    ):
        assert said in read
    for path in ("/home/", "/contacts/"):
        assert f"/agreed/{outcome.id}/" in me.get(path).content.decode()


def test_somebody_elses_agreement_is_not_there(anna, nurse, unit):
    outcome = called(anna, nurse, outcome="all_well")
    bengt = make.a_patient(unit, given_name="Bengt")
    nobodys = "00000000-0000-4000-8000-000000000000"
    assert signed_in(bengt.user).get(f"/agreed/{outcome.id}/").status_code == 404
    assert signed_in(anna.user).get(f"/agreed/{nobodys}/").status_code == 404
    assert signed_in(nurse).get(f"/agreed/{outcome.id}/").status_code == 404


def test_what_came_of_the_question_stands_there_first_as_a_promise_then_as_the_answer(anna, nurse, doctor):
    outcome = called(anna, nurse, outcome="clinician_asked", note="Stop azathioprine?")
    me = signed_in(anna.user)
    assert "You hear from us before" in page(me, outcome)
    assert "Stop azathioprine?" not in page(me, outcome)
    contacts.answer_ask(
        Ask.objects.get(), by=doctor, words="No need to.", way="message", to_patient="Go on as before, and come in May."
    )
    read = page(me, outcome)
    assert "Go on as before, and come in May." in read
    assert "No need to." not in read
    assert "You hear from us before" not in read


def test_a_prescription_that_is_done_is_said_to_be_at_the_pharmacy(anna, nurse, doctor):
    outcome = called(anna, nurse, outcome="prescription")
    contacts.answer_ask(Ask.objects.get(), by=doctor, words="Signed.", way="done")
    me = signed_in(anna.user)
    assert "Your prescription is sent to the pharmacy." in page(me, outcome)
    for path in ("/home/", "/contacts/"):
        read = me.get(path).content.decode()
        assert "Your prescription is sent to the pharmacy." in read
        assert "A clinician looks at your prescription" not in read  # that was the promise, and it is kept


def test_staff_print_it_in_the_patients_language_and_the_look_is_journalled(anna, nurse, unit):
    outcome = called(anna, nurse, outcome="self_care", agreed="Vila.", call_again_on=date(2026, 11, 27))
    anna.language = "sv"
    anna.save()
    before = Entry.objects.filter(verb="record.opened", patient_id=anna.id).count()
    desk = signed_in(nurse)
    read = desk.get(f"/desk/agreed/{outcome.id}/")
    assert 'lang="sv"' in read.content.decode()
    assert "Du fick råd att följa hemma" in read.content.decode()
    assert Entry.objects.filter(verb="record.opened", patient_id=anna.id).count() == before + 1
    assert signed_in(make.a_nurse(make.a_unit())).get(f"/desk/agreed/{outcome.id}/").status_code == 404


def test_another_number_for_the_call_is_given_on_a_page_and_a_wrong_one_is_kept_beside_its_error(anna):
    me = signed_in(anna.user)
    assert me.get("/how-to-reach-me/")["Location"] == "/home/"
    contact = make.a_flare(anna)
    assert "/how-to-reach-me/" in me.get("/tell-us/").content.decode()
    wrong = me.post("/how-to-reach-me/", {"phone": "12", "not_before": ""})
    assert wrong.status_code == 422
    assert 'value="12"' in wrong.content.decode()
    assert 'href="#phone"' in wrong.content.decode()
    for _again in range(2):
        assert me.post("/how-to-reach-me/", {"phone": "070 174 06 06", "not_before": ""}).status_code == 302
    contact.refresh_from_db()
    assert contact.preferred["phone"] == "070 174 06 06"
