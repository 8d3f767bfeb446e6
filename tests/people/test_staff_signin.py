"""Staff: user name and password, then a code from an app; limits in the database."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client

from followup.core import clock
from followup.core.models import Entry
from tests import factories as make

pytestmark = pytest.mark.django_db

PASSWORD = "a long pass phrase"  # as tests.factories gives it


@pytest.fixture
def nurse():
    return make.a_nurse(make.a_unit())


@pytest.fixture
def with_second_factor(settings):
    settings.FOLLOWUP_STAFF_MFA = True


@pytest.fixture(autouse=True)
def by_password_alone(settings, request):
    settings.FOLLOWUP_STAFF_MFA = "with_second_factor" in request.fixturenames


def browser() -> Client:
    return Client(headers={"accept": "text/html", "accept-language": "en"})


def sign_in(client: Client, username: str, password: str = PASSWORD, **more):
    return client.post("/staff/sign-in/", {"login": username, "password": password, **more})


def signed_in(client: Client):
    return client.session.get("_auth_user_id")


def code_for(secret: str) -> str:
    cache.clear()  # an app's code is good once; a test is quicker than 30 seconds
    return totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))


@pytest.mark.parametrize(
    ("somebody", "lands_on"),
    [(make.a_nurse, "/desk/queue/"), (make.a_coordinator, "/desk/morning/"), (make.a_clinician, "/desk/asks/")],
)
def test_each_role_lands_on_its_own_page(somebody, lands_on):
    user, client = somebody(make.a_unit()), browser()
    assert sign_in(client, user.username).headers["Location"] == "/staff/"
    assert client.get("/staff/").headers["Location"] == lands_on
    assert Entry.objects.get(verb="staff.signed_in").actor_id == user.id


def test_whoever_came_for_a_page_gets_that_page(nurse):
    answer = sign_in(browser(), nurse.username, next="/desk/board/")
    assert answer.headers["Location"] == "/desk/board/"
    answer = sign_in(browser(), nurse.username, next="https://evil.example/")
    assert answer.headers["Location"] == "/staff/"


def test_capital_letters_in_a_user_name_do_not_matter(nurse):
    client = browser()
    sign_in(client, nurse.username.upper())
    assert signed_in(client) == str(nurse.id)


def test_an_unknown_name_a_wrong_password_a_patient_and_somebody_who_left_get_the_same_answer(nurse):
    patient = make.a_patient(nurse.unit)
    gone = make.a_nurse(nurse.unit)
    gone.memberships.update(ended_on="2026-01-01")
    pages = []
    for username, password in [
        ("nobody", PASSWORD),
        (nurse.username, "wrong"),
        (patient.user.username, PASSWORD),
        (gone.username, PASSWORD),
    ]:
        client = browser()
        answer = sign_in(client, username, password)
        assert not signed_in(client)
        assert "is not correct" in answer.content.decode()
        page = re.sub(r'(value|nonce)="[^"]*"', "", answer.content.decode())
        pages.append((answer.status_code, page, sorted(answer.cookies)))
    assert pages[1:] == pages[:-1]


def test_too_many_wrong_passwords_lock_the_name_for_a_while_though_the_cache_is_wiped(nurse):
    for _ in range(10):
        cache.clear()
        answer = sign_in(browser(), nurse.username, "wrong")
    assert answer.status_code == 429
    client = browser()
    answer = sign_in(client, nurse.username)
    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.content.decode()
    assert not signed_in(client)


def test_there_is_no_sign_up_and_no_reset_by_mail(nurse):
    page = browser().get("/staff/sign-in/").content.decode()
    assert "signup" not in page
    for path in ("/staff/signup/", "/staff/password/reset/", "/staff/email/"):
        assert browser().get(path).status_code == 404


def test_without_a_second_factor_staff_set_one_up_before_anything_else(nurse, with_second_factor):
    client = browser()
    sign_in(client, nurse.username)
    assert client.get("/staff/").headers["Location"] == "/staff/security/totp/activate/"
    page = client.get("/staff/security/totp/activate/")
    assert page.status_code == 200
    secret = client.session["mfa.totp.secret"]
    wrong = client.post("/staff/security/totp/activate/", {"code": "000000"})
    assert "is not correct" in wrong.content.decode()
    answer = client.post("/staff/security/totp/activate/", {"code": code_for(secret)})
    assert answer.headers["Location"] == "/staff/security/recovery-codes/"
    assert client.get("/staff/security/recovery-codes/").content.decode().count("<code>") == 10
    assert client.get("/staff/").headers["Location"] == "/desk/queue/"
    stored = nurse.authenticator_set.get(type="totp").data["secret"]
    assert secret not in stored, "kept encrypted"


def test_with_a_second_factor_the_password_alone_opens_nothing(nurse, with_second_factor):
    client = browser()
    sign_in(client, nurse.username)
    client.get("/staff/security/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    client.post("/staff/security/totp/activate/", {"code": code_for(secret)})
    client.post("/sign-out/")

    answer = sign_in(client, nurse.username)
    assert answer.headers["Location"] == "/staff/security/authenticate/"
    assert not signed_in(client)
    assert client.get("/staff/").headers["Location"] == "/staff/sign-in/"
    assert client.get("/staff/security/authenticate/").status_code == 200
    wrong = client.post("/staff/security/authenticate/", {"code": "000000"})
    assert "is not correct" in wrong.content.decode()
    client.post("/staff/security/authenticate/", {"code": code_for(secret)})
    assert signed_in(client) == str(nurse.id)


def test_guessing_the_second_factor_locks_like_guessing_the_password(nurse, with_second_factor):
    client = browser()
    sign_in(client, nurse.username)
    client.get("/staff/security/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    client.post("/staff/security/totp/activate/", {"code": code_for(secret)})
    client.post("/sign-out/")
    sign_in(client, nurse.username)
    for _ in range(10):
        cache.clear()
        answer = client.post("/staff/security/authenticate/", {"code": "000000"})
    assert answer.status_code == 429
    client.post("/staff/security/authenticate/", {"code": code_for(secret)})
    assert not signed_in(client)


def test_every_page_about_ones_own_sign_in_opens(nurse):
    client = browser()
    sign_in(client, nurse.username)
    for path in ("/staff/security/", "/staff/password/", "/staff/security/totp/activate/"):
        assert client.get(path).status_code == 200, path


def test_after_a_quarter_of_an_hour_without_use_staff_sign_in_again_and_come_back(nurse):
    client = browser()
    with clock.turned(make.MONDAY_MORNING):
        sign_in(client, nurse.username)
        client.get("/staff/security/")
    with clock.turned(make.MONDAY_MORNING + timedelta(minutes=14)):
        assert client.get("/staff/password/").status_code == 200
    with clock.turned(make.MONDAY_MORNING + timedelta(minutes=30)):
        answer = client.post("/staff/password/", {"oldpassword": "x"})
    assert answer.headers["Location"] == "/staff/sign-in/?next=%2Fstaff%2Fpassword%2F"
    assert not signed_in(client)


def test_a_fragment_asked_for_after_that_sends_the_whole_page_to_the_door(nurse):
    client = browser()
    with clock.turned(make.MONDAY_MORNING):
        sign_in(client, nurse.username)
        client.get("/staff/security/")
    with clock.turned(make.MONDAY_MORNING + timedelta(minutes=16)):
        answer = client.get("/staff/security/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/staff/sign-in/?next=%2Fstaff%2Fsecurity%2F"


def test_a_long_talk_with_a_call_open_signs_nobody_out(nurse):
    from followup.callbacks import services as callbacks

    client = browser()
    with clock.turned(make.MONDAY_MORNING):
        make.a_flare(make.a_patient(nurse.unit), booked=False)
        callback = callbacks.claim_next(by=nurse)
        sign_in(client, nurse.username)
        assert client.get(f"/desk/calls/{callback.id}/").status_code == 200
    with clock.turned(make.MONDAY_MORNING + timedelta(minutes=50)):
        assert client.get("/staff/").headers["Location"] == "/desk/queue/"
    with clock.turned(make.MONDAY_MORNING + timedelta(minutes=90)):
        assert client.get("/staff/").headers["Location"].startswith("/staff/sign-in/")
