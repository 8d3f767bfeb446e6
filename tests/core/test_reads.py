"""A prepared read gives what its query gives, as the same objects, and puts nothing but its arguments off until it is asked."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.db.models import F, QuerySet
from django.test.utils import CaptureQueriesContext

from followup.callbacks.models import Callback
from followup.contacts.models import Contact
from followup.core import clock
from followup.core.reads import prepared
from tests import factories as make


@prepared
def waiting_since(case_ids: list[UUID], moment: datetime) -> QuerySet[Callback]:
    rows = Callback.objects.filter(case__id__among=case_ids, state="waiting", arrived_at__lte=moment)
    return rows.select_related("case__programme", "claimed_by").annotate(reaches=F("patient__phone")).order_by("due")


@prepared
def told(reference: str) -> QuerySet[Contact]:
    return Contact.objects.filter(case__reference=reference).exclude(message="100 %s sure")


def columns(row) -> dict:
    return {name: value for name, value in vars(row).items() if name != "_state"}


def test_a_prepared_read_gives_what_its_query_gives(db, monday, unit):
    contacts = [make.a_flare(make.a_patient(unit)) for _each in range(3)]
    ids, at = [contact.case_id for contact in contacts[:2]], clock.now()
    for asked in (ids, ids[:1], [], [uuid4()]):
        mine, django = waiting_since(asked, at), list(waiting_since.query(asked, at))
        assert [columns(row) for row in mine] == [columns(row) for row in django]
    assert len(waiting_since(ids, at)) == 2
    assert waiting_since(ids, at - timedelta(days=1)) == []
    one, case = waiting_since.first([contacts[2].case_id], at), contacts[2].case
    assert (one.case, one.claimed_by, one.reaches) == (case, None, case.patient.phone)
    with CaptureQueriesContext(connection) as asked:
        assert one.case.programme.rules.slots
    assert len(asked) == 0
    assert told(contacts[0].case.reference)[0].answers == contacts[0].answers
    assert told.first("' OR true --") is None


def test_only_the_arguments_of_a_prepared_read_are_parameters(db, monday, unit):
    waiting_since([], clock.now())
    statement = waiting_since._words.statement
    assert "'waiting'" in statement and statement.count("%(case_ids)s") == statement.count("%(moment)s") == 1
    assert "IN" not in statement.partition("WHERE")[2]


def test_what_cannot_be_prepared_says_so(db):
    with pytest.raises(KeyError):
        prepared(_by_number)(1)


def _by_number(number: int) -> QuerySet[Callback]:
    return Callback.objects.filter(priority=number)
