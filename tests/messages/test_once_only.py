"""Promise 2: no message is sent twice, whatever Twilio answers and whoever dies. Twilio's own count is what is asked."""

import random
from datetime import timedelta

import pytest
from django.db import transaction

from followup.core import clock
from followup.core.models import Entry
from followup.messages import queries, services
from followup.messages.models import Message
from followup.messages.services import delivery
from tests.messages.conftest import state_of, tell

pytestmark = pytest.mark.django_db


def later(settings, times=1):
    """The moment when what is in doubt is asked about (again)."""
    return clock.turned(clock.now() + times * timedelta(seconds=settings.FOLLOWUP_RETRY_SECONDS + 1))


def look_again(settings):
    """What the sweeper does next: ask about what is stuck, send what is due."""
    with later(settings):
        for message_id in queries.stuck():
            services.settle_stuck(message_id)
        for message_id in queries.to_send():
            services.deliver(message_id)


@pytest.mark.parametrize("mood", ["break", "hang", "fault", "garbage"])
def test_what_was_taken_without_a_clear_answer_is_found_in_twilios_list(text, twilio, settings, mood, monkeypatch):
    monkeypatch.setattr("followup.messages.gateways.twilio.TIMEOUT_SECONDS", 0.3)
    twilio.mood = mood
    services.deliver(text.id)
    assert state_of(text) == "in_flight"
    twilio.mood = "ok"
    look_again(settings)
    assert (state_of(text), text.provider_id) == ("sent", twilio.sid(0))
    assert twilio.times_taken() == {str(text.id): 1}


@pytest.mark.parametrize("mood", ["drop"])
def test_a_broken_line_of_which_twilio_knows_nothing_is_a_persons_and_is_not_sent_again(text, twilio, settings, mood):
    twilio.mood = mood
    services.deliver(text.id)
    twilio.mood = "ok"
    for _ in range(3):
        look_again(settings)
    assert (state_of(text), text.trouble) == ("unknown", "the line broke")
    assert text in queries.needs_a_person(text.unit)
    assert twilio.accepted == []


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_fault_of_theirs_is_tried_again_once_their_list_does_not_have_it(text, twilio, settings, status):
    twilio.mood = status
    services.deliver(text.id)
    assert state_of(text) == "in_flight", "a fault of theirs may have come after the message was taken"
    twilio.mood = "ok"
    look_again(settings)
    assert state_of(text) == "sent"
    assert twilio.times_taken() == {str(text.id): 1}


def test_a_list_that_cannot_be_read_is_asked_again_and_then_it_is_a_persons(text, twilio, settings):
    twilio.mood, twilio.list_mood = "break", 503
    services.deliver(text.id)
    look_again(settings)
    assert state_of(text) == "in_flight"
    with later(settings, 4):
        twilio.list_mood = "ok"
        look_again(settings)
    assert state_of(text) == "sent"


def test_a_list_that_stays_closed_leaves_it_to_a_person(text, twilio, settings):
    twilio.mood, twilio.list_mood = "break", 500
    services.deliver(text.id)
    with later(settings, 11):
        look_again(settings)
    assert state_of(text) == "unknown"
    assert len(twilio.accepted) == 1


def test_a_report_settles_what_nobody_could_tell(text, twilio, settings):
    twilio.mood, twilio.list_mood = "break", 503
    services.deliver(text.id)
    with later(settings, 11):
        look_again(settings)
    services.note_report(text.id, reported="sent", provider_id=twilio.sid(0))
    assert (state_of(text), text.provider_id) == ("sent", twilio.sid(0))
    assert text not in queries.needs_a_person(text.unit)


def test_we_wait_as_long_as_we_are_asked_to(text, twilio, settings):
    twilio.mood, twilio.retry_after = 429, 40
    services.deliver(text.id)
    assert state_of(text) == "queued"
    assert timedelta(seconds=38) < text.due_at - clock.now() <= timedelta(seconds=40)


def test_after_the_last_try_it_is_a_persons(text, twilio):
    twilio.mood = 503
    for _ in range(services.TRIES):
        text.refresh_from_db()
        with clock.turned(text.due_at):
            services.deliver(text.id)
    assert state_of(text) == "failed"
    assert text in queries.needs_a_person(text.unit)


def test_an_earlier_text_with_the_same_words_is_not_taken_for_this_one(text, twilio, settings, patient):
    services.deliver(text.id)
    [again] = tell(patient, "two", channels=["sms"])
    assert again.body == text.body
    twilio.mood = "drop"
    services.deliver(again.id)
    twilio.mood = "ok"
    look_again(settings)
    assert (state_of(again), again.provider_id) == ("unknown", "")


def test_a_text_from_another_sender_is_not_taken_for_this_one(text, twilio, settings):
    twilio.take(
        {"To": text.to, "From": "+46700000000", "Body": text.body, "StatusCallback": "https://x.example/?message=0"}
    )
    twilio.mood = "drop"
    services.deliver(text.id)
    look_again(settings)
    assert state_of(text) == "unknown"


def test_a_sender_that_died_after_sending_is_settled_by_twilios_list(text, twilio, settings):
    claimed = delivery._claim(text.id)
    delivery.gateway_for("sms").send(claimed, claimed.body)
    look_again(settings)
    assert (state_of(text), text.provider_id) == ("sent", twilio.sid(0))
    assert twilio.times_taken() == {str(text.id): 1}


def test_a_sender_that_died_before_sending_leaves_it_to_a_person(text, twilio, settings):
    delivery._claim(text.id)
    look_again(settings)
    assert (state_of(text), text.trouble) == ("unknown", "sender died")
    assert twilio.accepted == []


@pytest.mark.parametrize(
    "send", [services.deliver, lambda text_id: services.deliver_all([text_id]), lambda _: services.send_queued("sms")]
)
def test_the_claim_is_committed_before_twilio_is_spoken_to(text, twilio, send):
    """Else a sender that dies, or a statement that fails afterwards, takes the claim back: it would be sent once more."""
    here, inside = transaction.get_connection(), []
    before = list(here.savepoint_ids)
    twilio.mood = lambda: inside.append(list(here.savepoint_ids)) or "ok"
    send(text.id)
    assert state_of(text) == "sent"
    assert inside == [before]


def test_a_halted_sender_that_wakes_when_others_gave_it_up_says_that_it_was_sent(text, twilio, settings):
    claimed = delivery._claim(text.id)
    look_again(settings)
    assert state_of(text) == "unknown"
    delivery._note(claimed, "sent", provider_id=twilio.sid(0))
    assert (state_of(text), text.provider_id) == ("sent", twilio.sid(0))


def test_a_halted_sender_that_wakes_does_not_undo_a_later_claim(text):
    """The local gateway knows that nothing was taken, so the next one sends it; the first one's late "not now" is nobody's word."""
    claimed = delivery._claim(text.id)
    Message.objects.filter(id=text.id).update(state="queued")
    delivery._claim(text.id)
    delivery._later(claimed, delivery.NotNow("503"))
    assert state_of(text) == "in_flight"
    delivery._note(claimed, "failed", trouble="21211")
    assert state_of(text) == "in_flight"
    assert not Entry.objects.filter(subject_id=text.id, verb="message.failed").exists()


def test_reports_come_twice_and_in_any_order(text, twilio):
    services.deliver(text.id)
    said = ["queued", "sending", "sent", "delivered"] * 2
    random.Random(4).shuffle(said)
    for word in said:
        services.note_report(text.id, reported=word, provider_id=twilio.sid(0))
    assert state_of(text) == "delivered"
    assert Entry.objects.filter(subject_id=text.id, verb="message.delivered").count() == 1


def test_a_report_before_the_answer_keeps_it_from_being_sent_again(text, twilio, settings):
    """Taken, reported, and our sender died: the report alone settles it."""
    claimed = delivery._claim(text.id)
    delivery.gateway_for("sms").send(claimed, claimed.body)
    services.note_report(text.id, reported="sent", provider_id=twilio.sid(0))
    for _ in range(3):
        look_again(settings)
    assert state_of(text) == "sent"
    assert twilio.times_taken() == {str(text.id): 1}


@pytest.mark.parametrize("seed", range(4))
def test_through_a_bad_day_at_twilios_none_is_taken_twice_and_each_is_accounted_for(
    patient, twilio, settings, seed, monkeypatch
):
    monkeypatch.setattr("followup.messages.gateways.twilio.TIMEOUT_SECONDS", 0.3)
    chance = random.Random(seed)
    twilio.mood = lambda: chance.choice(["ok", "ok", "break", "drop", "fault", "garbage", 429, 500, 503])
    for number in range(12):
        tell(patient, str(number), channels=["sms"])
    at = clock.now()
    for minute in range(40):
        with clock.turned(at + timedelta(seconds=30 * minute)):
            for message_id in queries.to_send():
                services.deliver(message_id)
            for message_id in queries.stuck():
                services.settle_stuck(message_id)
    states = dict(Message.objects.filter(patient=patient, channel="sms").values_list("id", "state"))
    taken = twilio.times_taken()
    assert max(taken.values()) == 1
    assert set(states.values()) <= {"sent", "unknown", "failed"}
    assert {str(id) for id, state in states.items() if state == "sent"} <= set(taken)
    assert not {str(id) for id, state in states.items() if state == "failed"} & set(taken)


def test_while_twilio_asks_us_to_wait_no_other_text_is_tried_and_mail_goes_on(text, twilio, patient):
    twilio.mood, twilio.retry_after = 429, 40
    services.deliver(text.id)
    other, mail = sorted(tell(patient, "two"), key=lambda each: each.channel, reverse=True)
    twilio.mood, at = "ok", clock.now()
    services.deliver(other.id)
    services.deliver(mail.id)
    assert (state_of(other), state_of(mail)) == ("queued", "sent")
    assert len(twilio.asked) == 1
    with clock.turned(at + timedelta(seconds=41)):
        for message_id in queries.to_send():
            services.deliver(message_id)
    assert (state_of(text), state_of(other)) == ("sent", "sent")


def test_a_twilio_that_does_not_answer_keeps_the_worker_waiting_once(text, twilio, patient, monkeypatch):
    monkeypatch.setattr("followup.messages.gateways.twilio.TIMEOUT_SECONDS", 0.3)
    others = [tell(patient, str(number), channels=["sms"])[0] for number in range(5)]
    twilio.mood = "hang"
    with clock.turned(clock.now()):
        for each in [text, *others]:
            services.deliver(each.id)
    assert len(twilio.asked) == 1
    assert [state_of(each) for each in others] == ["queued"] * 5


def test_a_mail_server_that_is_away_is_tried_again_and_nobody_is_asked_about_it(patient, settings):
    settings.EMAIL_URL, settings.EMAIL_BACKEND = "smtp://127.0.0.1:9", "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    [mail] = tell(patient, channels=["email"])
    services.deliver(mail.id)
    assert (state_of(mail), mail.trouble) == ("queued", "the mail server did not let us in")
