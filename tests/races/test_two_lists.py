"""Two lists brought in beside each other make no doubles."""

from django.db import IntegrityError

from followup.core.models import Entry
from followup.people import imports
from followup.people.models import Patient
from tests import factories as make
from tests.races.at_once import at_once

PEOPLE = 40
WRITES = 'INSERT INTO "people_user"'


def a_list(ward="L", people=PEOPLE):
    """The same people in each, under the numbers of a ward."""
    rows = [f"{ward}{n};Anna;Berg{n};1971-05-03;K51.0" for n in range(people)]
    return "\n".join(["patientnr;fornamn;efternamn;fodelsedatum;diagnos", *rows])


def bringing_in(unit, *lists):
    plans = [imports.plan(each.encode(), unit=unit, programme=make.a_programme()) for each in lists]
    return [lambda plan=plan: imports.carry_out(plan, by=make.TESTS) for plan in plans]


def test_the_same_list_four_times_at_once_brings_everybody_in_once(unit):
    done = at_once(bringing_in(unit, *[a_list()] * 4))
    assert sorted((each.count(imports.NEW), each.count(imports.SAME)) for each in done) == [
        (0, PEOPLE),
        (0, PEOPLE),
        (0, PEOPLE),
        (PEOPLE, 0),
    ]
    assert Patient.objects.filter(unit=unit).count() == PEOPLE
    assert Entry.objects.filter(unit_id=unit.id, verb="patient.added").count() == PEOPLE


def test_one_person_in_two_lists_under_two_numbers_is_brought_in_once_and_a_person_looks_at_the_other(unit):
    done = at_once(bringing_in(unit, a_list("L", 1), a_list("M", 1)), meet=WRITES)
    assert sorted((each.count(imports.NEW), each.count(imports.CLOSE)) for each in done) == [(0, 1), (1, 0)]
    assert Patient.objects.filter(unit=unit).count() == 1


def test_without_the_lock_they_are_two_patients(unit):
    """The control: each list was compared before the other was written, and no index knows that both are one person."""
    done = at_once(bringing_in(unit, a_list("L", 1), a_list("M", 1)), meet=WRITES, locked=False)
    assert [each.count(imports.NEW) for each in done] == [1, 1]
    assert Patient.objects.filter(unit=unit, family_name="Berg0").count() == 2


def test_without_the_lock_one_of_two_same_lists_comes_to_nothing(unit):
    """The control: their numbers are the last guard, and whoever brings in the second list is shown an error."""
    done = at_once(bringing_in(unit, a_list(), a_list()), meet=WRITES, locked=False)
    assert {type(each) for each in done} == {imports.Plan, IntegrityError}
