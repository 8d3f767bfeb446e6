"""The limits of the patients' sign-in hold when everything comes at once."""

from followup.people.models import User
from followup.people.signin import policy
from followup.people.signin import services as signin
from followup.people.signin.models import Attempt, Code
from tests import factories as make
from tests.races.at_once import at_once

MANY = 8


def ask(patient, browser):
    return signin.ask(
        address=signin.Address("email", (patient.email,)),
        born_on=patient.born_on,
        browser=browser,
        network=patient.email,
    )


def a_patient(unit):
    # Of an address that no other run has used: limits are counted over a day.
    return make.a_patient(unit, email=f"{unit.id.hex}@example.org", phone="")


def test_browsers_that_ask_at_once_for_one_person_cause_one_message(unit):
    anna = a_patient(unit)
    answers = at_once([lambda: ask(anna, signin.new_browser()) for _ in range(MANY)])
    assert sorted(isinstance(answer, signin.TooSoon) for answer in answers) == [False] + [True] * (MANY - 1)
    assert Code.objects.filter(attempt__patient=anna).count() == 1


def test_one_button_pressed_often_makes_one_attempt(unit):
    anna, browser = a_patient(unit), signin.new_browser()
    answers = at_once([lambda: ask(anna, browser) for _ in range(MANY)])
    assert len(set(answers)) == 1
    assert Attempt.objects.filter(patient=anna).count() == 1


def test_a_code_entered_twice_at_once_lets_in_once(unit):
    anna, browser = a_patient(unit), signin.new_browser()
    attempt = ask(anna, browser)
    code = signin.code_of(Code.objects.get(attempt=attempt).id)
    answers = at_once([lambda: signin.enter(attempt_id=attempt, browser=browser, typed=code) for _ in range(MANY)])
    assert sum(isinstance(answer, User) for answer in answers) == 1
    assert {type(answer) for answer in answers} == {User, signin.Unknown}


def test_guesses_at_once_are_counted_one_by_one(unit):
    anna, browser = a_patient(unit), signin.new_browser()
    attempt = ask(anna, browser)
    code = signin.code_of(Code.objects.get(attempt=attempt).id)
    wrong = [f"{(int(code) + step) % 10**6:06}" for step in range(1, MANY + 1)]
    answers = at_once(
        [lambda guess=guess: signin.enter(attempt_id=attempt, browser=browser, typed=guess) for guess in wrong]
    )
    left = sorted(answer.tries_left for answer in answers)
    assert left == [0, 0, 0, *range(policy.TRIES_A_CODE)]
    last = at_once([lambda: signin.enter(attempt_id=attempt, browser=browser, typed=code)])
    assert isinstance(last[0], signin.WrongCode)
