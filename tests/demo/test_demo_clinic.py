"""The demo clinic looks alive whenever it is started."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from followup import demo
from followup.cases.flows import CONTACT
from followup.cases.models import Case
from followup.clinic.models import Appointment, Session
from followup.contacts.services import check_steps
from followup.core import clock
from followup.core.models import Entry, Outbox
from followup.demo import clinic
from followup.messages.models import LocalDelivery, Message
from followup.people.models import Patient, User
from followup.people.queries import user_of_key
from tests import factories as make

pytestmark = pytest.mark.django_db

MOMENTS = {
    "Sunday evening": make.SUNDAY_EVENING,
    "Monday just after opening": datetime(2026, 11, 23, 7, 5, tzinfo=UTC),
    "Thursday afternoon": datetime(2026, 11, 26, 14, 10, tzinfo=UTC),
    "Friday night": datetime(2026, 11, 27, 22, 40, tzinfo=UTC),
    "Christmas Eve": datetime(2026, 12, 24, 12, 0, tzinfo=UTC),
}


@pytest.fixture(scope="module", params=MOMENTS.values(), ids=MOMENTS)
def started(request, django_db_setup, django_db_blocker):
    """The demo, loaded once for all tests of a moment; what each does is undone after it."""
    with django_db_blocker.unblock(), transaction.atomic(), clock.turned(request.param) as at:
        assert clinic.load() is True
        yield at
        transaction.set_rollback(True)


def test_there_are_cases_in_every_step_and_they_say_what_their_rows_say(started):
    steps = set(Case.objects.filter(kind="contact").values_list("step", flat=True))
    assert steps == set(CONTACT.steps)
    assert check_steps() == []
    assert Case.objects.filter(kind="contact", due__lt=started).exclude(step="closed").exists(), "one should be late"
    assert Case.objects.filter(kind="visit", step="booked").count() >= 5


def test_nothing_lies_in_the_future_or_undone(started):
    assert not Entry.objects.filter(at__gt=started).exists()
    assert not Outbox.objects.filter(done_at=None).exists()
    told = Message.objects.all()
    assert told.count() == LocalDelivery.objects.count() > 100
    assert set(told.values_list("state", flat=True)) == {"delivered"}
    passed = Appointment.objects.filter(state__in=["held", "booked"], slot__starts_at__lte=started)
    assert not passed.exists()


def test_its_people_can_be_reached_as_they_should(started):
    patients = {patient.user.username: patient for patient in Patient.objects.select_related("user")}
    assert sorted(patients) == [f"demo{n:04}" for n in range(1, 41)]
    reach = [patient.reach for patient in patients.values()]
    assert (reach.count("phone_only"), reach.count("no_channel")) == (2, 1)
    assert {p.spoken_language for p in patients.values() if p.interpreter} == {"ar", "so", "fi"}
    ages = [patient.age_on(started.date()) for patient in patients.values()]
    assert (min(ages), max(ages)) == (19, 84)
    phones = [patient.phone for patient in patients.values() if patient.phone]
    assert len(set(phones)) == len(phones)
    assert all(phone.startswith(("+4670174", "+447700900", "+46846500")) for phone in phones)
    assert not Case.objects.open().filter(kind="contact", patient__user__username="demo0001").exists()


def test_somebody_who_tries_it_is_kept_a_time(started):
    anna = Patient.objects.select_related("unit", "user").get(user__username="demo0001")
    contact = make.a_flare(anna)
    if contact.see_by is None:
        assert started == MOMENTS["Christmas Eve"], "only when no day is open inside the promise"
        assert contact.case.shortage == "no_time_left"
    else:
        assert Appointment.objects.get(case=contact.case).state == "held"


def test_a_second_start_changes_nothing_but_the_rota_grows_with_the_days(started):
    cases, lines = Case.objects.count(), Entry.objects.count()
    last = Session.objects.latest("starts_at").starts_at
    assert clinic.load() is False
    assert (Case.objects.count(), Entry.objects.count()) == (cases, lines)
    with clock.turned(started + timedelta(days=14)):
        clinic.load()
    assert Session.objects.latest("starts_at").starts_at - last > timedelta(days=10)
    assert Case.objects.count() == cases


def test_what_is_printed_lets_everybody_in(started):
    said = demo.welcome()
    for username in ("nurse1", "nurse2", "clinician", "coordinator"):
        assert username in said
        assert User.objects.get(username=username).check_password(clinic.PASSWORD)
    assert "070-174 06 05" in said and "3 May 1971" in said
    key = said.split("/wall/")[1].split("/")[0]
    assert user_of_key(key).username == "wall"
    demo.welcome()
    assert user_of_key(key) is None
