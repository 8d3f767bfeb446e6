"""Sessions: they end at last, they can be seen, and they can be ended from elsewhere."""

from datetime import timedelta
from io import StringIO

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client

from followup.core import clock
from followup.core.models import Entry
from followup.people import services as people
from followup.people.signin import places
from tests import factories as make
from tests.people.test_staff_signin import PASSWORD, code_for, sign_in, signed_in
from tests.portal.test_signin import as_far_as_the_code, enter, sent_code

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"
MORNING = make.MONDAY_MORNING


@pytest.fixture(autouse=True)
def by_password_alone(settings):
    settings.FOLLOWUP_STAFF_MFA = False


@pytest.fixture
def unit():
    return make.a_unit()


@pytest.fixture
def nurse(unit):
    return make.a_nurse(unit)


@pytest.fixture
def anna(unit):
    return make.a_patient(unit, phone="+46701740605", born_on=make.date(1971, 5, 3))


def browser(name=FIREFOX) -> Client:
    return Client(headers={"accept": "text/html", "accept-language": "en", "user-agent": name})


def of_staff(user, name=FIREFOX, password=PASSWORD) -> Client:
    client = browser(name)
    sign_in(client, user.username, password)
    assert signed_in(client) == str(user.id)
    return client


def of_patient(name=SAFARI) -> Client:
    client = browser(name)
    as_far_as_the_code(client)
    enter(client, sent_code())
    assert signed_in(client)
    return client


def is_in(client: Client, path="/signed-in/") -> bool:
    return client.get(path).status_code == 200


def used_all_day(client: Client, until: timedelta) -> None:
    passed = timedelta(minutes=10)
    while passed < until:
        with clock.turned(MORNING + passed):
            assert is_in(client), passed
        passed += timedelta(minutes=10)


def test_a_session_from_before_the_sign_in_opens_nothing(nurse, anna):
    """Whoever had planted its id in a browser would be signed in along with it."""
    of_a_nurse, of_anna = browser(), browser(SAFARI)
    of_a_nurse.session.save()
    as_far_as_the_code(of_anna)
    planted = [of_a_nurse.session.session_key, of_anna.session.session_key]
    sign_in(of_a_nurse, nurse.username)
    enter(of_anna, sent_code())
    assert is_in(of_a_nurse)
    assert is_in(of_anna)
    assert not Session.objects.filter(session_key__in=planted).exists()


@pytest.mark.parametrize("who", ["staff", "patient"])
def test_twelve_hours_after_the_sign_in_a_session_ends_however_much_it_is_used(nurse, anna, who):
    with clock.turned(MORNING):
        client = of_staff(nurse) if who == "staff" else of_patient()
    used_all_day(client, timedelta(hours=12))
    with clock.turned(MORNING + timedelta(hours=11, minutes=44)):
        assert "You will be signed out at" not in client.get("/signed-in/").content.decode()
    with clock.turned(MORNING + timedelta(hours=11, minutes=50)):
        assert "You will be signed out at" in client.get("/signed-in/").content.decode()
    with clock.turned(MORNING + timedelta(hours=12)):
        assert client.get("/signed-in/").headers["Location"].endswith("/sign-in/?next=%2Fsigned-in%2F")
    assert not signed_in(client)


def test_whoever_has_signed_in_sees_where_and_signs_out_everywhere_else(nurse):
    with clock.turned(MORNING):
        here, there = of_staff(nurse, FIREFOX), of_staff(nurse, SAFARI)
        colleague = of_staff(make.a_nurse(nurse.unit))
        page = here.get("/signed-in/").content.decode()
        assert page.index("Firefox on Windows") < page.index("Safari on iPhone"), "this place comes first"
        assert page.count("this is where you are now") == 1
        answer = here.post("/signed-in/", follow=True)
        assert "1 other place was signed out." in answer.content.decode()
        assert "You are signed in nowhere else." in answer.content.decode()
        assert is_in(here)
        assert not is_in(there)
        assert is_in(colleague)
    line = Entry.objects.get(verb="sessions.ended")
    assert (line.actor_id, line.detail) == (nurse.id, {"count": 1})


def test_patients_do_so_too(anna):
    with clock.turned(MORNING):
        library = of_patient(FIREFOX)
    with clock.turned(MORNING + timedelta(minutes=2)):
        telephone = of_patient(SAFARI)
        assert "Firefox on Windows" in telephone.get("/signed-in/").content.decode()
        telephone.post("/signed-in/")
        assert not is_in(library)
        assert is_in(telephone)
    assert Entry.objects.get(verb="sessions.ended").patient_id == anna.id


def test_staff_show_who_they_are_before_they_sign_out_others(nurse, settings):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    here, there = of_staff(nurse), of_staff(nurse)
    answer = here.post("/signed-in/")
    assert answer.headers["Location"].startswith("/staff/again/")
    assert is_in(there)
    old = here.session.session_key
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    here.post("/staff/again/?next=/signed-in/", {"password": PASSWORD, "next": "/signed-in/"})
    assert here.session.session_key != old, "the session has a new id"
    assert not Session.objects.filter(session_key=old).exists()
    assert not is_in(there), "what was asked for is done"


def test_what_opens_the_door_is_changed_only_after_signing_in_again(nurse, settings):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    client = of_staff(nurse)
    for path in ("/staff/security/totp/activate/", "/staff/security/recovery-codes/generate/"):
        assert client.get(path).headers["Location"].startswith("/staff/again/"), path
        assert client.post(path, {"code": "123456"}).headers["Location"].startswith("/staff/again/"), path
    wrong = client.post("/staff/password/", {"oldpassword": "x", "password1": "y" * 20, "password2": "y" * 20})
    assert wrong.status_code == 200, "the change of a password asks for it itself"
    assert sign_in(browser(), nurse.username).status_code == 302


def test_a_changed_password_ends_the_sessions_elsewhere(nurse):
    here, there = of_staff(nurse), of_staff(nurse)
    old = here.session.session_key
    new = "quite another long sentence"
    here.post("/staff/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert is_in(here)
    assert here.session.session_key != old
    assert not is_in(there)
    of_staff(nurse, password=new)


def test_a_second_factor_that_is_set_up_or_removed_ends_the_sessions_elsewhere(nurse):
    here, there = of_staff(nurse), of_staff(nurse)
    here.get("/staff/security/totp/activate/")
    secret = here.session["mfa.totp.secret"]
    with make_commits():
        here.post("/staff/security/totp/activate/", {"code": code_for(secret)})
    assert not is_in(there)
    assert is_in(here)
    other = browser()
    sign_in(other, nurse.username)
    unfinished = other.session.session_key
    other.post("/staff/security/authenticate/", {"code": code_for(secret)})
    assert other.session.session_key != unfinished, "a new id after the second factor"
    assert is_in(other)
    with make_commits():
        here.post("/staff/security/totp/deactivate/")
    assert not nurse.authenticator_set.exists()
    assert not is_in(other)
    assert is_in(here)


def make_commits():
    from django.test import TestCase

    return TestCase.captureOnCommitCallbacks(execute=True)


def test_a_code_asked_for_again_is_limited_like_at_the_door(nurse):
    here = of_staff(nurse)
    here.get("/staff/security/totp/activate/")
    secret = here.session["mfa.totp.secret"]
    here.post("/staff/security/totp/activate/", {"code": code_for(secret)})
    for _ in range(10):
        answer = here.post("/staff/security/reauthenticate/", {"code": "000000"})
    assert answer.status_code == 429
    answer = here.post("/staff/security/reauthenticate/", {"code": code_for(secret)})
    assert answer.status_code != 302


def test_the_console_signs_somebody_out_everywhere(nurse, anna):
    places_of_nurse = [of_staff(nurse), of_staff(nurse)]
    patient, said = of_patient(), StringIO()
    call_command("end_sessions", nurse.username.upper(), stdout=said)
    assert "in 2 places" in said.getvalue()
    assert not any(map(is_in, places_of_nurse))
    assert is_in(patient)
    call_command("end_sessions", anna.user.username, stdout=said)
    assert not is_in(patient)
    assert Entry.objects.filter(verb="sessions.ended", actor_name="console").count() == 2
    with pytest.raises(CommandError, match="Nobody here"):
        call_command("end_sessions", "nobody")


def test_a_wall_screen_is_signed_out_from_the_console_too(unit):
    wall = people.add_staff(username="wall9", name="Wall", role="wall", unit=unit, by=make.TESTS)
    client = browser()
    client.get(f"/wall/{people.new_token(user=wall, by=make.TESTS)}/")
    assert is_in(client, "/wall/")
    call_command("end_sessions", "wall9", stdout=StringIO())
    assert not is_in(client, "/wall/")
    key = people.new_token(user=wall, by=make.TESTS)
    call_command("end_sessions", "wall9", "--keys", stdout=StringIO())
    assert browser().get(f"/wall/{key}/").status_code == 404


def test_what_is_left_of_sessions_that_ended_is_removed_at_night(nurse):
    kept, gone = of_staff(nurse), of_staff(nurse)
    Session.objects.filter(session_key=gone.session.session_key).update(expire_date=MORNING - timedelta(days=1))
    places.forget_ended()
    assert is_in(kept)
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [kept.session.session_key]
    assert Session.objects.count() == 1
