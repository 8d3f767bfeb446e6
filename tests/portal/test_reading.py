"""Home, where you are, what we told you, who looked, earlier contacts, and who may open them."""

import html
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from followup.contacts import services as contacts
from followup.core import clock
from followup.messages import services as messages
from followup.messages.models import LocalDelivery, Message
from followup.people import access
from followup.people.signin import services as signin
from tests import factories as make
from tests.portal.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_evening")]

PAGES = [
    "/home/",
    "/where/",
    "/messages/",
    "/who-looked/",
    "/contacts/",
    "/tell-us/",
    "/tell-us/check/",
    "/tell-us/sent/",
]


@pytest.fixture
def bengt(unit):
    return make.a_patient(unit, given_name="Bengt")


def page(client, path):
    response = client.get(path, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def a_finished_call(patient, nurse, **outcome):
    contact = make.a_flare(patient, message="It began on Friday.")
    call = make.a_call_with(nurse, contact)
    contacts.dial(call, by=nurse)
    contacts.finish(call, by=nurse, **outcome)
    return contact


# who may


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_signs_in_first(path):
    assert Client().get(path).url == f"/sign-in/?next={path}"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("somebody", [make.a_nurse, make.a_clinician, make.a_coordinator])
def test_to_staff_these_pages_do_not_exist(path, somebody, unit, settings):
    settings.FOLLOWUP_STAFF_MFA = False
    assert signed_in(somebody(unit)).get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_anything_of_a_neighbour(path, anna, bengt, nurse):
    contact = a_finished_call(anna, nurse, outcome="self_care", agreed="Rest well.", call_again_on=date(2026, 11, 27))
    shown = page(signed_in(bengt.user), path)
    assert not any(words in shown for words in (contact.case.reference, "It began on Friday.", "Rest well.", "Karin"))


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_kept_by_a_cache(path, anna):
    assert "no-store" in signed_in(anna.user).get(path).headers["Cache-Control"]


# home


def test_home_puts_getting_in_touch_first_and_says_when_nothing_is_due(anna):
    shown = page(signed_in(anna.user), "/home/")
    assert shown.index("I feel worse or I am worried") < shown.index("Nothing is due.")


def test_the_front_page_is_home_for_a_patient_and_a_door_for_anybody_else(anna):
    assert signed_in(anna.user).get("/").url == "/home/"
    shown = page(Client(), "/")
    assert 'href="/sign-in/"' in shown
    assert "08-465 004 00" in shown


def test_home_says_when_we_call_and_which_time_is_kept(anna, unit):
    make.urgent_times(unit, date(2026, 11, 24), 1)
    make.a_flare(anna)
    shown = page(signed_in(anna.user), "/home/")
    assert "A nurse will call you before midday tomorrow" in shown
    assert "A time is kept for you on Tuesday 24 November, 1pm. Do not come before we have spoken." in shown
    assert shown.count('aria-current="step"') == 1


def test_a_late_promise_is_said_with_its_new_time(anna):
    make.a_flare(anna)
    with clock.turned(make.SUNDAY_EVENING + timedelta(days=1, hours=-4)):
        shown = page(signed_in(anna.user), "/home/")
    assert "You are still in the queue. New time: before 4:30pm today." in shown


def test_a_booked_visit_always_says_do_not_wait(anna, unit, nurse):
    make.urgent_times(unit, date(2026, 11, 24), 1)
    a_finished_call(anna, nurse, outcome="clinic_time")
    shown = page(signed_in(anna.user), "/home/")
    assert "Tuesday 24 November, 1pm, Eksjö, room 4." in shown
    assert "Do you feel worse before then? Do not wait" in shown


def test_what_is_added_after_the_call_brings_another_call(anna, unit, nurse):
    make.urgent_times(unit, date(2026, 11, 24), 1)
    a_finished_call(anna, nurse, outcome="clinic_time")
    hers = signed_in(anna.user)
    assert "A nurse reads it and calls you again." in page(hers, "/tell-us/")
    shown = hers.post("/tell-us/", {"text": "It is getting worse."}, follow=True).content.decode()
    assert "A nurse will call you before" in shown
    assert "Your time at the clinic: Tuesday 24 November, 1pm, Eksjö, room 4." in shown


def test_what_was_agreed_another_time_is_not_shown_as_the_answer_to_what_is_open(anna, nurse):
    a_finished_call(anna, nurse, outcome="self_care", agreed="Rest well.", call_again_on=date(2026, 11, 27))
    make.a_flare(anna)
    shown = page(signed_in(anna.user), "/home/")
    assert "Rest well." not in shown
    assert "Rest well." in page(signed_in(anna.user), "/contacts/")


def test_the_first_page_says_whether_we_can_be_rung_now(unit):
    with clock.turned(make.SUNDAY_EVENING):
        assert "We are closed now and open again at 8am tomorrow." in Client().get("/").content.decode()
    with clock.turned(make.MONDAY_MORNING):
        assert "We are open now. Ringing us is just as good" in Client().get("/").content.decode()


def test_home_shows_what_was_agreed_after_the_last_call(anna, nurse):
    a_finished_call(
        anna, nurse, outcome="self_care", agreed="Rest well.", advice=["fluids"], call_again_on=date(2026, 11, 27)
    )
    shown = page(signed_in(anna.user), "/home/")
    assert "You got advice to follow at home" in shown
    assert "Rest well." in shown
    assert "Drink and rest" in shown
    assert "<strong>Friday 27 November</strong>" in shown


def test_a_warning_that_was_not_sent_yet_can_be_gone_on_with(anna):
    contacts.warn(patient=anna, red_flags=["rf_pain"], by=anna.user)
    assert 'href="/tell-us/why/"' in page(signed_in(anna.user), "/home/")


@pytest.mark.parametrize("path", ["/home/", "/where/", "/contacts/", "/messages/"])
def test_a_long_history_asks_the_database_no_more(path, anna, nurse):
    browser = signed_in(anna.user)
    browser.get(path)  # the first look notes where she is signed in

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            browser.get(path)
        return len(asked)

    for number in range(2):
        with clock.turned(make.SUNDAY_EVENING - timedelta(days=20 - number)):
            a_finished_call(anna, nurse, outcome="all_well")
    before = questions()
    for number in range(4):
        with clock.turned(make.SUNDAY_EVENING - timedelta(days=10 - number)):
            a_finished_call(anna, nurse, outcome="all_well")
    assert questions() == before


# where you are


def test_where_you_are_says_whose_move_it_is_and_what_happens_if_you_do_nothing(anna):
    make.a_flare(anna)
    shown = page(signed_in(anna.user), "/where/")
    assert "The nurses" in shown
    assert "Before midday tomorrow" in shown
    assert "You do not need to do anything. The nurse calls you; have your phone with you." in shown


def test_the_follow_up_plan_stands_with_the_reason_it_was_chosen_for(unit):
    patient = make.a_patient(unit, enrolment={"group_why": "You would rather be called."})
    shown = page(signed_in(patient.user), "/where/")
    assert "A call once a year" in shown
    assert "You would rather be called." in shown


# what we told you, who looked, earlier contacts


def test_messages_stand_newest_first_with_channel_and_state(anna):
    make.a_flare(anna)
    sms = Message.objects.get(patient=anna, channel="sms", template="request-received")
    messages.deliver(sms.id)
    shown = page(signed_in(anna.user), "/messages/")
    assert "Text message to" in shown
    assert "Sent" in shown
    assert "On its way" in shown


def test_sign_in_codes_are_not_among_the_messages(anna):
    attempt = signin.ask(address=signin.read_address(anna.phone), born_on=anna.born_on, browser="hers", network="home")
    messages.tell_code(attempt)
    assert Message.objects.filter(patient=anna, template="code").exists()
    assert "We have not sent you anything yet." in page(signed_in(anna.user), "/messages/")


def test_nobody_has_looked_until_somebody_did(anna, nurse):
    browser = signed_in(anna.user)
    assert "Nobody has opened your record." in page(browser, "/who-looked/")
    access.open_record(anna, by=nurse, where="call page")
    shown = page(browser, "/who-looked/")
    assert "Karin Nurse</strong>, nurse" in shown
    assert "When preparing a call with you" in shown


@pytest.mark.parametrize("path", PAGES)
def test_where_one_is_signed_in_is_one_press_away_from_every_page(path, anna):
    assert 'href="/signed-in/"' in page(signed_in(anna.user), path)


def test_the_door_does_not_offer_it(unit):
    assert 'href="/signed-in/"' not in page(Client(), "/")


def test_long_lists_are_read_page_by_page(anna, nurse):
    for number in range(25):
        with clock.turned(make.SUNDAY_EVENING + timedelta(minutes=number)):
            access.open_record(anna, by=nurse, where="record")
    browser = signed_in(anna.user)
    first = page(browser, "/who-looked/")
    assert first.count("Karin Nurse") == 20
    older = first.split('href="?before=')[1].split('"')[0]
    assert page(browser, f"/who-looked/?before={older}").count("Karin Nurse") == 5


@pytest.mark.parametrize("path", ["/messages/", "/who-looked/", "/contacts/"])
@pytest.mark.parametrize("before", ["", "yesterday", "9999", "%00", "2026-11-22T18:00:00.000000Z"])
def test_a_strange_place_to_begin_is_no_fault(path, before, anna):
    assert signed_in(anna.user).get(f"{path}?before={before}").status_code == 200


def test_earlier_contacts_show_own_words_and_what_was_agreed(anna, nurse):
    a_finished_call(
        anna, nurse, outcome="self_care", also=["prescription"], agreed="Rest well.", call_again_on=date(2026, 11, 27)
    )
    with clock.turned(make.SUNDAY_EVENING + timedelta(minutes=1)):
        shown = page(signed_in(anna.user), "/contacts/")
    assert "It began on Friday." in shown
    assert "You got advice to follow at home" in shown
    assert "A clinician looks at your prescription" in shown


# public pages


def test_the_emergency_page_is_public_and_about_nobody(anna):
    shown = page(Client(), "/emergency/")
    assert "Call 112 if:" in shown
    assert "Severe pain in my belly that does not ease" in shown
    assert "A temperature over 37.5" not in shown


def test_the_messages_of_the_demonstration_exist_only_there(anna, unit):
    assert Client().get("/demo/messages/").status_code == 404
    unit.demo = True
    unit.save()
    make.a_flare(anna)
    message = Message.objects.filter(patient=anna, channel="sms").first()
    LocalDelivery.objects.create(message=message, body="123456 is your code")
    assert "123456 is your code" in page(Client(), "/demo/messages/")
    part = Client().get("/demo/messages/", headers={"HX-Request": "true"}).content.decode()
    assert "123456 is your code" in part
    assert "<html" not in part


def test_a_clinic_without_a_number_keeps_its_sentences_whole(nurse, unit):
    unit.phone = unit.advice_number = ""
    unit.save()
    anna = make.a_patient(unit)
    me = signed_in(anna.user)
    contacts.finish(make.a_call_with(nurse, make.a_flare(anna)), by=nurse, outcome="no_answer")
    for path in (
        "/home/",
        "/where/",
        "/tell-us/",
        "/tell-us/sent/",
        "/emergency/",
        "/messages/",
        "/sign-in/new-number/",
    ):
        client = me if path != "/sign-in/new-number/" else Client()
        read = html.unescape(client.get(path, follow=True).content.decode()).replace("\u00a0", " ")
        assert "the clinic's number" in read, path
        assert 'href=""' not in read, path
        assert "tel:" not in read, path
