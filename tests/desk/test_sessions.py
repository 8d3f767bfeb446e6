"""The rota on its pages: a week, a session, what is added and closed, the weekly template."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followup.clinic import services as clinic
from followup.clinic.models import Appointment, Session, Slot, TemplateLine
from followup.contacts import services as contacts
from followup.core import clock
from tests import factories as make
from tests.desk.conftest import text

MONDAY, TUESDAY, THURSDAY = date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 26)
WEEK = "/desk/sessions/?week=2026-W48"


@pytest.fixture
def session(unit, doctor):
    return make.urgent_times(unit, THURSDAY, 2, doctor=doctor)


def page(session) -> str:
    return reverse("desk:session", args=[session.id])


def a_flare_with_a_booked_time(unit, karin):
    contact = make.a_flare(make.a_patient(unit))
    contacts.finish(make.a_call_with(karin, contact), by=karin, outcome="clinic_time")
    return contact


# the week


def test_each_session_is_a_link_that_is_read_whole(desk, karin, session, doctor):
    answer = text(desk(karin).get(WEEK))
    link = answer.split(f'href="{page(session)}"')[1].split("</a>")[0]
    assert "Thursday 26 November, Dr Olsson, " in link
    assert "2 times free" in link
    assert "2 urgent" in link


def test_nurses_and_clinicians_read_and_change_nothing(desk, karin, doctor, session):
    for reader in (karin, doctor):
        answer = text(desk(reader).get(WEEK))
        assert "Copy this week" not in answer
        assert "Add a session" not in answer
        assert "Close this session" not in text(desk(reader).get(page(session)))
        for address in ("/desk/sessions/add/", "/desk/sessions/template/add/", f"{page(session)}close/"):
            assert desk(reader).get(address).status_code == 403
            assert desk(reader).post(address).status_code == 403


def test_another_units_session_is_not_there(desk, session):
    outsider = make.a_coordinator(make.a_unit())
    slot = session.slots.first()
    assert desk(outsider).get(page(session)).status_code == 404
    for address in (f"{page(session)}close/", f"/desk/slots/{slot.id}/close/"):
        assert desk(outsider).get(address).status_code == 404
        assert desk(outsider).post(address, {"why": "x"}).status_code == 404


def test_what_is_missing_stands_in_words_from_real_need(desk, eva, unit, doctor, karin):
    """Two Thursdays on which three urgent times were used, and one on which one was: usually three are needed."""
    for weeks, used in ((1, 3), (2, 3), (3, 1)):
        day = THURSDAY - timedelta(weeks=weeks)
        with clock.turned(datetime.combine(day - timedelta(days=1), time(12), unit.zone)):
            past = make.urgent_times(unit, day, 4, doctor=doctor)
            for slot in past.slots.order_by("starts_at")[:used]:
                clinic.give(slot, case=make.a_flare(make.a_patient(unit), booked=False).case, by=make.TESTS)
    make.urgent_times(unit, THURSDAY, 1, doctor=doctor)
    answer = text(desk(eva).get(WEEK))
    assert "Thursday 26 November: 1 urgent time, usual need 3" in answer
    assert "Thursday 26 November: no nurse on the line" in answer
    assert "Tuesday 24 November: 0 urgent" not in answer, "nothing is claimed that nobody knows"
    assert f"/desk/sessions/add/?day={THURSDAY.isoformat()}" in answer


def test_a_week_laid_out_lacks_nothing(desk, eva, unit, karin, doctor):
    clinic.lay_out(unit, by=make.TESTS)
    assert "What is missing" not in text(desk(eva).get(WEEK))


def test_a_week_is_asked_of_the_database_as_often_with_sixty_sessions_as_with_one(desk, eva, unit, doctor):
    def asked(client) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(WEEK).status_code == 200
        return len(queries)

    me = desk(eva)
    make.urgent_times(unit, TUESDAY, 2, doctor=doctor)
    me.get(WEEK)
    with_one = asked(me)
    for n in range(59):
        make.urgent_times(unit, MONDAY + timedelta(days=n % 5), 3, doctor=make.a_clinician(unit, f"Dr {n}"))
    assert asked(me) == with_one


@pytest.mark.parametrize("week", ["", "2026-W99", "soon", "9999-W01", "2026-W48'"])
def test_a_week_that_is_none_is_this_one(week, desk, eva, unit):
    assert "Week 48" in text(desk(eva).get("/desk/sessions/", {"week": week}))


# add, copy, open


ADDED = {
    "kind": "clinic",
    "day_day": "26",
    "day_month": "11",
    "day_year": "2026",
    "starts": "9",
    "ends": "12:00",
    "urgent": "9:00, 10.20",
    "revisit": "11:00",
    "minutes": "30",
    "room": "room 7",
}


def test_a_session_is_added_once_however_often_it_is_sent(desk, eva, unit, doctor):
    me = desk(eva)
    for _ in range(2):
        answer = me.post("/desk/sessions/add/", ADDED | {"person": str(doctor.id)})
        assert answer.status_code == 302
    added = Session.objects.get()
    assert answer.headers["Location"] == page(added)
    kinds = [(slot.kind, slot.starts_at.astimezone(unit.zone).hour) for slot in added.slots.order_by("starts_at")]
    assert kinds == [("urgent", 9), ("urgent", 10), ("revisit", 11)]
    assert "Room 7" in text(me.get(page(added))).replace("room 7", "Room 7")


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"person": ""}, "person", "Choose a person."),
        ({"day_day": "31", "day_month": "2"}, "day", "real day"),
        ({"day_day": "20"}, "day", "from today on"),
        ({"starts": "25:00"}, "starts", "such as 14:30"),
        ({"ends": "08:00"}, "ends", "after the start"),
        ({"urgent": "9:00, 9:10"}, "urgent", "09:10 begins before the time before it has ended"),
        ({"revisit": "11:45"}, "revisit", "11:45 does not fit"),
        ({"urgent": "ten"}, "urgent", "ten is no time of day"),
        ({"urgent": "", "revisit": ""}, "urgent", "at least one time"),
        ({"minutes": "0"}, "minutes", "5 to 240"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_the_typed_is_kept(wrong, field, said, desk, eva, doctor):
    answer = desk(eva).post("/desk/sessions/add/", ADDED | {"person": str(doctor.id)} | wrong)
    shown = text(answer)
    assert answer.status_code == 422
    assert f'href="#{field}"' in shown
    assert said in shown
    assert 'value="room 7"' in shown
    assert not Session.objects.exists()


def test_two_places_at_once_are_both_shown_and_refused(desk, eva, unit, doctor, session):
    answer = desk(eva).post("/desk/sessions/add/", ADDED | {"person": str(doctor.id), "ends": "13:30"})
    assert answer.status_code == 422
    assert "Dr Olsson is at the clinic then, 13:00 to 14:00. Nothing was saved." in text(answer)
    assert 'value="13:30"' in text(answer)
    assert Session.objects.count() == 1


def test_the_way_from_a_request_at_risk_fills_in_the_day_and_leads_back(desk, eva, unit, doctor):
    case = make.a_flare(make.a_patient(unit)).case
    address = f"/desk/sessions/add/?day=2026-11-26&case={case.id}"
    me = desk(eva)
    shown = text(me.get(address))
    assert f"For {case.patient.name}, who waits for a time" in shown
    assert 'value="26"' in shown
    answer = me.post(address, ADDED | {"person": str(doctor.id)})
    assert str(case.id) in answer.headers["Location"]


def test_a_week_is_copied_and_nobody_is_put_in_two_places(desk, eva, unit, doctor, session):
    maria = make.a_clinician(unit, "Dr Maria")
    make.urgent_times(unit, THURSDAY, 1, doctor=maria)
    make.urgent_times(unit, THURSDAY + timedelta(weeks=1), 1, doctor=maria)
    me = desk(eva)
    for said in ("1 session copied. Closed days", "Nothing was copied: the clinic is closed on those days"):
        answer = me.post("/desk/sessions/copy/", {"week": "2026-W48", "to": "2026-W49"}, follow=True)
        assert said in text(answer)
    copied = Session.objects.get(person=doctor, starts_at=session.starts_at + timedelta(weeks=1))
    assert copied.slots.count() == 2
    assert Session.objects.filter(person=maria).count() == 2


def test_a_time_is_opened_from_a_session_with_its_reason(desk, karin, session):
    me = desk(karin)
    address = f"/desk/sessions/open-time/?session={session.id}"
    assert f'value="{session.person_id}" selected' in text(me.get(address))
    typed = {"person": str(session.person_id), "day_day": "26", "day_month": "11", "day_year": "2026", "start": "13:00"}
    assert me.post(address, typed | {"kind": "urgent"}).status_code == 422
    for _ in range(2):
        assert me.post(address, typed | {"kind": "urgent", "why": "Cannot wait"}).status_code == 302
    assert Slot.objects.filter(session=session, opened_why="Cannot wait").count() == 1
    assert "Cannot wait" in text(me.get(page(session)))


def test_a_revisit_time_is_turned_urgent_and_another_closed(desk, eva, unit, doctor):
    session = make.urgent_times(unit, THURSDAY, 2, kind="revisit", doctor=doctor)
    first, second = session.slots.order_by("starts_at")
    me = desk(eva)
    assert me.post(reverse("desk:slot_urgent", args=[first.id]), {"why": ""}).status_code == 422
    me.post(reverse("desk:slot_urgent", args=[first.id]), {"why": "None left"})
    me.post(reverse("desk:slot_close", args=[second.id]), {"why": "Meeting"})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.kind, bool(second.closed_at)) == ("urgent", True)


# close


def test_before_a_session_closes_the_page_says_who_must_be_called(desk, eva, karin, unit, doctor):
    session = make.urgent_times(unit, TUESDAY, 3, doctor=doctor)
    for _ in range(2):
        a_flare_with_a_booked_time(unit, karin)
    me = desk(eva)
    shown = text(me.get(f"{page(session)}close/"))
    assert "2 patients must be called" in shown
    assert shown.count('<th scope="row">Anna Berg') == 2
    assert me.post(f"{page(session)}close/", {"why": ""}).status_code == 422
    assert Session.objects.filter(closed_at=None).count() == 1


def test_closed_once_and_the_page_shows_what_became_of_each(desk, eva, karin, unit, doctor):
    session = make.urgent_times(unit, TUESDAY, 2, doctor=doctor)
    for _ in range(2):
        a_flare_with_a_booked_time(unit, karin)
    make.urgent_times(unit, date(2026, 11, 25), 1)
    me = desk(eva)
    for _ in range(2):
        assert me.post(f"{page(session)}close/", {"why": "Ill"}).headers["Location"] == page(session)
    shown = text(me.get(page(session)))
    assert "Ill" in shown
    assert "Kept until we have spoken: Wednesday 25 November" in shown
    assert "Needs a time, none there" in shown
    assert shown.count("A nurse rings before") == 2
    assert Appointment.objects.filter(state="released").count() == 2
    assert "Closed" in text(me.get(WEEK))


def test_an_empty_session_closes_without_a_call(desk, eva, session):
    me = desk(eva)
    assert "Close this session?" in text(me.get(f"{page(session)}close/"))
    me.post(f"{page(session)}close/", {"why": "Course"})
    assert "Nobody had a time in it." in text(me.get(page(session)))


# the weekly template


@pytest.fixture
def laid(unit, doctor, karin):
    clinic.lay_out(unit, by=make.TESTS)
    return TemplateLine.objects.get(unit=unit, kind="clinic", weekday=3)


LINE = {"kind": "clinic", "starts": "09:00", "ends": "12:00", "urgent": "09:00, 10:00", "minutes": "30", "weekday": "3"}


def test_the_template_is_read_day_by_day(desk, eva, laid):
    shown = text(desk(eva).get("/desk/sessions/template/"))
    assert "urgent 10:20, 13:40, 14:20" in shown
    assert shown.index("Monday") < shown.index("Friday")


def test_a_changed_line_holds_for_what_is_not_laid_and_on_request_for_what_is(desk, eva, unit, karin, laid, doctor):
    me, address = desk(eva), f"/desk/sessions/template/{laid.id}/"
    thursdays = Session.objects.filter(line=laid)
    before = thursdays.count()
    me.post(address, LINE | {"person": str(doctor.id)})
    assert {session.slots.count() for session in thursdays.all()} == {8}
    taken = thursdays.order_by("starts_at").first()
    clinic.give(taken.slots.first(), case=make.a_flare(make.a_patient(unit), booked=False).case, by=make.TESTS)
    me.post(address, LINE | {"person": str(doctor.id), "also_laid": "yes"})
    assert sorted(session.slots.count() for session in thursdays.all()) == [2] * (before - 1) + [8]
    assert "stays as it was" in text(me.get("/desk/sessions/template/"))
    clinic.lay_out(unit, by=make.TESTS)
    assert thursdays.count() == before


def test_a_new_line_is_laid_at_once_and_two_places_are_refused(desk, eva, laid, unit):
    maria = make.a_clinician(unit, "Dr Maria")
    me = desk(eva)
    for _ in range(2):
        assert me.post("/desk/sessions/template/add/", LINE | {"person": str(maria.id)}).status_code == 302
    assert Session.objects.filter(person=maria, line__weekday=3).count() == 6
    answer = me.post("/desk/sessions/template/add/", LINE | {"person": str(maria.id), "starts": "08:00"})
    assert answer.status_code == 422
    assert "Dr Maria is at the clinic then, 09:00 to 12:00" in text(answer)


def test_a_removed_line_is_laid_no_more(desk, eva, laid, unit):
    me = desk(eva)
    for _ in range(2):
        answer = me.post(f"/desk/sessions/template/{laid.id}/remove/", {"also_laid": "yes"}, follow=True)
        assert f"Removed from the template: {laid.person.name}, " in text(answer)
    assert not Session.objects.filter(line=laid).exists()
    clinic.lay_out(unit, by=make.TESTS)
    assert not Session.objects.filter(line=laid).exists()
    assert me.get(f"/desk/sessions/template/{laid.id}/").status_code == 404
