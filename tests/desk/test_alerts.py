"""The alerts page: each line with its owner and one main button; and the ways out behind a shortage."""

from datetime import date, timedelta

import pytest
from django.urls import reverse

from followup.clinic.models import Appointment, Slot
from followup.contacts import services as contacts
from followup.core import clock
from followup.core.models import Outbox
from followup.messages.models import Message
from tests import factories as make
from tests.desk.conftest import text

TUESDAY = date(2026, 11, 24)


@pytest.fixture
def refused(unit, anna):
    """Anna feels worse, and no time is left."""
    return make.a_flare(anna)


def kept(contact) -> Appointment:
    return Appointment.objects.filter(case=contact.case).kept().get()


def test_the_earliest_time_that_suits_is_one_press_away(desk, eva, unit, refused):
    make.urgent_times(unit, TUESDAY, 2, kind="revisit")
    me = desk(eva)
    assert "Give Tuesday 24 November, 13:00" in text(me.get("/desk/alerts/"))
    slot = Slot.objects.filter(unit=unit).earliest("starts_at")
    there = reverse("desk:take_time", args=[refused.case_id])
    for _ in range(2):
        assert me.post(there, {"slot": str(slot.id)}).status_code == 302
    assert "A time is kept for Anna Berg: Tuesday 24 November, 13:00." in text(me.get("/desk/alerts/"))
    assert kept(refused).slot == slot


def test_without_one_the_way_leads_to_the_others(desk, eva, refused):
    me = desk(eva)
    page = text(me.get("/desk/alerts/"))
    there = reverse("desk:ways_out", args=[refused.case_id])
    assert f'href="{there}"' in page
    page = text(me.get(there))
    assert "No free time is left before the promised day." in page
    assert "Nobody has a kept time that would do." in page
    assert f"/desk/sessions/add/?day=2026-11-26&amp;case={refused.case_id}" in page


def test_a_nurse_sees_the_shortage_and_may_book_over_but_not_trade(desk, karin, refused):
    me = desk(karin)
    page = text(me.get("/desk/alerts/"))
    assert reverse("desk:open_time", args=[refused.case_id]) in page
    assert reverse("desk:ways_out", args=[refused.case_id]) not in page
    assert me.get(reverse("desk:ways_out", args=[refused.case_id])).status_code == 403
    assert me.post(reverse("desk:trade_time", args=[refused.case_id])).status_code == 403


def test_another_units_case_is_not_found(desk, refused):
    outsider = make.a_coordinator(make.a_unit())
    me = desk(outsider)
    for name in ("ways_out", "open_time"):
        assert me.get(reverse(f"desk:{name}", args=[refused.case_id])).status_code == 404
    assert me.post(reverse("desk:take_time", args=[refused.case_id]), {}).status_code == 404


def test_a_trade_says_how_well_the_other_could_wait_and_needs_a_reason(desk, eva, unit):
    make.urgent_times(unit, TUESDAY, 1)
    bo = make.a_flare(make.a_patient(unit, given_name="Bo", family_name="Ek"))
    refused = make.a_flare(make.a_patient(unit))
    me, there = desk(eva), reverse("desk:trade_time", args=[refused.case_id])
    page = text(me.get(reverse("desk:ways_out", args=[refused.case_id])))
    assert "Tuesday 24 November, 13:00, Bo Ek" in page
    assert "would be without a time, and at risk" in page
    theirs = str(kept(bo).id)
    answer = me.post(there, {"appointment": theirs, "why": " "})
    assert answer.status_code == 422
    assert 'href="#why"' in text(answer)
    assert me.post(there, {"appointment": "", "why": "Worse"}).status_code == 422
    for _ in range(2):
        assert me.post(there, {"appointment": theirs, "why": "Worse"}).status_code == 302
    assert kept(refused).slot_id
    bo.case.refresh_from_db()
    assert bo.case.shortage == "no_time_left"


def test_a_time_that_somebody_else_was_quicker_to_take_is_said(desk, eva, unit, refused):
    make.urgent_times(unit, TUESDAY, 2, kind="revisit")
    first, second = Slot.objects.filter(unit=unit).order_by("starts_at")
    me, there = desk(eva), reverse("desk:take_time", args=[refused.case_id])
    me.post(there, {"slot": str(first.id)})
    answer = me.post(there, {"slot": str(second.id)})
    assert answer.status_code == 409
    assert "A time is already kept for this person." in text(answer)


OPENED = {"day": "2026-11-24", "start": "15.45", "length": "20", "why": "Must be seen"}


def test_a_nurse_books_over_from_her_call_and_comes_back_to_it(desk, karin, doctor, refused):
    call = make.a_call_with(karin, refused)
    me, there = desk(karin), reverse("desk:open_time", args=[refused.case_id])
    assert me.get(there).status_code == 200
    answer = me.post(there, OPENED | {"person": str(doctor.id)})
    assert answer.headers["Location"] == reverse("desk:call", args=[call.id])
    assert kept(refused).slot.opened_why == "Must be seen"
    assert "Kept for them: Tuesday 24 November, 15:45" in text(me.get(answer.headers["Location"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [("person", ""), ("day", "2026-12-24"), ("start", "soon"), ("length", "1"), ("why", " ")],
)
def test_what_is_missing_is_said_beside_its_field_and_the_typed_is_kept(field, value, desk, karin, doctor, refused):
    there = reverse("desk:open_time", args=[refused.case_id])
    answer = desk(karin).post(there, OPENED | {"person": str(doctor.id)} | {field: value})
    assert answer.status_code == 422
    assert f'href="#{field}"' in text(answer)
    assert not Slot.objects.exists()


def test_a_message_that_failed_leaves_the_list_when_somebody_says_what_they_did(desk, eva, stranger, unit, flare):
    Message.objects.filter(unit=unit, channel="sms").update(state="failed")
    me = desk(eva)
    for message in Message.objects.filter(unit=unit, channel="sms"):
        there = reverse("desk:settle_message", args=[message.id])
        assert desk(stranger).post(there, {"done": "rang"}).status_code == 404
        me.post(there, {"done": "sang"})
        message.refresh_from_db()
        assert message.settled_at is None
        for _ in range(2):
            assert me.post(there, {"done": "rang"}).status_code == 302
        message.refresh_from_db()
        assert message.settled_by == eva
    assert "Messages that need a person" not in text(me.get("/desk/alerts/"))


def test_work_that_was_given_up_is_this_units_and_is_tried_again(desk, eva, unit, flare, karin):
    Outbox.objects.all().delete()
    ours = make_given_up("contacts.received", contact_id=str(flare.id))
    theirs = make_given_up("clinic.time_freed", unit_id=str(make.a_unit().id))
    me = desk(eva)
    assert "contacts.received" in text(me.get("/desk/alerts/"))
    assert "clinic.time_freed" not in text(me.get("/desk/alerts/"))
    assert me.post(reverse("desk:try_again", args=[theirs.id])).status_code == 404
    assert desk(karin).post(reverse("desk:try_again", args=[ours.id])).status_code == 403
    assert me.post(reverse("desk:try_again", args=[ours.id])).status_code == 302
    ours.refresh_from_db()
    assert (ours.gave_up_at, ours.attempts) == (None, 0)


def make_given_up(topic: str, **payload: str) -> Outbox:
    at = clock.now()
    return Outbox.objects.create(
        topic=topic, payload=payload, due_at=at, gave_up_at=at, attempts=10, trouble="KeyError"
    )


def test_that_nobody_is_told_outside_the_page_is_said_and_mended(desk, eva, karin, unit):
    me, there = desk(eva), reverse("desk:told_where")
    assert "Nobody is told outside this page" in text(me.get("/desk/alerts/"))
    assert me.get(there).status_code == 200
    assert me.post(there, {"email": "jour", "phone": "12", f"number-{karin.id}": "x"}).status_code == 422
    given = {"email": "jour@example.org", "phone": "070-174 06 05", f"number-{karin.id}": "070-174 06 06"}
    assert me.post(there, given).status_code == 302
    unit.refresh_from_db()
    karin.refresh_from_db()
    assert (unit.on_call_email, unit.on_call_phone) == ("jour@example.org", "+46701740605")
    assert karin.phone == "+46701740606"
    assert "Nobody is told" not in text(me.get("/desk/alerts/"))
    assert desk(karin).get(there).status_code == 403


def test_a_held_time_that_is_near_leads_to_the_call(desk, karin, unit, flare):
    near = kept(flare).slot.starts_at - timedelta(hours=1)
    make.Callback.objects.filter(case=flare.case).update(due=near + timedelta(hours=1))
    with clock.turned(near):
        page = text(desk(karin).get("/desk/alerts/"))
    assert "A kept time is near, and nobody has spoken with them" in page
    assert reverse("desk:call", args=[make.callback_of(flare).id]) in page


def test_asked_again_after_a_session_was_added_is_seen_at_once(desk, eva, unit, refused):
    make.urgent_times(unit, TUESDAY, 1)
    contacts.ask_again(unit.id)
    assert "Nothing needs you right now." in text(desk(eva).get("/desk/alerts/"))


def test_a_red_flag_that_six_messages_were_told_of_in_vain_stands_there_and_says_so(desk, karin, unit, stranger):
    unit.on_call_phone = "+46701740699"
    unit.save()
    with clock.turned(make.SUNDAY_EVENING):
        make.urgent_times(unit, TUESDAY, 1)
        contact = make.a_flare(make.a_patient(unit), answers={"red_flags": ["rf_pain"]})

    def seen(by) -> str:
        return text(desk(by).get("/desk/alerts/"))

    for minutes in range(0, 200, 31):
        with clock.turned(make.SUNDAY_EVENING + timedelta(minutes=minutes)):
            contacts.escalate(contact.case_id, "red_flag")
            page = seen(karin)
            assert "Red flags that nobody has taken" in page
            assert ("nobody has answered 6 messages" in page) is (minutes >= 5 * 31)
            assert ("staff told outside this page" in page) is (minutes < 5 * 31)
    with clock.turned(make.SUNDAY_EVENING + timedelta(hours=4)):
        assert reverse("desk:call", args=[make.callback_of(contact).id]) in page
        assert "Red flags" not in seen(stranger)
        make.a_call_with(karin, contact)
        assert "Red flags" not in seen(karin)
