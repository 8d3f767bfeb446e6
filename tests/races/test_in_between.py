"""Verbs of one case, and of two, let go at the same moment: each does its work or says a plain no; none waits for another in a ring."""

import threading
from datetime import timedelta

from django.db import connection, transaction

from followup.callbacks import services as callbacks
from followup.cases import services as cases
from followup.cases.models import Case
from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Slot, SlotKind
from followup.contacts import policy
from followup.contacts import services as contacts
from followup.contacts.queries import facts_of
from followup.core import clock
from followup.core.errors import Refused
from tests import factories as make
from tests.house import until
from tests.races.at_once import at_once

PEOPLE = 6


def tomorrow(unit):
    return unit.hours.day_of(clock.now()) + timedelta(days=1)


def somebody_waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database OR database IS NULL"
            " WHERE NOT granted AND d.datname = current_database()"
        )
        return cursor.fetchone()[0] > 0


def test_what_is_sent_while_the_nurse_finishes_begins_a_new_request(unit):
    """The request is found open, waits for the nurse's hand, and finds it closed: nothing that was sent is lost."""
    nurse, patient = make.a_nurse(unit), make.a_patient(unit)
    first = make.a_flare(patient)
    call = make.a_call_with(nurse, first)
    sent = []

    def send():
        sent.extend(
            at_once([lambda: contacts.receive(patient=patient, by=patient.user, reason="worry", message="More")])
        )

    with transaction.atomic():
        cases.lock(first.case_id)
        patients_hand = threading.Thread(target=send)
        patients_hand.start()
        until(somebody_waits_for_a_row, within=10, what="the second request waiting")
        contacts.finish(call, by=nurse, outcome="all_well")
    patients_hand.join(20)
    assert not isinstance(sent[0], Exception), repr(sent[0])
    assert sent[0].case_id != first.case_id
    assert sent[0].message == "More"
    assert list(Case.objects.filter(patient=patient).order_by("opened").values_list("step", flat=True)) == [
        "closed",
        "received",
    ]


def test_two_who_change_places_do_not_wait_for_each_other(unit):
    a, b = (make.a_flare(make.a_patient(unit), booked=False).case for _ in range(2))
    # Not urgent ones: the worker at our side keeps an urgent time for each of the two requests, whenever it gets to them.
    make.urgent_times(unit, tomorrow(unit), 2, kind=SlotKind.REVISIT)
    one, two = Slot.objects.filter(unit=unit).order_by("starts_at")
    for _round in range(5):
        clinic.give(one, case=a, by=make.TESTS)
        clinic.give(two, case=b, by=make.TESTS)
        swapped = at_once(
            [lambda: clinic.give(two, case=a, by=make.TESTS), lambda: clinic.give(one, case=b, by=make.TESTS)]
        )
        assert all(isinstance(each, Appointment | clinic.SlotTaken) for each in swapped), swapped
        for case in (a, b):
            clinic.release(case=case, why="test", by=make.TESTS)


def test_every_verb_beside_every_other_for_the_same_people(unit):
    patients = [make.a_patient(unit) for _ in range(PEOPLE)]
    make.urgent_times(unit, tomorrow(unit), PEOPLE * 2)
    nurses = [make.a_nurse(unit) for _ in range(3)]
    told = [make.a_flare(patient, booked=False) for patient in patients]
    acts = []
    for contact in told:
        call, patient = make.callback_of(contact), contact.case.patient
        acts += [
            lambda contact=contact: contacts.book(contact.id),
            lambda call=call: contacts.finish(call, by=nurses[0], outcome="clinic_time"),
            lambda call=call: contacts.dial(call, by=nurses[1]),
            lambda patient=patient: contacts.receive(patient=patient, by=patient.user, reason="flare", message="!"),
            lambda patient=patient: contacts.warn(patient=patient, red_flags=["rf_bleed"], by=patient.user),
            lambda case=contact.case: contacts.give_time(case, by=nurses[2]),
            lambda call=call: contacts.lift_passed(call.id),
        ]
    acts += [lambda nurse=nurse: callbacks.claim_next(by=nurse) for nurse in nurses]
    for start in range(0, len(acts), 15):
        for said in at_once(acts[start : start + 15]):
            assert not isinstance(said, Exception) or isinstance(said, Refused), repr(said)
    for case in Case.objects.filter(patient__in=patients):
        assert policy.step_for(facts_of(case)) == (case.step, case.due)
    live = Appointment.objects.filter(unit=unit, state__in=["held", "booked"])
    assert live.count() == live.values("slot").distinct().count() == live.values("case").distinct().count()
