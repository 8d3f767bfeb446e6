"""A request that was finished too soon: what we agreed is read at home, a colleague opens it again, the answer comes back."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from followup.cases.models import Case
from followup.contacts import services as contacts
from tests import factories as make
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö


@pytest.fixture
def clinic(unit, turn):
    turn(MONDAY)
    return SimpleNamespace(
        anna=make.a_patient(unit),
        karin=make.a_nurse(unit, "Karin Lund"),
        maria=make.a_nurse(unit, "Maria Ek"),
        doctor=make.a_clinician(unit, "Dr Olsson"),
    )


def test_finished_with_self_care_opened_again_answered_and_told(clinic, visit):
    contact = make.a_flare(clinic.anna)

    # Karin closes it with self-care.
    karin = visit(AtTheClinic, DESKTOP)
    karin.signs_in(clinic.karin)
    karin.presses("Take next call")
    karin.page.get_by_role("radio", name="Self-care advice").check()
    for label, value in (("Day", 25), ("Month", 1), ("Year", 2027)):
        karin.page.get_by_label(label, exact=True).fill(str(value))
    karin.page.get_by_label("What you agreed, for the patient").fill("Rest, and drink plenty.")
    karin.presses("Save")

    # Anna reads what they agreed, and could print it.
    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    anna.follows("Read it whole")
    anna.is_asked("What we agreed")
    anna.sees("Rest, and drink plenty.")
    anna.sees("Monday 25 January")

    # Maria reads a letter about her an hour later, and opens it again: without a reason it stays closed.
    maria = visit(AtTheClinic, DESKTOP)
    maria.signs_in(clinic.maria)
    maria.goes_to(f"/desk/patients/{clinic.anna.id}/")
    maria.follows("Open it again")
    maria.presses("Open it again")
    maria.sees("Write why")
    maria.page.get_by_label("Why is it opened again?").fill("Her other clinic stopped a medicine on Friday.")
    maria.page.get_by_role("radio", name="Dr Olsson").check()
    maria.presses("Open it again")
    maria.sees("With the clinician")

    # Anna sees that a clinician looks at it, and by when she hears.
    anna.goes_to("/where/")
    anna.sees("A clinician is looking at what we talked about. You hear from us before")

    # The clinician answers with words for her.
    doctor = visit(AtTheClinic, DESKTOP)
    doctor.signs_in(clinic.doctor)
    doctor.goes_to("/desk/asks/")
    doctor.follows("Read and answer")
    doctor.sees("Her other clinic stopped a medicine on Friday.")
    doctor.page.get_by_label("Your answer").fill("Start it again.")
    doctor.page.get_by_role("radio", name="By message").check()
    doctor.page.get_by_label("What the patient reads").fill("Take it again from today, one in the morning.")
    doctor.presses("Save the answer")
    doctor.sees("No question waits for you.")

    # She is told, and reads it.
    assert Case.objects.get(id=contact.case_id).step == "closed"
    anna.goes_to("/messages/")
    anna.sees("the answer to what we talked about is ready for you to read")
    anna.goes_to("/home/")
    anna.follows("Read it whole")
    anna.sees("Take it again from today, one in the morning.")
    assert contacts.check_steps() == []
