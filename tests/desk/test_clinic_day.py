"""The clinic list: who was not marked, another time for somebody on the telephone, and what cancelling means."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from followup.clinic.models import Appointment
from followup.contacts import queries
from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make
from tests.desk.conftest import text

pytestmark = pytest.mark.django_db

TUESDAY = "/desk/clinic-day/?day=2026-11-24"


@pytest.fixture
def booked(flare, karin):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="clinic_time")
    return kept(flare)


def kept(contact):
    return Appointment.objects.kept().select_related("slot").get(case=contact.case_id)


def step_of(contact):
    contact.case.refresh_from_db()
    return contact.case.step


def test_times_that_nobody_marked_are_named_on_every_day(desk, karin, booked):
    said = "1 time is over and not marked"
    assert said not in text(desk(karin).get(TUESDAY))
    with clock.turned(booked.slot.ends_at + timedelta(days=1)):
        page = text(desk(karin).get("/desk/clinic-day/"))
        assert said in page
        assert 'href="?day=2026-11-24"' in page


def test_nobody_is_marked_missed_before_their_time(desk, karin, booked):
    with clock.turned(booked.slot.starts_at - timedelta(minutes=5)):
        page = text(desk(karin).get(TUESDAY))
    assert 'value="attended"' in page
    assert 'value="missed"' not in page


def test_another_time_is_given_to_somebody_on_the_telephone(desk, karin, flare, booked):
    me, other = desk(karin), queries.times_for(flare.case)[-1]
    assert reverse("desk:time_change", args=[booked.id]) in text(
        me.get(reverse("desk:patient", args=[flare.case.patient_id]))
    )
    page = reverse("desk:time_change", args=[booked.id])
    assert "New time" in text(me.get(page))
    assert me.post(page, {}).status_code == 422
    assert me.post(page, {"slot": other.id}).status_code == 302
    assert (kept(flare).slot, kept(flare).state) == (other, "booked")
    assert me.post(page, {"slot": other.id}).status_code == 302  # once more: the time is no longer theirs to change
    assert kept(flare).slot == other


def test_a_kept_time_that_is_changed_waits_for_the_call_all_the_same(desk, karin, flare):
    other = queries.times_for(flare.case)[-1]
    desk(karin).post(reverse("desk:time_change", args=[kept(flare).id]), {"slot": other.id})
    assert (kept(flare).slot, kept(flare).state, step_of(flare)) == (other, "held", "call_booked")


def test_none_of_the_times_suits_is_the_coordinators(desk, karin, flare, booked):
    desk(karin).post(reverse("desk:time_change", args=[booked.id]), {"do": "none"})
    assert (step_of(flare), flare.case.shortage) == ("call_booked", "needs_a_time")


@pytest.mark.parametrize(
    ("how", "step", "told"), [("clinic", "call_booked", 1), ("call", "call_booked", 0), ("no_help", "closed", 0)]
)
def test_a_time_is_cancelled_by_the_clinic_or_for_the_patient(desk, karin, flare, booked, how, step, told):
    page = reverse("desk:time_cancel", args=[booked.id])
    assert "Who cancels?" in text(desk(karin).get(page))
    for _twice in range(2):
        assert desk(karin).post(page, {"how": how, "why": "The doctor is ill"}).status_code == 302
    assert step_of(flare) == step
    assert flare.case.messages.filter(template="slot-cancelled", channel="sms").count() == told
    booked.slot.refresh_from_db()
    assert bool(booked.slot.closed_at) == (how == "clinic")


@pytest.mark.parametrize(
    ("sent", "said"), [({}, "Say who cancels."), ({"how": "clinic"}, "Say why the clinic cancels")]
)
def test_a_time_is_not_cancelled_without_a_word(desk, karin, flare, booked, sent, said):
    answer = desk(karin).post(reverse("desk:time_cancel", args=[booked.id]), sent)
    assert answer.status_code == 422
    assert said in text(answer)
    assert kept(flare) == booked


def test_a_time_of_another_unit_is_none(desk, stranger, booked):
    for name in ("time_change", "time_cancel"):
        for ask in (desk(stranger).get, desk(stranger).post):
            assert ask(reverse(f"desk:{name}", args=[booked.id])).status_code == 404


def test_a_time_that_has_begun_is_neither_changed_nor_cancelled(desk, karin, flare, booked):
    with clock.turned(booked.slot.starts_at):
        for name, sent in (("time_change", {"slot": "x"}), ("time_cancel", {"how": "call"})):
            assert desk(karin).post(reverse(f"desk:{name}", args=[booked.id]), sent).status_code == 302
    assert kept(flare) == booked
    assert date(2026, 11, 24) == booked.slot.starts_at.date()
