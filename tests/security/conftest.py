"""The clinic as somebody who means it harm finds it: the people of the desk's tests, and a call and a question that are open."""

import pytest
from django.test import Client

from followup.cases.models import Ask
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.people import services as people
from tests import factories as make
from tests.desk.conftest import a_light_door, eva, flare, stranger, unit

__all__ = ["a_light_door", "eva", "flare", "stranger", "unit"]

BACKEND = "followup.people.backends.WithoutPassword"


@pytest.fixture
def visitor():
    """`visitor(user)`: somebody signed in, who sees what a visitor sees when the server stumbles."""

    def of(user=None, **more) -> Client:
        client = Client(raise_request_exception=False, headers={"accept": "text/html"}, **more)
        if user is not None:
            client.force_login(getattr(user, "user", user), backend=BACKEND)
        return client

    return of


@pytest.fixture
def program():
    """`program(user)`: a caller of the API with that person's key."""

    def of(user=None) -> Client:
        client = Client(raise_request_exception=False)
        if user is not None:
            key = people.new_token(user=getattr(user, "user", user), by=make.TESTS)
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        return client

    return of


@pytest.fixture
def call(flare, karin):
    """Anna's call, in Karin's hands."""
    return make.a_call_with(karin, flare)


@pytest.fixture
def asked(unit, karin, doctor):
    """A question that another call left for the doctor."""
    other = make.a_flare(make.a_patient(unit, given_name="Bengt", family_name="Ek"))
    contacts.finish(make.a_call_with(karin, other), by=karin, outcome="clinician_asked", to=doctor, note="MRI?")
    return Ask.objects.get(case=other.case)


@pytest.fixture
def visit(flare):
    """The time that is kept for Anna."""
    return Appointment.objects.get(case=flare.case)
