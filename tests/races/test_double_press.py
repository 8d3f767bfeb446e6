"""The same button pressed twice at once, without any key that could tell: it is done once, and both are answered alike."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from followup.callbacks.models import CallOutcome
from followup.cases import services as cases
from followup.cases.models import Case
from followup.contacts import services as contacts
from followup.contacts.models import Addition
from followup.messages.models import Message
from tests import factories as make
from tests.portal.conftest import signed_in
from tests.races.at_once import at_once

CASE, CALL = 'INSERT INTO "cases_case"', 'UPDATE "callbacks_callback"'


@pytest.fixture
def anna(unit):
    """She has typed everything; what is left is to send."""
    anna = make.a_patient(unit)
    contacts.save_draft(patient=anna, answers={"reason": "other", "message": "A question", "answers": {}})
    return anna


def presses(anna, number):
    """Presses in one browser: its cookies are the same."""
    browser = signed_in(anna.user)

    def press():
        tab = Client()
        tab.cookies = browser.cookies
        return tab.post("/tell-us/check/")

    return [press] * number


def test_send_pressed_often_at_once_sends_one_request(anna):
    answers = at_once(presses(anna, 3), meet=CASE)
    assert [getattr(each, "url", each) for each in answers] == ["/tell-us/sent/"] * 3
    assert Case.objects.filter(patient=anna).count() == 1
    assert not Addition.objects.filter(contact__case__patient=anna).exists()


def test_without_the_lock_a_second_press_breaks_at_the_last_guard(anna):
    """The control: both presses find nothing open. One of the two is shown an error, and only an index keeps the request from being two."""
    answers = at_once(presses(anna, 2), meet=CASE, locked=False)
    [broken] = [each for each in answers if isinstance(each, IntegrityError)]
    assert "one_open_contact" in str(broken)
    assert [each.url for each in answers if each is not broken] == ["/tell-us/sent/"]


def test_without_its_index_too_a_patient_has_two_open_requests(unit):
    """The control of that last guard, in a transaction that is undone."""
    anna = make.a_patient(unit)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX one_open_contact")
        for _press in range(2):
            cases.open_case(patient=anna, kind="contact", by=make.TESTS)
        assert Case.objects.open().filter(patient=anna).count() == 2
        transaction.set_rollback(True)


@pytest.fixture
def call(unit):
    nurse = make.a_nurse(unit)
    return make.a_call_with(nurse, make.a_flare(make.a_patient(unit), reason="other", booked=False))


def finishes(call, number):
    return [lambda: contacts.finish(call, by=call.claimed_by, outcome="all_well")] * number


def test_an_outcome_saved_often_at_once_is_one(call):
    said = at_once(finishes(call, 4), meet=CALL)
    assert {getattr(each, "id", each) for each in said} == {CallOutcome.objects.get(callback=call).id}
    agreed = Message.objects.filter(case=call.case_id, template="agreed").values_list("channel", flat=True)
    assert len(agreed) == len(set(agreed)) > 0


def test_without_the_lock_a_second_outcome_breaks_at_the_last_guard(call):
    """The control: both find the call without an outcome; a nurse who pressed twice is shown an error."""
    said = at_once(finishes(call, 2), meet=CALL, locked=False)
    assert {type(each) for each in said} == {CallOutcome, IntegrityError}
