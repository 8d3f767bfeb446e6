"""Nobody answers three times: what the patient is told, who decides, and the press that brings the call back."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from followup.callbacks.models import Callback
from followup.cases.models import Case
from followup.contacts import services as contacts
from followup.messages.models import LocalDelivery
from tests import factories as make
from tests.house import until
from tests.journeys.people import DESKTOP, PHONE, AtHome, AtTheClinic

MONDAY = datetime(2027, 1, 18, 8, 0, tzinfo=UTC)  # 09:00 in Eksjö


@pytest.fixture
def clinic(unit, turn):
    """A unit on a Monday morning; Anna feels worse, and her call is laid."""
    turn(MONDAY)
    make.urgent_times(unit, MONDAY.date() + timedelta(days=1), 2)
    anna = make.a_patient(unit)
    contact = make.a_flare(anna)
    return SimpleNamespace(
        unit=unit,
        anna=anna,
        contact=contact,
        karin=make.a_nurse(unit, "Karin Lund"),
        eva=make.a_coordinator(unit, "Eva Holm"),
    )


def call_of(clinic) -> Callback:
    return make.callback_of(clinic.contact)


def texts_to(patient) -> list[str]:
    """What came to her telephone about calls that she missed, in order."""
    sent = LocalDelivery.objects.filter(message__patient=patient, message__channel="sms")
    return list(
        sent.filter(message__template__startswith="call-").order_by("at").values_list("message__template", flat=True)
    )


def at_work(visit, nurse) -> AtTheClinic:
    """Staff who have been away for hours sign in again."""
    there = visit(AtTheClinic, DESKTOP)
    there.signs_in(nurse)
    there.goes_to("/desk/queue/")
    return there


def rings_in_vain(visit, nurse) -> AtTheClinic:
    there = at_work(visit, nurse)
    there.presses("Take next call")
    there.presses("I am ringing now")
    there.sees(re.compile(r"Ringing since"))
    there.page.get_by_role("radio", name="No answer").check()
    there.presses("Save")
    there.sees("Saved for Anna Berg")
    return there


def test_three_tries_then_the_nurse_in_charge_decides_and_the_patient_says_she_is_free(clinic, turn, visit):
    rings_in_vain(visit, clinic.karin)
    assert call_of(clinic).unanswered == 1
    for tries in (2, 3):
        turn(call_of(clinic).not_before + timedelta(minutes=1))
        karin = rings_in_vain(visit, clinic.karin)
        assert call_of(clinic).unanswered == tries

    # Nobody rings by turn any more: a person decides, and the row says who.
    karin.goes_to("/desk/queue/?show=decide")
    karin.sees("for Eva Holm, in charge now")
    karin.sees("3 tries")

    # Anna reads what came to her telephone, and that her request is open.
    anna = visit(AtHome, PHONE)
    anna.signs_in(clinic.anna)
    until(lambda: texts_to(clinic.anna) == ["call-missed", "call-failed"], within=8, what="both texts")
    anna.goes_to("/messages/")
    anna.sees("we tried to call you")
    anna.sees("we have not been able to reach you")
    anna.goes_to("/home/")
    anna.sees("We have not been able to reach you. Your request stays open.")

    # Eva decides: once more, tomorrow at ten.
    eva = at_work(visit, clinic.eva)
    eva.goes_to(f"/desk/calls/{call_of(clinic).id}/decide/")
    eva.presses("Ring again then")
    eva.sees("Say why then.")
    eva.page.locator("input[name=day]").nth(1).check()
    eva.page.get_by_label("From which hour?").fill("10:00")
    eva.page.get_by_label("Why then?").fill("She works nights this week")
    eva.presses("Ring again then")
    eva.sees("is rung again")
    until(lambda: Case.objects.get(id=clinic.contact.case_id).step == "call_booked", within=5, what="the step")

    # That try is missed too; but now she sees it and is free.
    turn(call_of(clinic).not_before + timedelta(minutes=1))
    rings_in_vain(visit, clinic.karin)
    again = visit(AtHome, PHONE)
    again.signs_in(clinic.anna)
    again.presses("I missed your call, I am free now")
    again.sees("You have told us that you are free now.")
    karin = at_work(visit, clinic.karin)
    karin.sees("free now since")
    karin.presses("Take next call")
    karin.sees("Free now since")
    karin.presses("I am ringing now")
    karin.sees("Ringing since")
    karin.sees("Try 5 of 6")
    karin.page.get_by_role("radio", name="All is well").check()
    karin.presses("Save")
    karin.sees("Saved for Anna Berg")
    assert Case.objects.get(id=clinic.contact.case_id).step == "closed"
    assert contacts.check_steps() == []


def test_a_letter_for_somebody_who_was_only_worried_and_nothing_closes_by_itself(clinic, turn, visit):
    worried = make.a_flare(make.a_patient(clinic.unit, given_name="Bodil"), reason="worry")
    for _try in range(3):
        turn(make.callback_of(worried).not_before + timedelta(minutes=1))
        contacts.finish(make.a_call_with(clinic.karin, worried), by=clinic.karin, outcome="no_answer")
    karin = at_work(visit, clinic.karin)
    karin.goes_to("/desk/queue/?show=decide")
    karin.follows("Decide")
    karin.sees("whoever works the list")
    karin.presses("A letter was sent")
    karin.goes_to("/desk/queue/?show=decide")
    karin.sees("Letter sent")
    turn(make.callback_of(worried).due + timedelta(hours=1))
    again = at_work(visit, clinic.karin)
    again.goes_to("/desk/queue/?show=decide")
    again.sees("To decide")
    again.sees("Bodil")
    assert Case.objects.get(id=worried.case_id).closed is None
