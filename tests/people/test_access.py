"""The table of who may do what, walked whole; and who may see whom."""

import pytest

from followup.core.errors import NotAllowed, Unknown
from followup.core.journal import looks_at
from followup.people import access
from followup.people import services as people
from followup.people.models import Patient, Role
from tests import factories as make

pytestmark = pytest.mark.django_db

ROLES = ["nurse", "clinician", "coordinator", "wall", "system", "administrator", "patient", ""]

# One line for each act, in words of its own: whoever changes access.py must say so here too.
EXPECTED = {
    "answer_calls": {"nurse", "coordinator"},
    "see_patients": {"nurse", "clinician", "coordinator"},
    "enter_requests": {"nurse", "clinician", "coordinator"},
    "answer_asks": {"clinician"},
    "hand_asks": {"clinician", "coordinator"},
    "move_cases": {"nurse", "clinician", "coordinator"},
    "reopen": {"nurse", "clinician", "coordinator"},
    "give_times": {"nurse", "clinician", "coordinator"},
    "manage_times": {"coordinator"},
    "overbook": {"nurse", "clinician", "coordinator"},
    "see_board": {"nurse", "clinician", "coordinator", "wall"},
    "see_alerts": {"nurse", "clinician", "coordinator"},
    "look_after": {"administrator"},
    "get_in_touch": {"patient"},
    "bring_people_in": {"coordinator"},
}


def test_every_act_of_the_house_is_expected_here():
    assert set(access.MAY) == set(EXPECTED)


def test_every_role_of_the_house_is_walked_here():
    assert {str(role) for role in Role} | {"patient", ""} == set(ROLES)


def somebody(role, unit):
    if role == "patient":
        return make.a_patient(unit).user
    user = people.add_staff(
        username=f"{role or 'nobody'}-{unit.id.hex[:8]}",
        name="Kim Lind",
        role=role or "nurse",
        unit=unit,
        by=make.TESTS,
    )
    if not role:
        user.memberships.update(ended_on="2026-01-01")
    return user


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_the_table_says_and_nothing_else(role, unit):
    user = somebody(role, unit)
    for act, allowed in EXPECTED.items():
        assert access.may(user, act) == (role in allowed), act
        if role in allowed:
            access.require(user, act)
        else:
            with pytest.raises(NotAllowed):
                access.require(user, act)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_the_patients_of_its_unit_or_none(role, unit):
    ours, theirs = make.a_patient(unit), make.a_patient(make.a_unit())
    user = somebody(role, unit)
    seen = set(access.patients_visible_to(user))
    assert theirs not in seen
    assert {each for each in Patient.objects.all() if access.sees(user, each)} == seen
    if role in EXPECTED["see_patients"]:
        assert ours in seen
        assert access.patient_for(user, ours.id) == ours
    else:
        assert ours not in seen
        with pytest.raises(Unknown):
            access.patient_for(user, ours.id)
        with pytest.raises(Unknown):
            access.open_record(ours, by=user, where="call page")
    with pytest.raises(Unknown):
        access.patient_for(user, theirs.id)


def test_a_patient_sees_only_their_own_record(unit):
    anna, other = make.a_patient(unit), make.a_patient(unit)
    assert list(access.patients_visible_to(anna.user)) == [anna]
    assert access.sees(anna.user, anna) and not access.sees(anna.user, other)
    with pytest.raises(Unknown):
        access.patient_for(anna.user, other.id)


def test_opening_a_record_is_a_look_that_the_patient_can_read_and_their_own_is_none(unit):
    anna, nurse = make.a_patient(unit), make.a_nurse(unit)
    access.open_record(anna, by=nurse, where="call page")
    access.open_record(anna, by=anna.user, where="home")
    (look,) = looks_at(anna.id)
    assert (look.actor_name, look.actor_role) == (nurse.name, "nurse")
    assert look.detail == {"where": "call page"}


def test_somebody_not_signed_in_sees_and_may_nothing(unit):
    from django.contrib.auth.models import AnonymousUser

    make.a_patient(unit)
    assert not access.patients_visible_to(AnonymousUser()).exists()
    assert not any(access.may(AnonymousUser(), act) for act in EXPECTED)


def test_an_id_that_is_none_answers_like_one_that_nobody_has(unit):
    with pytest.raises(Unknown):
        access.patient_for(make.a_nurse(unit), "not-an-id")
