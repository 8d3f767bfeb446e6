"""What a call leads to: an outcome, a next step, an owner."""

from datetime import UTC, date, datetime, timedelta

import pytest

from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.cases.models import Ask
from followup.clinic.models import Appointment
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.errors import Invalid, NotAllowed
from tests import factories as make

pytestmark = pytest.mark.django_db

MONDAY = date(2026, 11, 23)


@pytest.fixture
def contact(unit, monday):
    make.urgent_times(unit, date(2026, 11, 24), 3)
    return make.a_flare(make.a_patient(unit))


def step_of(contact):
    contact.case.refresh_from_db()
    return contact.case.step


def test_self_care_lets_the_time_go_and_closes(contact, nurse):
    call = make.a_call_with(nurse, contact)
    contacts.finish(call, by=nurse, outcome="self_care", call_again_on=MONDAY + timedelta(days=4))
    assert step_of(contact) == "closed"
    assert contact.case.outcome == "self_care"
    assert Appointment.objects.get(case=contact.case).state == "released"


def test_self_care_needs_a_day_to_call_again(contact, nurse):
    call = make.a_call_with(nurse, contact)
    with pytest.raises(Invalid) as refused:
        contacts.finish(call, by=nurse, outcome="self_care")
    assert list(refused.value.errors) == ["call_again_on"]
    assert step_of(contact) == "call_booked"


@pytest.mark.parametrize(
    "asked", [{"outcome": "clinician_asked"}, {"outcome": "all_well", "also": ["clinician_asked"]}]
)
def test_nobody_asks_a_clinician_without_a_question(contact, nurse, asked):
    with pytest.raises(Invalid) as refused:
        contacts.finish(make.a_call_with(nurse, contact), by=nurse, note=" ", **asked)
    assert refused.value.errors == {"note": "Write what you ask the clinician."}
    assert not Ask.objects.exists()


def test_clinic_time_books_the_time_that_was_kept(contact, nurse):
    call = make.a_call_with(nurse, contact)
    contacts.finish(call, by=nurse, outcome="clinic_time")
    assert step_of(contact) == "clinic_time"
    assert Appointment.objects.get(case=contact.case).state == "booked"


def test_one_call_brings_one_text(contact, nurse):
    def told() -> list[str]:
        return make.texts_of(case_id=contact.case_id)

    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time", agreed="Rest")
    assert told() == ["request-received", "time-kept", "slot-confirmed"]
    # The time is known already: then what was agreed is the news.
    contacts.add(patient=contact.case.patient, by=contact.case.patient.user, text="One more thing")
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time", agreed="As we said")
    assert told()[3:] == ["agreed"]


def test_clinic_time_may_be_another_than_the_one_kept(contact, nurse):
    from followup.contacts.queries import times_for

    call = make.a_call_with(nurse, contact)
    other = times_for(contact.case)[-1]
    contacts.finish(call, by=nurse, outcome="clinic_time", slot=other)
    assert set(Appointment.objects.filter(case=contact.case).values_list("state", flat=True)) == {"released", "booked"}
    assert Appointment.objects.get(case=contact.case, state="booked").slot_id == other.id


@pytest.mark.parametrize("outcome", ["prescription", "clinician_asked", "group_change"])
def test_what_needs_a_clinician_has_an_owner_and_a_due(contact, nurse, unit, outcome):
    doctor = make.a_clinician(unit)
    call = make.a_call_with(nurse, contact)
    contacts.finish(call, by=nurse, outcome=outcome, to=doctor, note="Please look")
    asked = Ask.objects.get(case=contact.case)
    assert step_of(contact) == "with_clinician"
    assert contact.case.due == asked.due > clock.now()
    assert asked.owner == doctor


@pytest.mark.parametrize(
    ("asked_at", "due"),
    [
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), datetime(2026, 11, 24, 7, 30, tzinfo=UTC)),  # as promised
        (
            datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
            datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
        ),  # two open hours before it
        (datetime(2026, 11, 24, 11, 0, tzinfo=UTC), datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),  # before it begins
    ],
)
def test_an_answer_that_decides_over_a_held_time_is_due_before_that_time(contact, nurse, asked_at, due):
    """The time is held on Tuesday at 13:00, 12:00 in UTC; what is not about it keeps its own promise."""
    with clock.turned(asked_at):
        call = make.a_call_with(nurse, contact)
        contacts.finish(call, by=nurse, outcome="clinician_asked", also=["group_change"], note="MRI first?")
    asks = {each.kind: each.due for each in Ask.objects.filter(case=contact.case)}
    assert asks["clinician_asked"] == due
    assert asks["group_change"] > datetime(2026, 11, 25, tzinfo=UTC)


def test_the_clinicians_answer_closes_the_case(contact, nurse, unit):
    doctor = make.a_clinician(unit)
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="prescription", to=doctor)
    contacts.answer_ask(Ask.objects.get(case=contact.case), by=doctor, words="Sent to the pharmacy")
    assert step_of(contact) == "closed"


@pytest.mark.parametrize(
    ("outcome", "more"), [("emergency", {}), ("all_well", {}), ("other", {"note": "Wrong number"})]
)
def test_other_outcomes_close(contact, nurse, outcome, more):
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome=outcome, **more)
    assert step_of(contact) == "closed"


def test_ringing_shows_only_once_the_nurse_dials(contact, nurse):
    call = make.a_call_with(nurse, contact)
    assert step_of(contact) == "call_booked"
    contacts.dial(call, by=nurse)
    assert step_of(contact) == "ringing"
    contacts.dial(call, by=nurse)
    assert Callback.objects.get(id=call.id).attempts == 1


def test_no_answer_plans_the_next_try_and_closes_nothing(contact, nurse, unit):
    call = make.a_call_with(nurse, contact)
    contacts.dial(call, by=nurse)
    contacts.finish(call, by=nurse, outcome="no_answer")
    call.refresh_from_db()
    assert (call.state, call.unanswered, call.claimed_by) == ("waiting", 1, None)
    assert call.not_before == unit.hours.add_open(clock.now(), 2)
    assert step_of(contact) == "unreached"
    assert Appointment.objects.get(case=contact.case).state == "held"
    assert callbacks.claim_next(by=nurse) is None


def test_after_the_last_try_a_person_decides(contact, nurse):
    call = make.callback_of(contact)
    for _ in range(3):
        call = callbacks.claim_chosen(call, by=nurse, why="try again")
        contacts.finish(call, by=nurse, outcome="no_answer")
    call.refresh_from_db()
    assert call.decide_since is not None
    assert step_of(contact) == "unreached"


def test_the_same_outcome_said_twice_is_one(contact, nurse):
    call = make.a_call_with(nurse, contact)
    first = contacts.finish(call, by=nurse, outcome="all_well")
    assert contacts.finish(call, by=nurse, outcome="all_well") == first


def test_a_colleagues_call_is_not_mine_to_finish(contact, nurse, unit):
    call = make.a_call_with(nurse, contact)
    with pytest.raises(callbacks.NotYours):
        contacts.finish(call, by=make.a_nurse(unit, "Maria"), outcome="all_well")


def test_an_outcome_is_accepted_after_the_lease_while_nobody_else_has_it(contact, nurse):
    call = make.a_call_with(nurse, contact)
    with clock.turned(clock.now() + timedelta(hours=1)):
        contacts.return_run_out(call.id)
        contacts.finish(call, by=nurse, outcome="all_well")
    assert step_of(contact) == "closed"


def test_a_clinician_does_not_answer_calls(contact, unit):
    with pytest.raises(NotAllowed):
        contacts.finish(make.callback_of(contact), by=make.a_clinician(unit), outcome="all_well")


def test_a_missed_time_makes_a_new_call(contact, nurse):
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time")
    contacts.mark_visit(Appointment.objects.get(case=contact.case), "missed", by=nurse)
    assert step_of(contact) == "call_booked"
    assert make.callback_of(contact).state == "waiting"


def test_a_missed_time_before_a_long_holiday_is_at_risk_at_once(contact, nurse):
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time")
    christmas_eve = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)  # no open day until Monday 28 December
    with clock.turned(christmas_eve):
        contacts.mark_visit(Appointment.objects.get(case=contact.case), "missed", by=nurse)
    contact.case.refresh_from_db()
    assert (contact.case.step, contact.case.shortage) == ("call_booked", "no_time_left")


def test_no_stored_step_strays_from_its_rows(contact, nurse):
    contacts.dial(make.a_call_with(nurse, contact), by=nurse)
    assert contacts.check_steps() == []
    type(contact.case).objects.filter(id=contact.case_id).update(step="received")
    assert contacts.check_steps() == [contact.case_id]
    assert step_of(contact) == "ringing"
