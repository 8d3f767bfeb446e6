"""A patient's own time: choose another, say that none suits, give it back; nothing here comes to a dead end."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from icalendar import Calendar

from followup.clinic.models import Appointment, Slot
from followup.contacts import queries
from followup.contacts import services as contacts
from followup.core import clock
from followup.messages.models import Message
from tests import factories as make
from tests.portal.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday")]

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


@pytest.fixture
def doctor(unit):
    return make.a_clinician(unit, "Sven Olsson")


@pytest.fixture
def flare(unit, doctor):
    """Tuesday 13:00 is kept; 13:30 on Tuesday, and 10:00 and 10:30 on Wednesday are free."""
    make.urgent_times(unit, TUESDAY, 2, doctor=doctor)
    make.urgent_times(unit, WEDNESDAY, 2, doctor=doctor, first=datetime(2026, 1, 1, 10).time())  # noqa: DTZ001
    return make.a_flare(make.a_patient(unit))


@pytest.fixture
def anna(flare):
    return signed_in(flare.case.patient.user)


def kept(contact):
    return Appointment.objects.kept().select_related("slot__unit").get(case=contact.case_id)


def booked(contact):
    nurse = make.a_nurse(contact.case.unit)
    contacts.finish(make.a_call_with(nurse, contact), by=nurse, outcome="clinic_time")
    return kept(contact)


def words(answer):
    return " ".join(answer.content.decode().split())


def on_wednesday(contact):
    return next(slot for slot in queries.times_to_choose(contact.case) if slot.starts_at.day == WEDNESDAY.day)


def test_home_leads_from_the_kept_time_to_another(anna):
    assert "That time does not suit me" in words(anna.get("/home/"))
    page = words(anna.get("/times/"))
    assert "Tuesday 24 November, 1pm, Eksjö, room 4" in page
    assert "You meet Sven Olsson." in page
    assert "Do not come before we have spoken" in page


def test_another_time_is_chosen_a_question_a_page_and_the_old_one_kept_until_then(anna, flare):
    before = kept(flare)
    days = words(anna.get("/times/day/"))
    assert "Tuesday 24 November" in days
    assert "2 free times" in days
    answer = anna.post("/times/day/", {"day": "2026-11-25"})
    assert answer.headers["Location"] == "/times/day/2026-11-25/"
    times = words(anna.get("/times/day/2026-11-25/"))
    assert "Wednesday 25 November, 10am, Eksjö, room 4" in times
    slot = on_wednesday(flare)
    assert anna.post("/times/day/2026-11-25/", {"slot": slot.id}).headers["Location"] == "/times/check/"
    check = words(anna.get("/times/check/"))
    assert "Instead of" in check
    assert "until 9:10am" in check
    assert kept(flare) == before
    for _twice in range(2):
        assert anna.post("/times/check/", {"slot": slot.id}).headers["Location"] == "/times/done/"
    assert (kept(flare).slot, kept(flare).state) == (slot, "held")
    done = words(anna.get("/times/done/"))
    assert "Your time is kept" in done
    assert "Do not come before we have spoken." in done


def test_after_the_call_the_new_time_is_booked(anna, flare):
    booked(flare)
    assert "Change or cancel the time" in words(anna.get("/home/"))
    slot = on_wednesday(flare)
    anna.post("/times/day/2026-11-25/", {"slot": slot.id})
    anna.post("/times/check/", {"slot": slot.id})
    assert kept(flare).state == "booked"
    assert "Your time is booked" in words(anna.get("/times/done/"))


@pytest.mark.parametrize(
    ("path", "said"),
    [("/times/day/", "Choose a day."), ("/times/day/2026-11-25/", "Choose a time."), ("/times/cancel/", "Say whether")],
)
def test_an_empty_answer_is_said_beside_the_question(anna, path, said):
    answer = anna.post(path, {})
    assert answer.status_code == 422
    assert words(answer).count(said) >= 2
    assert "Error: " in words(answer)


def test_a_time_just_taken_shows_the_fresh_list(anna, flare, unit):
    slot, nurse = on_wednesday(flare), make.a_nurse(unit)
    other = make.a_flare(make.a_patient(unit), booked=False)
    contacts.give_time(other.case, slot=slot, by=nurse)
    answer = anna.post("/times/day/2026-11-25/", {"slot": slot.id})
    assert answer.status_code == 422
    assert "Somebody else has just taken this time" in words(answer)
    assert str(slot.id) not in words(answer)
    assert "10:30am" in words(answer)
    late = anna.post("/times/check/", {"slot": slot.id})
    assert (late.status_code, "Which day suits you?" in words(late)) == (422, True)


def test_whoever_takes_longer_than_ten_minutes_still_gets_a_time_that_is_free(anna, flare):
    slot = on_wednesday(flare)
    anna.post("/times/day/2026-11-25/", {"slot": slot.id})
    choice = queries.choice_of(flare.case)
    with clock.turned(clock.now() + timedelta(minutes=11)):
        contacts_lapse(choice)
        assert anna.get("/times/check/").headers["Location"] == "/times/day/?again=yes"
        assert "Choose a time again." in words(anna.get("/times/day/?again=yes"))
        assert anna.post("/times/check/", {"slot": slot.id}).headers["Location"] == "/times/done/"
    assert kept(flare).slot == slot


def contacts_lapse(choice):
    from followup.clinic import services as clinic

    clinic.lapse_choice(choice.id, by=contacts.SWEEPER)


def test_at_most_twelve_times_before_show_more(unit, doctor):
    make.urgent_times(unit, WEDNESDAY, 15, doctor=doctor, first=datetime(2026, 1, 1, 8).time())  # noqa: DTZ001
    contact = make.a_flare(make.a_patient(unit))
    anna = signed_in(contact.case.patient.user)
    few, all_of_them = (words(anna.get(f"/times/day/2026-11-25/{more}")) for more in ("", "?more=yes"))
    assert few.count('name="slot"') == 12
    assert "Show 2 more times" in few
    assert all_of_them.count('name="slot"') == 14
    assert "In the morning" in few
    assert "In the afternoon" in few


def test_no_free_time_is_no_dead_end(unit, doctor):
    make.urgent_times(unit, TUESDAY, 1, doctor=doctor)
    contact = make.a_flare(make.a_patient(unit))
    anna = signed_in(contact.case.patient.user)
    page = words(anna.get("/times/day/"))
    assert "No other time is free before" in page
    assert "Ask us to find a time" in page
    answer = anna.post("/times/none/", {"words": "After three, please"})
    asked = words(anna.get(answer.headers["Location"]))
    assert "A nurse will call you before" in asked
    contact.case.refresh_from_db()
    assert contact.case.shortage == "needs_a_time"
    assert "this time does not suit you" in words(anna.get("/home/"))


@pytest.mark.parametrize(
    ("help_", "step", "said"), [("yes", "call_booked", "A nurse will call"), ("no", "closed", "noted")]
)
def test_a_time_is_given_back_with_a_question(anna, flare, help_, step, said):
    time = booked(flare)
    assert "Do you still need help?" in words(anna.get("/times/cancel/"))
    for _twice in range(2):
        answer = anna.post("/times/cancel/", {"help": help_, "time": time.id})
        assert answer.headers["Location"] == "/times/given-back/"
    flare.case.refresh_from_db()
    assert flare.case.step == step
    assert said in words(anna.get("/times/given-back/"))


def test_the_calendar_file_is_replaced_when_the_time_moves_and_says_when_it_is_cancelled(anna, flare):
    assert anna.get(f"/times/{kept(flare).id}/calendar.ics").status_code == 404  # held: nobody comes yet
    first = booked(flare)
    files = [event_of(anna, first)]
    contacts.give_time(flare.case, slot=on_wednesday(flare), by=flare.case.patient.user)
    files.append(event_of(anna, first))
    contacts.cancel_time(kept(flare), by=flare.case.patient.user)
    files.append(event_of(anna, first))
    assert len({str(event["uid"]) for event in files}) == 1
    assert [int(event["sequence"]) for event in files] == [0, 2, 3]
    assert [str(event["status"]) for event in files] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert [event["dtstart"].dt.isoformat() for event in files[:2]] == [
        "2026-11-24T13:00:00+01:00",
        "2026-11-25T10:00:00+01:00",
    ]
    assert files[0]["dtstart"].params["TZID"] == "Europe/Stockholm"
    assert {str(event["summary"]) for event in files} == {"Appointment"}
    assert str(files[0]["location"]) == "Eksjö, room 4"
    with clock.turned(datetime(2027, 1, 20, tzinfo=UTC)):
        assert signed_in(flare.case.patient.user).get(f"/times/{first.id}/calendar.ics").status_code == 404


def test_a_booked_time_says_what_to_bring_on_the_page_and_by_mail_which_leads_through_the_door(anna, flare):
    bring = "Bring proof of identity and a list of the medicines you take."
    assert bring not in words(anna.get("/times/"))  # held: nobody comes yet
    booked(flare)
    assert bring in words(anna.get("/times/done/"))
    mail = Message.objects.get(template="slot-confirmed", channel="email").body
    assert bring in mail
    address = next(line for line in mail.splitlines() if line.endswith("/times/"))
    assert str(flare.case_id) not in mail
    assert Client().get(urlsplit(address).path).headers["Location"] == "/sign-in/?next=/times/"
    assert "calendar.ics" in words(anna.get(urlsplit(address).path))


def event_of(client, appointment):
    answer = client.get(f"/times/{appointment.id}/calendar.ics")
    assert answer.status_code == 200
    calendar = Calendar.from_ical(answer.content)
    assert [each.name for each in calendar.subcomponents].count("VTIMEZONE") == 1
    assert "flare" not in answer.content.decode().lower()
    return next(iter(calendar.walk("VEVENT")))


def test_somebody_elses_time_answers_like_none(flare, unit):
    time = booked(flare)
    bengt = make.a_patient(unit, given_name="Bengt")
    make.a_flare(bengt)
    stranger = signed_in(bengt.user)
    assert stranger.get(f"/times/{time.id}/calendar.ics").status_code == 404
    assert stranger.post("/times/cancel/", {"help": "no", "time": time.id}).status_code == 404
    assert stranger.post("/times/check/", {"slot": time.slot_id}).status_code == 422
    assert kept(flare) == time


def test_who_has_no_request_goes_home(unit):
    anna = signed_in(make.a_patient(unit).user)
    for path in ("", "day/", "day/2026-11-25/", "check/", "done/", "none/", "cancel/", "given-back/"):
        assert anna.get(f"/times/{path}").headers["Location"] == "/home/", path
    assert Slot.objects.count() == 0
