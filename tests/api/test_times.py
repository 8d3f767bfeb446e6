"""Clinic times: which are free, who gets one, and what is said when none is left."""

from datetime import date, timedelta

import pytest

from followup.cases.models import Case
from followup.clinic.models import Appointment, Slot
from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make

APPOINTMENTS = "/api/v1/appointments"


def free(client, **query):
    return client.get("/api/v1/slots", query).json()["results"]


def test_staff_see_the_free_times_of_their_unit(calling, nurse, flare):
    make.urgent_times(make.a_unit(), date(2026, 11, 24))
    rows = free(calling(nurse), kind="urgent")
    assert len(rows) == 2
    assert {"id", "kind", "start", "end", "place", "clinician"} == set(rows[0])
    assert free(calling(nurse), kind="revisit") == []
    assert free(calling(nurse), **{"from": "2026-11-24T14:30:00+01:00", "to": "2026-11-25"}) == []
    assert len(free(calling(nurse), **{"from": "2026-11-24T13:30:00+01:00", "to": "2026-11-24T14:00:00+01:00"})) == 1


def test_a_plus_that_was_not_encoded_is_understood(calling, nurse, flare):
    assert calling(nurse).get("/api/v1/slots?from=2026-11-24T14:30:00+01:00").json()["results"] == []


@pytest.mark.parametrize("query", [{"kind": "any"}, {"from": "tomorrow"}, {"limit": "0"}, {"cursor": "x"}])
def test_what_is_wrong_in_the_address_is_named(calling, nurse, query):
    answer = calling(nurse).get("/api/v1/slots", query)
    assert answer.status_code == 422
    assert [each["parameter"] for each in answer.json()["errors"]] == list(query)


def test_without_a_slot_the_time_that_is_kept_is_booked(calling, nurse, flare):
    held = Appointment.objects.get(case=flare.case)
    answer = calling(nurse).post(APPOINTMENTS, {"case": str(flare.case_id)})
    assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (201, str(held.id), "booked")


def test_a_slot_that_is_named_is_booked_in_its_place(calling, nurse, flare):
    wanted = free(calling(nurse))[-1]["id"]
    said = calling(nurse).post(APPOINTMENTS, {"case": str(flare.case_id), "slot": wanted}).json()
    assert (said["slot"], said["state"]) == (wanted, "booked")
    assert sorted(Appointment.objects.values_list("state", flat=True)) == ["booked", "released"]


def test_a_patient_chooses_another_time_and_the_call_decides(calling, anna, flare):
    wanted = free(calling(anna))[-1]["id"]
    said = calling(anna).post(APPOINTMENTS, {"case": str(flare.case_id), "slot": wanted}).json()
    assert (said["slot"], said["state"], said["case"]["step"]) == (wanted, "held", "call_booked")


def test_a_patient_is_offered_nothing_that_does_not_suit_their_request(calling, unit, anna, flare):
    too_late = make.urgent_times(unit, date(2026, 11, 27)).slots.first()
    assert str(too_late.id) not in {row["id"] for row in free(calling(anna))}
    answer = calling(anna).post(APPOINTMENTS, {"case": str(flare.case_id), "slot": str(too_late.id)})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:slot-taken")
    assert free(calling(make.a_patient(unit))) == []


def test_a_time_that_somebody_else_has_is_refused_while_others_are_left(calling, nurse, unit, flare):
    taken = Appointment.objects.get(case=flare.case).slot_id
    other = make.a_flare(make.a_patient(unit), booked=False)
    answer = calling(nurse).post(APPOINTMENTS, {"case": str(other.case_id), "slot": str(taken)})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:slot-taken")
    assert Case.objects.get(id=other.case_id).at_risk_since is None


@pytest.mark.parametrize("headers", [{}, {"HTTP_IDEMPOTENCY_KEY": "one"}])
def test_none_left_says_so_and_puts_the_case_at_risk(calling, nurse, unit, flare, headers):
    client = calling(nurse)
    given = list(Slot.objects.filter(unit=unit))
    for _slot in given:
        client.post(APPOINTMENTS, {"case": str(make.a_flare(make.a_patient(unit), booked=False).case_id)})
    late = make.a_flare(make.a_patient(unit), booked=False)
    for body in ({"case": str(late.case_id)}, {"case": str(late.case_id), "slot": str(given[0].id)}):
        answer = client.post(
            APPOINTMENTS, body, **{**headers, **({"HTTP_IDEMPOTENCY_KEY": str(body)} if headers else {})}
        )
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:no-time-within-promise")
    late.case.refresh_from_db()
    assert late.case.shortage == "needs_a_time"
    work = client.get("/api/v1/worklists").json()
    assert str(late.case_id) in {each["id"] for each in work["at_risk"]}


def test_who_is_told_that_none_is_left_is_at_risk_whatever_else_is_free(calling, nurse, unit):
    """Nothing was left when they asked; what fell free a moment later is theirs when they are asked again."""
    make.urgent_times(unit, date(2026, 11, 24), 1, kind="revisit")
    contact = make.a_flare(make.a_patient(unit), booked=False)
    answer = calling(nurse).post(APPOINTMENTS, {"case": str(contact.case_id)})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:no-time-within-promise")
    contact.case.refresh_from_db()
    assert contact.case.shortage == "needs_a_time"


def test_what_does_not_feel_worse_is_given_a_revisit_time(calling, nurse, unit):
    make.urgent_times(unit, date(2026, 11, 30), 1)  # more than 24 open hours ahead: still kept for flare-ups
    session = make.urgent_times(unit, date(2026, 12, 1), 1, kind="revisit")
    contact = make.a_flare(make.a_patient(unit), reason="appointment")
    said = calling(nurse).post(APPOINTMENTS, {"case": str(contact.case_id)}).json()
    assert said["slot"] == str(session.slots.get().id)


def test_cancelling_closes_nothing_somebody_rings(calling, nurse, flare):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="clinic_time")
    booked = Appointment.objects.get(case=flare.case)
    said = calling(nurse).post(f"{APPOINTMENTS}/{booked.id}/cancel").json()
    assert (said["state"], said["case"]["step"]) == ("released", "call_booked")
    assert flare.case.callbacks.filter(state="waiting").count() == 1
    assert flare.case.messages.filter(template="slot-cancelled").count() == 2
    again = calling(nurse).post(f"{APPOINTMENTS}/{booked.id}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "released")
    assert flare.case.messages.filter(template="slot-cancelled").count() == 2


def test_a_patient_gives_back_the_time_that_is_kept_and_is_rung_all_the_same(calling, anna, flare):
    held = Appointment.objects.get(case=flare.case)
    said = calling(anna).post(f"{APPOINTMENTS}/{held.id}/cancel").json()
    assert (said["state"], said["ended_why"], said["case"]["step"]) == (
        "released",
        "cancelled by patient",
        "call_booked",
    )


def test_a_time_that_has_begun_is_not_cancelled(calling, nurse, flare):
    booked = calling(nurse).post(APPOINTMENTS, {"case": str(flare.case_id)}).json()
    with clock.turned(clock.now() + timedelta(days=2)):
        answer = calling(nurse).post(f"{APPOINTMENTS}/{booked['id']}/cancel")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:time-ended")


def test_a_finished_request_gets_no_time(calling, nurse, flare):
    contacts.finish(make.a_call_with(nurse, flare), by=nurse, outcome="all_well")
    answer = calling(nurse).post(APPOINTMENTS, {"case": str(flare.case_id)})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:followup:problem:request-closed")


def test_the_list_has_every_time_with_its_state(calling, nurse, unit, flare):
    make.a_flare(make.a_patient(make.a_unit()))
    rows = calling(nurse).get(APPOINTMENTS).json()["results"]
    assert [(row["state"], row["case"]["id"]) for row in rows] == [("held", str(flare.case_id))]
    assert calling(nurse).get(APPOINTMENTS, {"state": "booked"}).json()["results"] == []
    assert calling(nurse).get(APPOINTMENTS, {"case": str(flare.case_id)}).json()["results"] == rows
