"""Passwords of staff: what is easy to guess is refused, what was made for somebody is soon replaced, what was lost is made anew."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from followup.core import clock
from followup.core.models import Entry
from followup.people import services as people
from followup.people.models import User
from tests import factories as make
from tests.people.test_staff_signin import PASSWORD, browser, code_for, sign_in, signed_in

pytestmark = pytest.mark.django_db

OWN = "quite another long sentence"


@pytest.fixture(autouse=True)
def second_factor(settings, request):
    settings.FOLLOWUP_STAFF_MFA = False


@pytest.fixture
def unit():
    return make.a_unit(name="Mag-tarm Eksjö", place="Hus 12, Ryhov")


@pytest.fixture
def nurse(unit):
    return make.a_nurse(unit)


def kinds(password: str, **who) -> set[str]:
    try:
        validate_password(password, User(**who))
    except ValidationError as refused:
        return {error.code for error in refused.error_list}
    return set()


@pytest.mark.parametrize(
    "password",
    [
        "Followup-2026!",
        "mag-tarm eksjö 1",
        "MAGTARM-EKSJÖ-99",
        "Ryhov 2026 Ryhov",
        "sjuksköterska 12345",
        "ibd IBD ibd ibd",
    ],
)
def test_words_of_the_house_are_no_password(unit, password):
    make.a_patient(unit)
    assert "house-words" in kinds(password)


@pytest.mark.parametrize("password", ["P@ssw0rd2020", "qwertyuiop12", "aaaaaaaaaaaa", "1q2w3e4r5t6y", "Password123!"])
def test_what_was_leaked_and_what_people_make_of_it_is_no_password(unit, password):
    assert "easily-guessed" in kinds(password)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        OWN,
        "correct horse battery",
        "eksjö har sju broar om våren",
        "x" * 10 + " snälla låt mig in " * 4,
        "ö9k2mfw8qa",
    ],
)
def test_any_sentence_of_ones_own_is_one_however_long(unit, password):
    assert kinds(password, username="karin", name="Karin Lund") == set()


def from_the_console(unit, monkeypatch) -> str:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    said = StringIO()
    call_command("create_staff", "sara", "--role", "nurse", "--unit", unit.name, stdout=said)
    return said.getvalue().split("shown this once: ")[1].strip()


def new_here(unit) -> str:
    """Sara, with a password that was made for her."""
    made = people.new_password()
    people.add_staff(
        username="sara", name="Sara", role="nurse", unit=unit, by=make.TESTS, password=made, password_given=True
    )
    return made


def change(client, old, new):
    return client.post("/staff/password/", {"oldpassword": old, "password1": new, "password2": new})


def test_a_password_that_was_made_is_replaced_before_anything_else(unit, monkeypatch):
    made, client = from_the_console(unit, monkeypatch), browser()
    sign_in(client, "sara", made)
    for path in ("/staff/", "/desk/queue/", "/staff/security/", "/signed-in/"):
        assert client.get(path).headers["Location"] == "/staff/password/", path
    assert client.get("/api/v1/board").status_code == 403
    assert "made for you" in client.get("/staff/password/").content.decode()
    assert "Choose another password" in change(client, made, made).content.decode()
    assert change(client, made, OWN).headers["Location"] == "/staff/"
    assert client.get("/staff/").headers["Location"] == "/desk/queue/"
    assert change(client, OWN, OWN + " again").headers["Location"] == "/staff/security/"


def test_the_old_password_is_not_guessed_at_a_change_any_more_than_at_the_door(nurse):
    client = browser()
    sign_in(client, nurse.username)
    for _ in range(10):
        cache.clear()
        answer = change(client, "guessed", OWN)
    assert answer.status_code == 429
    change(client, PASSWORD, OWN)
    nurse.refresh_from_db()
    assert nurse.check_password(PASSWORD), "the right one comes too late"
    assert sign_in(browser(), nurse.username).status_code == 429


def test_with_a_second_factor_that_comes_after_the_password(unit, settings):
    settings.FOLLOWUP_STAFF_MFA = True
    made, client = new_here(unit), browser()
    sign_in(client, "sara", made)
    assert client.get("/staff/security/totp/activate/").headers["Location"] == "/staff/password/"
    change(client, made, OWN)
    assert client.get("/staff/").headers["Location"] == "/staff/security/totp/activate/"


def test_a_password_that_was_made_and_not_used_opens_nothing_after_a_week(unit):
    with clock.turned(make.MONDAY_MORNING):
        made = new_here(unit)
    with clock.turned(make.MONDAY_MORNING + timedelta(days=7)):
        in_time = browser()
        sign_in(in_time, "sara", made)
        assert signed_in(in_time)
    with clock.turned(make.MONDAY_MORNING + timedelta(days=7, minutes=1)):
        late = browser()
        assert "is not correct" in sign_in(late, "sara", made).content.decode()
        assert not signed_in(late)


def test_a_password_that_somebody_typed_at_the_console_is_theirs(unit):
    user = people.add_staff(username="eva", name="Eva", role="nurse", unit=unit, by=make.TESTS, password=PASSWORD)
    client = browser()
    sign_in(client, user.username)
    assert client.get("/staff/").headers["Location"] == "/desk/queue/"


def reset(*words) -> str:
    said = StringIO()
    call_command("reset_staff", *words, stdout=said)
    return said.getvalue().split("shown this once: ")[1].strip()


def test_whoever_lost_their_password_gets_another_from_the_console_and_keeps_their_app(nurse, settings):
    settings.FOLLOWUP_STAFF_MFA = True
    client = browser()
    sign_in(client, nurse.username)
    client.get("/staff/security/totp/activate/")
    secret = client.session["mfa.totp.secret"]
    client.post("/staff/security/totp/activate/", {"code": code_for(secret)})
    for _ in range(10):
        sign_in(browser(), nurse.username, "wrong")

    made = reset(nurse.username.upper())

    assert client.get("/staff/").headers["Location"] == "/staff/sign-in/", "signed out everywhere"
    assert not signed_in(client)
    again = browser()
    assert sign_in(again, nurse.username, made).headers["Location"] == "/staff/security/authenticate/"
    again.post("/staff/security/authenticate/", {"code": code_for(secret)})
    assert again.get("/staff/").headers["Location"] == "/staff/password/"
    assert Entry.objects.filter(verb="staff.password_given", actor_name="console").count() == 1
    assert made not in str(list(Entry.objects.values()))


def test_whoever_lost_their_telephone_sets_up_another_app(nurse, settings):
    settings.FOLLOWUP_STAFF_MFA = True
    client = browser()
    sign_in(client, nurse.username)
    client.get("/staff/security/totp/activate/")
    client.post("/staff/security/totp/activate/", {"code": code_for(client.session["mfa.totp.secret"])})
    made = reset(nurse.username, "--second-factor")
    again = browser()
    sign_in(again, nurse.username, made)
    change(again, made, OWN)
    assert again.get("/staff/").headers["Location"] == "/staff/security/totp/activate/"
    assert not nurse.authenticator_set.exists()
    assert Entry.objects.filter(verb="staff.second_factor_forgotten").exists()


def test_nobody_else_gets_a_password_that_way(unit):
    wall = people.add_staff(username="wall7", name="Wall", role="wall", unit=unit, by=make.TESTS)
    for username in ("nobody", wall.username, make.a_patient(unit).user.username):
        with pytest.raises(CommandError):
            reset(username)
