"""Two lists brought in beside each other make no doubles."""

from followup.core.models import Entry
from followup.people import imports
from followup.people.models import Patient
from tests import factories as make
from tests.races.at_once import at_once

PEOPLE = 40
LIST = "patientnr;fornamn;efternamn;fodelsedatum;diagnos\n" + "\n".join(
    f"L{n};Anna;Berg{n};1971-05-03;K51.0" for n in range(PEOPLE)
)


def test_the_same_list_four_times_at_once_brings_everybody_in_once(unit):
    programme = make.a_programme()
    plans = [imports.plan(LIST.encode(), unit=unit, programme=programme) for _ in range(4)]
    done = at_once([lambda plan=plan: imports.carry_out(plan, by=make.TESTS) for plan in plans])
    assert sorted((each.count(imports.NEW), each.count(imports.SAME)) for each in done) == [
        (0, PEOPLE),
        (0, PEOPLE),
        (0, PEOPLE),
        (PEOPLE, 0),
    ]
    assert Patient.objects.filter(unit=unit).count() == PEOPLE
    assert Entry.objects.filter(unit_id=unit.id, verb="patient.added").count() == PEOPLE
