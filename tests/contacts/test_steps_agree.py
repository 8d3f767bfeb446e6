"""One truth, many readers: the stored step of a contact is the one that its rows say, and the nightly check finds one that strayed."""

import logging

import pytest

from followup.cases.models import Case, Move
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of
from followup.core.models import Entry
from tests import factories as make
from worker import schedule
from worker.app import app

pytestmark = pytest.mark.django_db


@pytest.fixture
def three():
    unit = make.a_unit()
    return [make.a_flare(make.a_patient(unit)) for _ in range(3)]


def stray(contact, **columns):
    """As a fault of ours would leave it: written past the only door."""
    Case.objects.filter(id=contact.case_id).update(**columns)


@pytest.mark.parametrize("columns", [{"step": "clinic_time"}, {"due": make.MONDAY_MORNING}], ids=["step", "due"])
def test_a_planted_difference_is_found_mended_and_told(three, columns, caplog):
    strayed = three[1]
    stray(strayed, **columns)
    with caplog.at_level(logging.ERROR):
        assert contacts.check_steps() == [strayed.case_id]
    assert str(strayed.case_id) in caplog.text
    assert "Berg" not in caplog.text
    case = Case.objects.get(id=strayed.case_id)
    assert (case.step, case.due) == policy.step_for(facts_of(case)) == ("call_booked", make.callback_of(strayed).due)
    assert contacts.check_steps() == []


def test_the_way_back_is_a_move_in_the_journal_by_the_sweeper(three):
    stray(three[0], step="clinic_time")
    contacts.check_steps()
    move = Move.objects.get(case=three[0].case_id, step_from="clinic_time", step_to="call_booked")
    line = Entry.objects.filter(verb="case.moved", case_id=three[0].case_id).latest("id")
    assert (line.actor_kind, line.actor_name, move.by_hand) == ("system", "sweeper", False)


def test_it_runs_each_night():
    entry = schedule.schedule()["steps"]
    assert entry["task"] in app.tasks
    assert app.tasks[entry["task"]].run() is None
