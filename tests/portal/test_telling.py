"""Getting in touch, page by page: as a browser without JavaScript does it."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from followup.cases import services as cases
from followup.cases.models import Case
from followup.clinic import services as clinic
from followup.contacts import services as contacts
from followup.contacts.models import Addition, Contact, Draft
from followup.core import clock
from tests import factories as make
from tests.portal.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_evening")]


@pytest.fixture
def anna(unit):
    return make.a_patient(unit, phone="070-174 06 05")


@pytest.fixture
def hers(anna):
    return signed_in(anna.user)


def ask(name):
    return reverse("portal:question", args=[name])


def answer(hers, name, **answers):
    return hers.post(ask(name), answers)


def tell_everything(hers, **changes):
    """Every page answered; what is left is to send."""
    answer(hers, "now", red_flags="none")
    answer(hers, "why", reason="flare")
    answer(hers, "what", message="Worse since Friday.", since="days")
    answer(hers, "reach", **{"phone": "070-174 06 05", **changes})


def body(response):
    return response.content.decode()


def test_a_flare_up_is_told_page_by_page_and_received_once(hers, anna):
    assert hers.get("/tell-us/").url == ask("now")
    assert answer(hers, "now", red_flags="none").url == ask("why")
    assert answer(hers, "why", reason="flare").url == ask("what")
    assert answer(hers, "what", message="Worse.\r\nTired.", since="days").url == ask("reach")
    assert answer(hers, "reach", phone="070-174 06 05", voicemail="yes").url == "/tell-us/check/"
    shown = body(hers.get("/tell-us/check/"))
    assert all(words in shown for words in ("I feel worse", "Worse.", "Tired.", "For 2 or 3 days", "070-174 06 05"))
    assert hers.post("/tell-us/check/").url == "/tell-us/sent/"

    contact = Contact.objects.get(case__patient=anna)
    assert (contact.reason, contact.message, contact.answers["since"]) == ("flare", "Worse.\nTired.", "days")
    assert contact.preferred["phone_e164"] == "+46701740605"
    assert contact.preferred["voicemail"] is True
    assert not Draft.objects.filter(patient=anna).exists()


def test_pressing_send_twice_finds_the_same_request(hers, anna):
    tell_everything(hers)
    assert hers.post("/tell-us/check/").url == "/tell-us/sent/"
    assert hers.post("/tell-us/check/").url == "/tell-us/sent/"
    assert Contact.objects.filter(case__patient=anna).count() == 1
    assert not Addition.objects.exists()


def test_two_presses_at_once_send_one_request(hers, anna):
    tell_everything(hers)
    first = contacts.send_draft(patient=anna, by=anna.user)
    second = contacts.send_draft(patient=anna, by=anna.user)
    assert first.id == second.id
    assert not Addition.objects.exists()


def test_the_last_page_shows_call_and_time_as_soon_as_they_exist(hers, anna, unit):
    make.urgent_times(unit, date(2026, 11, 24), 1)
    tell_everything(hers)
    hers.post("/tell-us/check/")
    waiting = body(hers.get("/tell-us/sent/"))
    assert "A nurse will call you before midday tomorrow" in waiting
    assert 'hx-get="/tell-us/sent/now/"' in waiting
    assert "Reload the page to see it." in waiting

    contacts.book(Contact.objects.get().id)
    part = hers.get("/tell-us/sent/now/", headers={"HX-Request": "true"})
    kept = "A time is kept for you on Tuesday 24 November, 1pm. Do not come before we have spoken."
    assert kept in body(part)
    assert "hx-get" not in body(part)
    assert kept in part.headers["HX-Trigger"]
    page = body(hers.get("/tell-us/sent/"))
    assert kept in page
    assert Case.objects.get().reference in page
    assert body(part).strip() in page


def test_without_htmx_the_part_leads_to_its_page(hers):
    tell_everything(hers)
    hers.post("/tell-us/check/")
    assert hers.get("/tell-us/sent/now/").url == "/tell-us/sent/"


def test_when_no_time_is_left_the_page_says_so(hers, anna):
    tell_everything(hers)
    hers.post("/tell-us/check/")
    contacts.book(Contact.objects.get().id)
    assert "No time at the clinic is free before 4:30pm on Wednesday 25 November." in body(hers.get("/tell-us/sent/"))


@pytest.mark.parametrize(
    ("page", "answers", "field", "words"),
    [
        ("now", {}, "red_flags", "Choose from the list, or say none of these."),
        ("now", {"red_flags": ["rf_pain", "none"]}, "red_flags", "Choose from the list, or say none of these."),
        ("why", {}, "reason", "Choose why you are getting in touch."),
        ("why", {"reason": "<script>"}, "reason", "Choose why you are getting in touch."),
        ("what", {"message": "x" * 5000}, "message", "This is too long: use 4000 characters or fewer."),
        ("what", {"since": "ever"}, "since", "Choose how long it has been going on."),
        ("reach", {"phone": ""}, "phone", "Give a telephone number that we can ring"),
        ("reach", {"phone": "12"}, "phone", "Give a telephone number that we can ring"),
        ("reach", {"phone": "070-174 06 05", "not_before": "soon"}, "not_before", "Give a time of day, such as 14:30."),
    ],
)
def test_a_mistake_is_said_above_and_beside_its_field(hers, page, answers, field, words):
    tell_everything(hers)
    response = answer(hers, page, **answers)
    shown = body(response)
    assert response.status_code == 422
    assert "<title>Error: " in shown
    assert f'href="#{field}"' in shown
    assert f'id="{field}"' in shown
    assert shown.count(words) == 2


def test_a_mistake_keeps_what_was_typed_and_changes_nothing(hers, anna):
    tell_everything(hers)
    before = Draft.objects.get(patient=anna).answers
    shown = body(answer(hers, "what", message="x" * 5000, since="week"))
    assert "x" * 5000 in shown
    assert Draft.objects.get(patient=anna).answers == before


def test_what_was_typed_is_still_there_after_signing_in_again(hers, anna):
    answer(hers, "now", red_flags="none")
    answer(hers, "why", reason="flare")
    answer(hers, "what", message="Six times last night.")
    assert "Six times last night." in body(signed_in(anna.user).get(ask("what")))


def test_nobody_skips_a_question(hers):
    assert hers.get(ask("reach")).url == ask("now")
    answer(hers, "now", red_flags="none")
    assert hers.get("/tell-us/check/").url == ask("why")
    assert hers.post("/tell-us/check/").status_code == 422
    assert not Contact.objects.exists()


def test_a_changed_answer_leads_back_to_the_check(hers):
    tell_everything(hers)
    assert "/tell-us/what/?then=check" in body(hers.get("/tell-us/check/"))
    response = hers.post(f"{ask('what')}?then=check", {"message": "Better put."})
    assert response.url == "/tell-us/check/"
    assert "Better put." in body(hers.get("/tell-us/check/"))


def test_a_changed_reason_asks_its_own_questions_and_drops_the_others(hers, anna):
    tell_everything(hers)
    assert hers.post(f"{ask('why')}?then=check", {"reason": "prescription"}).url == ask("what")
    assert "since" not in Draft.objects.get(patient=anna).answers["answers"]
    shown = body(hers.get(ask("what")))
    assert "Which medicine?" in shown
    assert "Since when?" not in shown
    answer(hers, "what", medicine="Pentasa", days_left="2")
    hers.post("/tell-us/check/")
    contact = Contact.objects.get()
    assert (contact.answers["days_left"], make.callback_of(contact).priority) == (2, 3)


def test_a_mistake_that_only_shows_at_the_end_leads_to_its_page(hers, anna):
    tell_everything(hers)
    draft = Draft.objects.get(patient=anna)
    draft.answers["answers"]["since"] = "gone from a newer programme"
    draft.save()
    response = hers.post("/tell-us/check/")
    assert response.status_code == 422
    assert 'href="/tell-us/what/?then=check#since"' in body(response)
    assert not Contact.objects.exists()


# signs that cannot wait


def test_a_sign_that_cannot_wait_is_a_call_of_the_first_priority_before_anything_is_sent(hers, anna):
    response = answer(hers, "now", red_flags="rf_pain")
    assert response.url == "/tell-us/emergency/"
    contact = Contact.objects.get(case__patient=anna)
    assert contact.sent_at is None
    assert make.callback_of(contact).priority == 1
    shown = body(hers.get("/tell-us/emergency/"))
    assert "Call 112 if:" in shown
    assert "A nurse will call you before 9am tomorrow" in shown


def test_after_the_emergency_page_the_rest_completes_the_same_request(hers, anna):
    answer(hers, "now", red_flags="rf_pain")
    assert f'href="{ask("why")}"' in body(hers.get("/tell-us/emergency/"))
    answer(hers, "why", reason="worry")
    answer(hers, "what", message="It hurts.")
    answer(hers, "reach", phone="070-174 06 05")
    hers.post("/tell-us/check/")
    contact = Contact.objects.get(case__patient=anna)
    assert (contact.reason, contact.message, contact.answers["red_flags"]) == ("worry", "It hurts.", ["rf_pain"])
    assert make.callback_of(contact).priority == 1


def test_taking_the_tick_back_leaves_a_note_once_and_the_call_stands(hers, anna):
    answer(hers, "now", red_flags="rf_pain")
    assert answer(hers, "now", red_flags="none").url == ask("why")
    answer(hers, "now", red_flags="none")
    assert [addition.kind for addition in Addition.objects.all()] == ["took_back"]
    assert make.callback_of(Contact.objects.get()).priority == 1
    assert "took it back. The nurse calls you all the same." in body(hers.get("/home/"))


def test_a_sign_that_is_ticked_again_after_it_was_taken_back_counts_again(hers, anna):
    for minutes, ticked in enumerate(("rf_pain", "none", "rf_pain", "rf_pain")):
        with clock.turned(make.SUNDAY_EVENING + timedelta(minutes=minutes)):
            answer(hers, "now", red_flags=ticked)
    assert [addition.kind for addition in Addition.objects.order_by("at")] == ["took_back", "red_flags"]
    home = body(hers.get("/home/"))
    assert "took it back" not in home
    assert "When to ring the emergency number" in home
    assert "We are closed now. We call you from 8am tomorrow at the earliest." in home


def test_a_lesser_sign_shows_no_emergency_page_and_is_rung_just_as_soon(hers):
    assert answer(hers, "now", red_flags="rf_fever").url == ask("why")
    assert not Contact.objects.exists()
    answer(hers, "why", reason="worry")
    answer(hers, "what", message="")
    answer(hers, "reach", phone="070-174 06 05")
    hers.post("/tell-us/check/")
    assert make.callback_of(Contact.objects.get()).priority == 1


def test_none_of_these_is_never_ticked_for_anybody(hers):
    answer(hers, "now", red_flags="none")
    assert "checked" not in body(hers.get(ask("now")))


# an open request


def test_an_open_request_is_shown_and_added_to_never_doubled(hers, anna):
    make.a_flare(anna, message="It began on Friday.")
    shown = body(hers.get("/tell-us/"))
    assert "You do not need to send it again." in shown
    assert "It began on Friday." in shown
    assert hers.get(ask("why")).url == "/tell-us/"
    response = hers.post("/tell-us/", {"text": "Fever now."}, follow=True)
    assert "We have added it to your request." in body(response)
    hers.post("/tell-us/", {"text": "Fever now."})
    assert [addition.text for addition in Addition.objects.all()] == ["Fever now."]
    assert Contact.objects.count() == 1


def test_whoever_needs_a_prescription_reads_it_back_and_no_advice_for_the_ill(hers):
    answer(hers, "now", red_flags="none")
    answer(hers, "why", reason="prescription")
    answer(hers, "what", medicine="Mesalazin 1600 mg", days_left="2", message="")
    answer(hers, "reach", phone="070-174 06 05")
    sent = body(hers.post("/tell-us/check/", follow=True))
    assert "Drink a little and often" not in sent
    assert "Do not wait for our call." in sent
    shown = body(hers.get("/tell-us/"))
    assert "Mesalazin 1600 mg" in shown
    assert "Lasts for 2 more days" in shown


def test_adding_nothing_is_a_mistake_at_its_field(hers, anna):
    make.a_flare(anna)
    response = hers.post("/tell-us/", {"text": "  "})
    assert response.status_code == 422
    assert 'href="#text"' in body(response)


def test_feeling_better_is_noted_and_the_nurse_still_calls(hers, anna):
    contact = make.a_flare(anna)
    shown = body(hers.post("/tell-us/", {"feels_better": "yes"}, follow=True))
    assert "the nurse still calls you" in shown
    assert Addition.objects.get().kind == "feels_better"
    assert make.callback_of(contact).state == "waiting"


def test_getting_worse_with_an_open_request_hastens_its_call(hers, anna):
    contact = make.a_flare(anna)
    assert answer(hers, "now", red_flags="rf_fever").url == "/tell-us/?saved=red_flags"
    assert make.callback_of(contact).priority == 1
    assert not Draft.objects.exists()


def test_getting_worse_after_the_call_brings_another(hers, anna, unit):
    nurse = make.a_nurse(unit)
    contact = make.a_flare(anna)
    call = make.a_call_with(nurse, contact)
    contacts.finish(call, by=nurse, outcome="clinician_asked", to=make.a_clinician(unit), note="MRI?")
    with clock.turned(make.SUNDAY_EVENING + timedelta(minutes=5)):
        assert answer(hers, "now", red_flags="rf_pain").url == "/tell-us/emergency/"
    assert make.callback_of(contact).id != call.id


# a booked visit


@pytest.fixture
def visit(anna, unit):
    """Anna has a time at the clinic from an earlier case."""
    session = make.urgent_times(unit, date(2026, 11, 26), 1, kind="revisit")
    case = cases.open_case(patient=anna, kind="visit", by=make.TESTS)
    return clinic.give(session.slots.get(), case=case, by=make.TESTS)


def test_a_booked_visit_brings_the_question_whether_it_should_be_sooner(hers, visit):
    answer(hers, "now", red_flags="none")
    assert answer(hers, "why", reason="flare").url == ask("visit")
    assert "Your visit is Thursday 26 November, 1pm, Eksjö, room 4." in body(hers.get(ask("visit")))
    assert "Say whether your visit should be sooner." in body(answer(hers, "visit"))
    assert answer(hers, "visit", sooner="nurse").url == ask("what")
    answer(hers, "what", message="")
    answer(hers, "reach", phone="070-174 06 05")
    hers.post("/tell-us/check/")
    assert Contact.objects.get().answers["sooner"] == "nurse"


def test_without_a_visit_nobody_is_asked_about_one(hers):
    answer(hers, "now", red_flags="none")
    answer(hers, "why", reason="flare")
    assert hers.get(ask("visit")).url == ask("what")


# everywhere


@pytest.mark.parametrize("name", ["now", "why", "what", "reach"])
def test_the_telephone_number_stands_on_every_step(hers, name):
    tell_everything(hers)
    assert 'Ring us: <a href="tel:0846500400">08-465 004 00</a>' in body(hers.get(ask(name)))


def test_outside_opening_hours_the_first_and_the_last_step_say_when_we_can_call(hers, anna):
    words = "We are closed now. We can call you from 8am tomorrow at the earliest."
    assert words in body(hers.get(ask("now")))
    tell_everything(hers)
    assert words in body(hers.get("/tell-us/check/"))
    with clock.turned(make.MONDAY_MORNING):
        assert words not in body(signed_in(anna.user).get(ask("now")))


def test_an_unknown_question_does_not_exist(hers):
    assert hers.get("/tell-us/anything/").status_code == 404


def test_answers_never_stand_in_an_address(hers):
    for response in (
        answer(hers, "now", red_flags="rf_pain"),
        answer(hers, "why", reason="flare"),
        answer(hers, "what", message="secret", since="days"),
        answer(hers, "reach", phone="070-174 06 05"),
    ):
        assert "?" not in response.url
        assert "no-store" in response.headers["Cache-Control"]


def test_a_stranger_comes_back_to_the_same_question_after_signing_in():
    response = Client().get(ask("what"))
    assert response.url == "/sign-in/?next=/tell-us/what/"
