"""The patient rings while a colleague has her call: found by search, taken over, and nothing that was typed is lost."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from followup.contacts import services as contacts
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtTheClinic

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö


@pytest.fixture
def clinic(unit, turn):
    turn(MONDAY)
    make.urgent_times(unit, MONDAY.date() + timedelta(days=1), 2)
    anna = make.a_patient(unit)
    return SimpleNamespace(
        unit=unit,
        anna=anna,
        contact=make.a_flare(anna),
        karin=make.a_nurse(unit, "Karin Lund"),
        maria=make.a_nurse(unit, "Maria Ek"),
    )


def kept_note(clinic) -> str:
    return make.callback_of(clinic.contact).draft_note


def test_a_call_is_taken_over_while_a_colleague_types(clinic, visit):
    karin, maria = visit(AtTheClinic, DESKTOP), visit(AtTheClinic, PHONE)
    karin.signs_in(clinic.karin)
    karin.goes_to("/desk/queue/")
    karin.presses("Take next call")
    notes = karin.page.get_by_label("Notes, for colleagues")
    notes.press_sequentially("Fever since Friday", delay=5)
    until(lambda: kept_note(clinic) == "Fever since Friday", within=10, what="the note")

    # Anna is on Maria's line: search says who has her call.
    maria.signs_in(clinic.maria)
    maria.goes_to("/desk/queue/")
    maria.page.get_by_role("searchbox").fill("Berg")
    maria.presses("Search")
    maria.sees(re.compile("Feels worse, Karin Lund has had the call for"))
    maria.follows("Take over")
    maria.presses("Take over")
    maria.sees("Say why")
    maria.page.get_by_label("Why do you take it over?").fill("She is on my line")
    maria.presses("Take over")
    maria.sees("Fever since Friday")
    maria.sees("Karin Lund wrote")

    # Karin types on: she is told who took it, and what she types reaches Maria.
    notes.press_sequentially(", 38.5 this morning", delay=5)
    karin.sees("Maria Ek took this call")
    until(
        lambda: (
            [note.text for note in make.callback_of(clinic.contact).left_notes.all()]
            == ["Fever since Friday, 38.5 this morning"]
        ),
        within=10,
        what="what Karin typed last",
    )
    maria.page.get_by_label("Notes, for colleagues").press_sequentially("On the line now", delay=5)
    maria.sees("38.5 this morning")
    maria.presses("I am ringing now")
    maria.sees("Ringing since")
    maria.page.get_by_role("radio", name="Clinic time").check()
    maria.presses("Save")
    maria.sees("Saved for Anna Berg")
    clinic.contact.case.refresh_from_db()
    assert clinic.contact.case.step == "clinic_time"
    assert contacts.check_steps() == []


def test_going_home_hands_everything_on(clinic, visit):
    karin, maria = visit(AtTheClinic, DESKTOP), visit(AtTheClinic, DESKTOP, javascript=False)
    karin.signs_in(clinic.karin)
    karin.goes_to("/desk/queue/")
    karin.presses("Take next call")
    karin.presses("Sign out")
    karin.sees("You have 1 call in hand.")
    karin.page.get_by_label("A note to whoever comes next").fill("I am off at noon, sorry")
    karin.presses("Give back and sign out")
    maria.signs_in(clinic.maria)
    maria.goes_to("/desk/queue/")
    maria.presses("Take next call")
    maria.sees("I am off at noon, sorry")
    maria.presses("Hand over to a colleague")
    maria.page.get_by_role("radio", name="Karin Lund").check()
    maria.presses("Hand over")
    maria.sees("Karin Lund has the call to Anna Berg now")
    assert make.callback_of(clinic.contact).claimed_by == clinic.karin
