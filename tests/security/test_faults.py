"""A fault in the middle of a verb leaves nothing of it; what was answered once is not told to somebody who may no longer read it."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from followup.callbacks.models import Callback
from followup.cases.models import Case, Move
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.core import clock
from followup.core.models import Entry, Outbox
from tests import factories as make

ROWS = (Case, Move, Contact, Callback, Appointment, Entry, Outbox)


def how_many():
    return {model.__name__: model.objects.count() for model in ROWS}


def refuse_rows_of(table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT nothing_more CHECK (false) NOT VALID")


@pytest.mark.parametrize("table", ["contacts_contact", "callbacks_callback", "outbox", "journal"])
def test_a_request_that_fails_half_way_leaves_nothing(anna, table):
    before = how_many()
    refuse_rows_of(table)
    with pytest.raises(IntegrityError), transaction.atomic():
        contacts.receive(patient=anna, by=anna.user, reason="flare", message="Worse")
    assert how_many() == before


@pytest.mark.parametrize("table", ["journal", "message", "callbacks_calloutcome", "cases_move"])
def test_an_outcome_that_fails_half_way_leaves_the_call_as_it_was(call, karin, table):
    before = how_many()
    refuse_rows_of(table)
    with pytest.raises(IntegrityError), transaction.atomic():
        contacts.finish(call, by=karin, outcome="all_well")
    assert how_many() == before
    call.refresh_from_db()
    assert (call.state, call.claimed_by_id) == ("claimed", karin.id)


def test_a_visit_missed_twice_makes_one_call(flare, karin):
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="clinic_time")
    visit = Appointment.objects.get(case=flare.case)
    contacts.mark_visit(visit, "missed", by=karin)
    contacts.finish(make.a_call_with(karin, flare), by=karin, outcome="all_well")
    contacts.mark_visit(visit, "missed", by=karin)
    assert Callback.objects.filter(case=flare.case).count() == 2
    assert Case.objects.get(id=flare.case_id).step == "closed"


def test_a_call_taken_by_using_it_is_in_the_journal(flare, karin, maria):
    """An outcome is accepted while nobody has the call; who had it then is written down like any other claim."""
    call = make.callback_of(flare)
    contacts.dial(call, by=maria)
    claims = Entry.objects.filter(verb="callback.claimed", subject_id=call.id)
    assert list(claims.values_list("actor_id", flat=True)) == [maria.id]
    contacts.dial(call, by=maria)
    assert claims.count() == 1


def test_an_answer_is_not_given_again_to_somebody_whose_work_here_has_ended(program, flare, karin):
    client = program(karin)

    def claim():
        return client.post(
            "/api/v1/callbacks/claim", "{}", content_type="application/json", headers={"Idempotency-Key": "k"}
        )

    assert "Berg" in claim().content.decode()
    assert "Berg" in claim().content.decode()
    karin.memberships.update(ended_on=clock.now().date())
    again = claim()
    assert again.status_code in (403, 422)
    assert "Berg" not in json.dumps(again.json())
