"""The words and shapes of the desk, walked as a table."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from followup.callbacks.models import Callback
from followup.cases.flows import FLOWS
from followup.cases.models import Shortage
from followup.clinic.models import Appointment
from followup.clinic.models import State as TimeState
from followup.contacts.models import Contact
from followup.desk import presenters
from followup.messages.models import Message
from followup.messages.models import State as MessageState
from followup.people.models import Patient, User

ZONE = ZoneInfo("Europe/Stockholm")
AT = datetime(2026, 11, 23, 13, 32, tzinfo=UTC)
KARIN = User(name="Karin")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def a_call(**columns) -> Callback:
    return Callback(
        **{"priority": 2, "state": "waiting", "not_before": AT - HOUR, "due": AT + HOUR, "arrived_at": AT, **columns}
    )


TAKEN = {"state": "claimed", "claimed_by": KARIN, "claimed_at": AT - 6 * MINUTE, "lease_until": AT + MINUTE}


@pytest.mark.parametrize(
    ("columns", "state", "word"),
    [
        ({}, "today", "Today"),
        ({"priority": 1}, "risk", "Urgent"),
        ({"due": AT - 22 * MINUTE}, "late", "Late 22 min"),
        ({"due": AT - 22 * MINUTE, "priority": 1}, "late", "Late 22 min"),
        ({"due": AT + 24 * HOUR}, "planned", "To come"),
        ({"not_before": AT + HOUR}, "planned", "Later"),
        ({"decide_since": AT - HOUR, "due": AT - HOUR}, "risk", "To decide"),
        (TAKEN, "taken", "Taken"),
        (TAKEN | {"due": AT - HOUR}, "taken", "Taken"),
        (TAKEN | {"lease_until": AT - MINUTE}, "today", "Today"),
    ],
)
def test_how_a_call_stands(columns, state, word):
    stand = presenters.stand_of(a_call(**columns), at=AT, zone=ZONE)
    assert (stand.state, stand.text) == (state, word)


@pytest.mark.parametrize(
    ("columns", "said"),
    [({}, "New"), ({"attempts": 1}, "Try 2"), ({"attempts": 3, "decide_since": AT}, "3 tries")],
)
def test_tries(columns, said):
    assert presenters.tries(a_call(**columns)) == said


@pytest.mark.parametrize(
    ("columns", "wish", "said"),
    [
        ({"language": "sv"}, {}, "Swedish"),
        ({"language": "sv", "spoken_language": "ar", "interpreter": True}, {}, "Arabic, interpreter"),
        ({"language": "sv"}, {"language": "fi", "interpreter": True}, "Finnish, interpreter"),
        ({"language": "sv", "spoken_language": "xx-??"}, {}, "xx-??"),
    ],
)
def test_what_they_speak(columns, wish, said):
    assert presenters.speaks(Patient(**columns), Contact(preferred=wish)) == said


@pytest.mark.parametrize(
    ("preferred", "said"),
    [
        ({}, ""),
        ({"not_before": "14:30"}, "after 14:30"),
        ({"not_after": "15:00"}, "before 15:00"),
        ({"not_before": "14:30", "not_after": "15:00"}, "between 14:30 and 15:00"),
    ],
)
def test_when_they_would_like_to_be_rung(preferred, said):
    assert presenters.wished_hours(Contact(preferred=preferred)) == said


def test_today_is_a_time_and_other_days_are_named():
    assert presenters.near(AT, at=AT, zone=ZONE) == "14:32"
    assert presenters.near(AT + 24 * HOUR, at=AT, zone=ZONE) == "Tuesday 24 November, 14:32"


@pytest.mark.parametrize(("seconds", "said"), [(0, "1 second"), (5, "5 seconds"), (130, "2 minutes")])
def test_how_long_ago(seconds, said):
    assert presenters.ago(AT - timedelta(seconds=seconds), AT) == said


def test_every_step_shortage_and_state_has_its_words():
    for step in {step for flow in FLOWS.values() for step in flow.steps}:
        assert presenters.step_name(step) != step
    for shortage in Shortage:
        assert all(presenters.shortage_words(shortage))
    for state in TimeState:
        assert presenters.appointment_words(Appointment(state=state))
    for state in MessageState:
        assert presenters.message_words(Message(state=state))


def test_the_table_changes_only_when_there_is_news():
    row = {"id": 1, "state": "late", "free": False, "tries": "New", "mine": False, "state_text": "Late 1 min"}
    assert presenters.mark_of([row]) == presenters.mark_of([row | {"state_text": "Late 2 min"}])
    assert presenters.mark_of([row]) != presenters.mark_of([row | {"state": "taken"}])
