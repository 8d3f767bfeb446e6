"""A clinic that begins with nothing: three words at the console bring in unit, staff and people; the rest is pages only."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from followup.cases.models import Case
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.people.models import Patient, User
from tests.factories import PASSWORD
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

SAMPLE = Path(__file__).parents[1] / "people" / "clinic-list.csv"
MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö


@pytest.fixture
def console(house):
    def say(*words: str, stdin: str = "") -> str:
        done = house.console(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return say


def test_somebody_from_the_clinics_own_list_is_rung_and_gets_a_time(console, turn, visit):
    turn(MONDAY)
    # A house that is kept running may hold them from an earlier run; nobody signs in where two match.
    User.objects.filter(patient__email__endswith="@example.org", patient__number__startswith="E1").update(
        is_active=False
    )
    name = f"Höglandet {User.objects.count()}"
    staff = {role: f"{role}-{User.objects.count()}" for role in ("nurse", "clinician")}
    console("create-unit", name, "--programme", "ibd", "--timezone", "Europe/Stockholm", "--phone", "08-465 004 00")
    for role, username in staff.items():
        console("create-staff", username, "--role", role, "--unit", name, "--name", f"Eva {role}", stdin=PASSWORD)
    said = json.loads(console("import-patients", str(SAMPLE), "--unit", name, "--programme", "ibd", "--json"))
    assert (said["new"], said["same"], said["close"], len(said["refused"])) == (458, 1, 1, 8)

    # Somebody from the list signs in with what the list says of them, and feels worse.
    listed = Patient.objects.filter(unit__name=name, language="en").exclude(phone="").order_by("number").first()
    patient = visit(AtHome, PHONE)
    patient.signs_in(listed)
    patient.feels_worse("Worse since Friday, and tired.")
    patient.presses("Send to the nurse")
    patient.is_asked("We have your request")
    case = Case.objects.get(patient=listed, kind="contact")
    kept = until(lambda: Appointment.objects.filter(case=case, state="held").first(), within=10, what="a kept time")

    # A nurse rings: their own words first, then what the list told.
    nurse = visit(AtTheClinic, DESKTOP)
    nurse.signs_in(User.objects.get(username=staff["nurse"]))
    nurse.goes_to("/desk/queue/")
    nurse.presses("Take next call")
    nurse.sees("Worse since Friday, and tired.")
    nurse.sees(listed.personal_number)
    nurse.sees(listed.enrolments.get().medicines[0])
    nurse.presses("I am ringing now")
    nurse.page.get_by_role("radio", name="Clinic time").check()
    nurse.page.get_by_label("What you agreed, for the patient").fill("We see you this week. Rest until then.")
    nurse.presses("Save")
    kept.refresh_from_db()
    assert kept.state == "booked"

    # And they read it.
    patient.goes_to("/home/")
    patient.sees("We see you this week. Rest until then.")
    patient.sees(re.compile(f"{kept.slot.starts_at.astimezone(kept.slot.unit.zone):%A %-d %B}"))
    assert contacts.check_steps() == []
