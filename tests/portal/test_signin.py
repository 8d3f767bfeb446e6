"""The way in for patients, page by page, and what a stranger can learn from it: nothing."""

import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from followup.core import clock
from followup.core.models import Entry, Outbox
from followup.messages import services as messages
from followup.messages.models import Message
from followup.messages.services import delivery
from followup.people import services as people
from followup.people.models import User
from followup.people.signin import policy
from followup.people.signin import services as signin
from followup.people.signin.models import Attempt, Code, Try
from tests import factories as make

pytestmark = pytest.mark.django_db

EVENING = make.SUNDAY_EVENING
BORN = {"day": "3", "month": "5", "year": "1971"}


@pytest.fixture(autouse=True)
def at():
    with clock.turned(EVENING) as moment:
        yield moment


def later(**length):
    return clock.turned(EVENING + timedelta(**length))


@pytest.fixture
def anna(unit):
    return make.a_patient(unit, phone="+46701740605", email="anna@example.org", given_name="Anna", language="sv")


def browser() -> Client:
    return Client(enforce_csrf_checks=False, headers={"accept": "text/html", "accept-language": "en"})


def as_far_as_the_code(client: Client, address="070-174 06 05", born=BORN, next="/"):
    assert client.post("/sign-in/", {"address": address, "next": next}).headers["Location"] == "/sign-in/birth/"
    return client.post("/sign-in/birth/", born)


def sent_code() -> str:
    """The newest code, as the worker would put it into the message."""
    return signin.code_of(Code.objects.order_by("-created_at").first().id)


def wrong_code(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06}"


def enter(client: Client, code: str):
    return client.post("/sign-in/code/", {"code": code})


def error(response) -> str:
    found = re.search(r'class="nhsuk-error-message"[^>]*>(.*?)</span>\s*</?[a-z]', response.content.decode(), re.S)
    return re.sub(r"<[^>]+>|\s+", " ", found.group(1)) if found else ""


def signed_in(client: Client):
    return client.session.get("_auth_user_id")


# In


def test_a_number_a_birth_date_and_the_code_from_the_message_let_a_patient_in(anna):
    phone = browser()
    assert phone.get("/in").headers["Location"] == "/sign-in/"
    assert phone.get("/sign-in/").status_code == 200
    answer = as_far_as_the_code(phone, next="/contact/")
    assert answer.headers["Location"] == "/sign-in/code/"
    assert "070-174 06 05" in phone.get("/sign-in/code/").content.decode()

    key_before = phone.session.session_key
    answer = enter(phone, sent_code())

    assert answer.headers["Location"] == "/contact/"
    assert signed_in(phone) == str(anna.user_id)
    assert phone.session.session_key != key_before, "the session id is renewed at sign-in"
    line = Entry.objects.get(verb="patient.signed_in")
    assert (line.patient_id, line.actor_id) == (anna.id, anna.user_id)
    assert phone.get("/in").headers["Location"] == "/"
    assert phone.get("/sign-in/").headers["Location"] == "/"


def test_an_email_address_does_as_well(anna):
    client = browser()
    as_far_as_the_code(client, address=" Anna@Example.ORG ")
    assert Code.objects.get().channel == "email"
    enter(client, sent_code())
    assert signed_in(client) == str(anna.user_id)


@pytest.mark.parametrize(
    "typed", ["0701740605", "+46 70 174 06 05", "0046 701740605", "070 - 174 06 05", "+46(0)701740605"]
)
def test_a_number_may_be_spelled_in_any_way(anna, typed):
    as_far_as_the_code(browser(), address=typed)
    assert Attempt.objects.get().patient == anna


def test_a_national_number_is_read_as_of_each_country_the_unit_serves(unit):
    british = make.a_patient(unit, phone="+447700900123")
    as_far_as_the_code(browser(), address="07700 900123")
    assert Attempt.objects.get().patient == british


def test_spaces_and_dashes_in_the_code_are_ignored(anna):
    client = browser()
    as_far_as_the_code(client)
    code = sent_code()
    enter(client, f" {code[:3]}-{code[3:]} ")
    assert signed_in(client)


def test_the_worker_sends_the_code_and_the_message_keeps_none(anna):
    as_far_as_the_code(browser())
    row = Outbox.objects.get(topic="signin.code_wanted")
    messages.tell_code(**row.payload)
    message = Message.objects.get(patient=anna)
    assert message.to == "+46701740605"
    assert sent_code() not in message.body
    assert sent_code() in delivery._body_to_send(message)


def test_the_code_is_nowhere_in_the_database(anna):
    as_far_as_the_code(browser())
    code = sent_code()
    for rows in (Attempt, Code, Try, Outbox, Entry):
        assert code not in str(list(rows.objects.values()))


def test_the_language_of_a_patient_who_chose_none_here_is_the_one_they_chose_before(anna):
    client = browser()
    as_far_as_the_code(client)
    assert enter(client, sent_code()).cookies["language"].value == "sv"


# Nothing tells whether somebody exists


def forgetful(html: str) -> str:
    """A page without what differs between any two visits."""
    html = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", html)
    return re.sub(r'nonce="[^"]*"', "", html)


def whole_visit(born: dict) -> list[tuple]:
    """Everything one can learn from outside on the way through the pages, and the number of statements behind it."""
    client, seen = browser(), []
    steps = [
        lambda: client.get("/sign-in/"),
        lambda: client.post("/sign-in/", {"address": "070-174 06 05"}),
        lambda: client.get("/sign-in/birth/"),
        lambda: client.post("/sign-in/birth/", born),
        lambda: client.get("/sign-in/code/"),
        lambda: enter(client, "12345"),
        lambda: enter(client, wrong_code(sent_code())),
        lambda: client.get("/sign-in/new-code/"),
        lambda: client.post("/sign-in/new-code/", {"channel": "sms"}),
        lambda: client.get("/sign-in/code/"),
    ]
    for step in steps:
        with CaptureQueriesContext(connection) as statements:
            answer = step()
        page = forgetful(answer.content.decode())
        seen.append((answer.status_code, answer.headers.get("Location"), page, sorted(answer.cookies), len(statements)))
    return seen


def test_a_stranger_gets_the_same_answers_cookies_and_work_as_a_patient(anna):
    known, unknown = whole_visit(BORN), whole_visit({**BORN, "day": "4"})
    assert sorted(attempt.patient == anna for attempt in Attempt.objects.all()) == [False, True]
    for number, (one, other) in enumerate(zip(known, unknown, strict=True)):
        assert one == other, f"step {number}"
    assert Outbox.objects.filter(topic="signin.code_wanted").count() == 2


def test_the_right_code_of_an_attempt_that_matched_nobody_lets_nobody_in(anna):
    client = browser()
    as_far_as_the_code(client, born={**BORN, "year": "1972"})
    assert "not correct" in error(enter(client, sent_code()))
    assert not signed_in(client)
    assert signin.code_wanted(Attempt.objects.get().id) is None


def test_twins_on_one_telephone_are_not_told_apart_by_guess(unit):
    for name in ("Lina", "Lisa"):
        make.a_patient(unit, given_name=name, phone="+46701740605")
    as_far_as_the_code(browser())
    assert Attempt.objects.get().patient is None


def test_the_date_of_birth_picks_the_person_on_a_family_telephone(unit, anna):
    child = make.a_patient(unit, phone=anna.phone, born_on=date(2001, 7, 9))
    as_far_as_the_code(browser(), born={"day": "09", "month": "7", "year": "2001"})
    assert Attempt.objects.get().patient == child


# Codes


def test_another_browser_cannot_use_the_code(anna):
    mine, other = browser(), browser()
    as_far_as_the_code(mine)
    code = sent_code()
    assert enter(other, code).headers["Location"] == "/sign-in/"
    with later(minutes=2):
        as_far_as_the_code(other)
        assert "not correct" in error(enter(other, code))
    assert not signed_in(other)
    enter(mine, code)
    assert signed_in(mine)


def test_a_wrong_code_is_said_with_the_digits_it_should_have(anna):
    client = browser()
    as_far_as_the_code(client)
    answer = enter(client, wrong_code(sent_code()))
    assert answer.status_code == 422
    assert "6 digits" in error(answer)
    assert "<title>Error: " in answer.content.decode()
    answer = enter(client, "12 34")
    assert "6 digits" in error(answer)
    assert Try.objects.count() == 1, "what cannot be a code is not counted as one"


def test_a_code_can_be_tried_five_times(anna):
    client = browser()
    as_far_as_the_code(client)
    code = sent_code()
    for number in range(5):
        answer = enter(client, wrong_code(code))
        assert ("tried too often" in error(answer)) == (number == 4)
    enter(client, code)
    assert not signed_in(client)


def test_a_used_code_is_used_up(anna):
    client = browser()
    as_far_as_the_code(client)
    code, state = sent_code(), client.session["signin"]
    enter(client, code)
    with pytest.raises(signin.Unknown):
        signin.enter(attempt_id=state["attempt"], browser=state["browser"], typed=code)


def test_after_a_quarter_of_an_hour_a_code_has_expired_and_a_new_one_is_sent(anna):
    client = browser()
    as_far_as_the_code(client)
    code = sent_code()
    with later(minutes=16):
        assert "expired. We have sent a new one" in error(enter(client, code))
        assert Code.objects.count() == 2
        assert Outbox.objects.filter(topic="signin.code_wanted").count() == 2
        enter(client, sent_code())
    assert signed_in(client)


def test_after_two_hours_a_code_is_a_wrong_one(anna):
    client = browser()
    as_far_as_the_code(client)
    code = sent_code()
    with later(hours=2, minutes=1):
        assert "not correct" in error(enter(client, code))
    assert Code.objects.count() == 1


def test_a_new_code_leaves_the_earlier_one_good_for_its_own_time(anna):
    client = browser()
    as_far_as_the_code(client)
    first = sent_code()
    with later(minutes=2):
        assert client.post("/sign-in/new-code/", {"channel": "email"}).headers["Location"] == "/sign-in/code/"
        assert "a new code is on its way" in client.get("/sign-in/code/").content.decode()
        assert "a new code is on its way" not in client.get("/sign-in/code/").content.decode(), "said once"
        assert signin.code_wanted(Attempt.objects.get().id).channel == "email"
    with later(minutes=14):
        enter(client, first)
    assert signed_in(client)


def test_the_same_answers_again_send_no_second_code(anna):
    client = browser()
    as_far_as_the_code(client)
    as_far_as_the_code(client)
    assert (Attempt.objects.count(), Code.objects.count()) == (1, 1)


# Limits


def test_a_minute_passes_between_two_codes_and_three_are_enough_for_a_quarter_of_an_hour(anna):
    client = browser()
    as_far_as_the_code(client)
    ask = {"channel": "sms"}
    assert "another code in 1 minute" in error(client.post("/sign-in/new-code/", ask))
    for minutes in (1, 2):
        with later(minutes=minutes):
            assert client.post("/sign-in/new-code/", ask).status_code == 302
    with later(minutes=3):
        assert "another code in 12 minutes" in error(client.post("/sign-in/new-code/", ask))
        stranger = browser()
        assert "another code in 12 minutes" in as_far_as_the_code(stranger).content.decode(), "nor from another browser"
    with later(minutes=15):
        assert client.post("/sign-in/new-code/", ask).status_code == 302


def test_one_patient_gets_three_codes_however_many_addresses_ask(anna):
    wanted = []
    for number, address in enumerate(["070-174 06 05", "anna@example.org"] * 2):
        with later(minutes=2 * number):
            client = browser()
            assert as_far_as_the_code(client, address=address).status_code == 302
            attempt = Attempt.objects.order_by("-created_at").first()
            wanted.append(signin.code_wanted(attempt.id) is not None)
    assert wanted == [True, True, True, False]


def test_a_mistyped_birth_date_may_be_put_right_at_once(anna):
    client = browser()
    as_far_as_the_code(client, born={**BORN, "day": "13"})
    with later(seconds=10):
        assert as_far_as_the_code(client).headers["Location"] == "/sign-in/code/"
        enter(client, sent_code())
    assert signed_in(client)


def test_after_ten_wrong_codes_even_the_right_one_waits(anna):
    client = browser()
    as_far_as_the_code(client)
    for number in range(2):
        with later(minutes=number):
            code = sent_code()
            for _ in range(5):
                enter(client, wrong_code(code))
            with later(minutes=number + 1):
                client.post("/sign-in/new-code/", {"channel": "sms"})
    with later(minutes=1, seconds=30):
        assert "too many wrong codes. Try again in 1 minute" in error(enter(client, sent_code()))
        assert not signed_in(client)
    with later(minutes=4):
        enter(client, sent_code())
        assert signed_in(client)


def test_limits_hold_for_a_network(anna, monkeypatch):
    monkeypatch.setitem(policy.SENDS, "network", 2)
    for number in range(3):
        answer = as_far_as_the_code(browser(), address=f"stranger{number}@example.org")
    assert answer.status_code == 422


# What is typed wrong


@pytest.mark.parametrize("typed", ["", "   ", "hello", "070", "anna@", "+1 202 555 0143", "x" * 300])
def test_what_is_no_address_is_said_and_kept(anna, typed):
    answer = browser().post("/sign-in/", {"address": typed})
    assert answer.status_code == 422
    assert "e-mail address" in error(answer)
    assert not typed.strip() or f'value="{typed.strip()[:5]}' in answer.content.decode()
    assert not Attempt.objects.exists()


@pytest.mark.parametrize(
    "born",
    [
        {},
        {"day": "3", "month": "", "year": "1971"},
        {"day": "31", "month": "2", "year": "1971"},
        {"day": "3", "month": "may", "year": "1971"},
        {"day": "3", "month": "5", "year": "71"},
        {"day": "3", "month": "5", "year": "2099"},
        {"day": "3", "month": "5", "year": "1800"},
        {"day": "٣", "month": "5", "year": "1971"},
        {"day": "9" * 15, "month": "5", "year": "1971"},
    ],
)
def test_what_is_no_birth_date_is_said(anna, born):
    client = browser()
    client.post("/sign-in/", {"address": "0701740605"})
    answer = client.post("/sign-in/birth/", born)
    assert answer.status_code == 422
    assert error(answer)
    assert not Attempt.objects.exists()


def test_no_page_can_be_reached_before_the_one_in_front_of_it():
    make.a_unit()
    for path in ("birth", "code", "new-code"):
        assert browser().get(f"/sign-in/{path}/").headers["Location"] == "/sign-in/"
        assert browser().post(f"/sign-in/{path}/", {"code": "123456"}).headers["Location"] == "/sign-in/"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere_after_signing_in(anna, wanted):
    client = browser()
    as_far_as_the_code(client, next=wanted)
    assert enter(client, sent_code()).headers["Location"] == "/"


def test_whoever_wanted_a_page_for_staff_is_led_to_the_staff_door(unit):
    answer = browser().get("/sign-in/", {"next": "/desk/queue/"})
    assert answer.headers["Location"] == "/staff/sign-in/?next=%2Fdesk%2Fqueue%2F"


def test_a_new_number_is_a_matter_for_the_telephone(unit):
    assert unit.phone in browser().get("/sign-in/new-number/").content.decode()


# Out


def test_signing_out_is_a_post(anna):
    client = browser()
    client.force_login(anna.user, backend="followup.people.backends.WithoutPassword")
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert not signed_in(client)


def test_after_half_an_hour_without_use_a_patient_signs_in_again_and_comes_back(anna):
    client = browser()
    client.force_login(anna.user, backend="followup.people.backends.WithoutPassword")
    client.get("/sign-in/new-number/")
    with later(minutes=29):
        client.post("/stay-signed-in/")
    with later(minutes=58):
        assert client.get("/in").headers["Location"] == "/"
    with later(minutes=89):
        answer = client.post("/stay-signed-in/", {"next": "/contact/"})
        assert answer.headers["Location"].startswith("/sign-in/?next=")
        assert not signed_in(client)


# A wall screen


def a_wall(unit) -> User:
    username = f"wall-{unit.id.hex[:6]}"
    return people.add_staff(username=username, name="Wall", role="wall", unit=unit, by=make.TESTS)


def test_a_wall_screen_shows_its_key_once_and_stays(unit):
    wall = a_wall(unit)
    key = people.new_token(user=wall, by=make.TESTS)
    client = browser()
    assert client.get(f"/wall/{key}/").headers["Location"] == "/wall/"
    assert signed_in(client) == str(wall.id)
    with later(days=30):
        assert client.get("/staff/").headers["Location"] == "/wall/"


def test_no_other_key_opens_the_wall(unit):
    nurse, wall = make.a_nurse(unit), a_wall(unit)
    revoked = people.new_token(user=wall, by=make.TESTS)
    people.revoke_tokens(user=wall, by=make.TESTS)
    for key in (people.new_token(user=nurse, by=make.TESTS), revoked, "nothing"):
        client = browser()
        assert client.get(f"/wall/{key}/").status_code == 404
        assert not signed_in(client)
