"""Two hundred people sign in, half of them unknown to us: nothing that comes back tells which half somebody belongs to."""

import re
from statistics import median
from time import perf_counter

import pytest
from django.test import Client

from followup.people.signin.models import Attempt
from tests import factories as make
from tests.portal.test_signin import BORN, forgetful

pytestmark = pytest.mark.django_db

EACH = 100


def sign_in(phone: str, number: int) -> tuple[list, float]:
    """What a browser sees on the way to the code and after a wrong one, and the seconds it took. Each has a network of its own."""
    client = Client(REMOTE_ADDR=f"10.7.{number // 250}.{number % 250}", headers={"accept-language": "en"})
    began, seen = perf_counter(), []
    for path, fields in (
        ("/sign-in/", {"address": phone}),
        ("/sign-in/birth/", BORN),
        ("/sign-in/code/", None),
        ("/sign-in/code/", {"code": "000000"}),
    ):
        answer = client.get(path) if fields is None else client.post(path, fields)
        page = re.sub(r"\d+", "#", forgetful(answer.content.decode()))
        cookies = sorted(
            (name, len(each.value), *(str(each[key]) for key in ("path", "samesite", "secure", "httponly")))
            for name, each in answer.cookies.items()
        )
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name not in ("Content-Security-Policy", "Expires", "X-Request-ID")
        }
        seen.append((answer.status_code, page, cookies, headers))
    return seen, perf_counter() - began


def test_two_hundred_sign_ins_tell_nobody_apart():
    unit = make.a_unit()
    known = [make.a_patient(unit, phone=f"+4670188{number:04}") for number in range(EACH)]
    numbers = [(patient.phone, True) for patient in known] + [(f"+4670199{number:04}", False) for number in range(EACH)]
    # In turns, so that neither half is the first to warm anything up.
    numbers = [each for pair in zip(numbers[:EACH], numbers[EACH:], strict=True) for each in pair]
    answers, seconds = [], {True: [], False: []}
    for number, (phone, is_known) in enumerate(numbers):
        seen, took = sign_in(phone, number)
        answers.append(seen)
        seconds[is_known].append(took)
    assert Attempt.objects.exclude(patient=None).count() == EACH
    assert Attempt.objects.count() == 2 * EACH
    assert [number for number, each in enumerate(answers) if each != answers[0]] == []
    # Measured, not asserted: a busy machine would fail it. `pytest -s` shows it.
    print("median seconds, known and unknown:", *(f"{median(seconds[half]):.4f}" for half in (True, False)))
