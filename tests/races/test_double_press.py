"""The same button pressed twice at once, without any key that could tell: it is done once, and both are answered alike."""

import re
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from followup.callbacks import services as callbacks
from followup.callbacks.models import CallOutcome
from followup.callbacks.services import queue
from followup.cases import services as cases
from followup.cases.models import Case
from followup.contacts import services as contacts
from followup.contacts.models import Addition
from followup.core.models import Entry
from followup.messages.models import Message
from tests import factories as make
from tests.house import until
from tests.portal.conftest import signed_in
from tests.races.at_once import at_once
from tests.races.test_two_nurses import a_queue, outcome_of, somebody_waits_for_us

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
        # What one press raises would be raised in all tabs at once: they tell it by their status.
        tab = Client(raise_request_exception=False)
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
    assert sorted(each.status_code for each in answers) == [302, 500]
    assert [each.url for each in answers if each.status_code == 302] == ["/tell-us/sent/"]
    [broken] = [each for each in answers if each.status_code == 500]
    assert "one_open_contact" in str(broken.exc_info[1])
    assert Case.objects.filter(patient=anna).count() == 1


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


def two_presses(nurse, *, wait: bool):
    """What "take next" gave to one nurse who pressed twice: the second press is in the midst of it when the first is answered."""
    with ThreadPoolExecutor(1) as other_tab:
        with transaction.atomic():
            first = callbacks.claim_next(by=nurse)
            second = other_tab.submit(outcome_of, lambda: callbacks.claim_next(by=nurse))
            until(somebody_waits_for_us if wait else second.done, what="the second press")
        return first, second.result(20)


def test_take_next_pressed_twice_at_once_gives_one_call(unit, alone):
    karin, _calls = make.a_nurse(unit, "Karin"), a_queue(unit, 3)
    first, second = two_presses(karin, wait=True)
    assert second == first
    assert Entry.objects.filter(unit_id=unit.id, verb="callback.claimed").count() == 1
    pressed = at_once([lambda: callbacks.claim_next(by=karin)] * 4)
    assert {getattr(each, "id", each) for each in pressed} == {first.id}
    callbacks.extend(first, by=karin)
    pressed = at_once([lambda: callbacks.claim_next(by=karin)] * 4)
    [other] = {getattr(each, "id", each) for each in pressed}
    assert other != first.id


def test_without_their_turn_two_presses_at_once_take_two_patients(unit, alone):
    """The control: neither press sees what the other has not written yet."""
    karin, _calls = make.a_nurse(unit, "Karin"), a_queue(unit, 3)
    freely = [re.sub(r"turn = .*?, opened_at", "opened_at", each) for each in queue._CLAIMS]
    with patch.object(queue, "_CLAIMS", freely):
        first, second = two_presses(karin, wait=False)
    assert first.patient_id != second.patient_id
