"""No more texts reach the provider in any second than the sender may send, and whoever waits for theirs comes first."""

from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from django.db import connection

from followup.core import clock, outbox
from followup.core.patience import Patience
from followup.messages import policy, services
from followup.messages.gateways import gateway_for
from followup.messages.models import Message, State, Turn
from followup.messages.services import claims, delivery
from tests.messages.conftest import state_of, tell

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "twilio")]


@pytest.fixture(autouse=True)
def three_a_second(settings, monkeypatch):
    """And a lane as long as a slow machine may take, which does not wait for a clock that stands still."""
    settings.FOLLOWUP_SMS_PER_SECOND = 3
    monkeypatch.setattr(delivery, "LANE_SECONDS", 60)
    monkeypatch.setattr(claims, "LONGEST_WAIT", 0)


@pytest.fixture
def lined_up(monkeypatch):
    """What the worker is asked to come back to: task, ids, and when."""
    asked = []
    monkeypatch.setattr(outbox, "_nudge", lambda task, ids, **when: asked.append((task, ids, when)))
    monkeypatch.setattr(outbox, "_patience", Patience())
    return asked


def texts(patient, count, **more):
    return [tell(patient, f"{number} {more}", channels=["sms"], **more)[0] for number in range(count)]


def test_in_any_second_no_more_than_that_and_what_waits_costs_no_try(patient, twilio, monday):
    texts(patient, 8)
    for milliseconds, taken in [(0, 3), (10, 3), (700, 3), (1000, 6), (1700, 6), (2000, 8), (4000, 8)]:
        with clock.turned(monday + timedelta(milliseconds=milliseconds)):
            services.send_queued("sms")
        assert len(twilio.accepted) == taken, f"after {milliseconds} ms"
    assert set(Message.objects.filter(channel="sms").values_list("state", "attempts")) == {("sent", 1)}


def test_the_second_begins_when_the_provider_answered_for_only_then_is_it_known_to_be_over(
    patient, twilio, monday, monkeypatch
):
    """On its way a text may be held up, and the next ones be quicker."""
    texts(patient, 6)
    send = claims.give_back

    def slow(message):
        with clock.turned(monday + timedelta(seconds=5)):
            send(message)

    monkeypatch.setattr(claims, "give_back", slow)
    services.send_queued("sms")
    for seconds, taken in [(1, 3), (5.7, 3), (6, 6)]:
        with clock.turned(monday + timedelta(seconds=seconds)):
            services.send_queued("sms")
        assert len(twilio.accepted) == taken, f"after {seconds} s"


def test_a_message_asked_for_by_itself_keeps_to_it_too(patient, twilio):
    services.deliver_all([message.id for message in texts(patient, 5)])
    assert len(twilio.accepted) == 3


def test_a_lane_waits_for_the_next_turn_and_goes_to_the_end_of_the_line_when_its_time_is_over(
    patient, twilio, monday, monkeypatch, lined_up, django_capture_on_commit_callbacks
):
    texts(patient, 8)
    monkeypatch.setattr(claims, "LONGEST_WAIT", 1.5)
    monkeypatch.setattr(delivery, "LANE_SECONDS", 2)
    with ExitStack() as hands, django_capture_on_commit_callbacks(execute=True):
        waits = []

        def sleep(seconds):
            waits.append(seconds)
            hands.enter_context(clock.turned(clock.now() + timedelta(seconds=seconds)))

        monkeypatch.setattr(claims.time, "sleep", sleep)
        services.send_queued("sms")
    assert waits == [0.95, 0.05, 0.95, 0.05], "for the next turn to be near, and once it is taken for its moment"
    assert len(twilio.accepted) == 8
    noted = Message.objects.filter(channel="sms").order_by("sent_at").values_list("sent_at", flat=True)
    assert [(at - monday).total_seconds() for at in noted] == [0, 0, 0, 1, 1, 1, 2, 2]


def test_only_one_lane_waits(patient, twilio, monkeypatch):
    texts(patient, 5)
    monkeypatch.setattr(claims, "LONGEST_WAIT", 1.5)
    monkeypatch.setattr(claims.time, "sleep", lambda seconds: pytest.fail("a second lane waits"))
    with psycopg.connect(**connection.get_connection_params()) as another:
        another.execute("SELECT pg_advisory_lock(%s, hashtext('sms'))", [claims.WAITING])
        services.send_queued("sms")
    assert len(twilio.accepted) == 3


def test_codes_go_first_then_answers_then_what_has_time(patient, twilio):
    [reminder], [answer] = texts(patient, 1, answers_them=False), texts(patient, 1)
    [code] = texts(patient, 1, answers_them=True)
    Message.objects.filter(id=code.id).update(urgency=policy.urgency("code", answers_them=True))
    services.send_queued("sms")
    assert [each["StatusCallback"][-36:] for each in twilio.accepted] == [
        str(each.id) for each in (code, answer, reminder)
    ]


def test_the_turn_of_a_sender_that_died_is_free_again_once_its_text_cannot_be_on_its_way(patient, twilio, monday):
    for message in texts(patient, 3):
        delivery._claim(message.id)
    [waiting] = texts(patient, 1, answers_them=False)
    for seconds, state in [(1, State.QUEUED), (14, State.QUEUED), (15, State.SENT)]:
        with clock.turned(monday + timedelta(seconds=seconds)):
            services.deliver_all([waiting.id])
        assert state_of(waiting) == state


def test_a_sender_that_was_halted_gives_back_no_turn_that_somebody_else_has(patient, monday, settings):
    settings.FOLLOWUP_SMS_PER_SECOND = 1
    first, second = texts(patient, 2)
    halted = delivery._claim(first.id)
    with clock.turned(monday + claims.LAPSE):
        assert delivery._claim(second.id)
        claims.give_back(halted)
    assert Turn.objects.get().busy_until_at == monday + 2 * claims.LAPSE


def test_a_clock_that_is_set_back_holds_nothing_up(patient, twilio, monday):
    with clock.turned(monday + timedelta(days=1)):
        services.deliver_all([message.id for message in texts(patient, 3)])
    [after] = texts(patient, 1, answers_them=False)
    services.deliver_all([after.id])
    assert state_of(after) == "sent"


def test_fewer_or_more_a_second_hold_from_the_next_text_on(patient, twilio, monday, settings):
    texts(patient, 20)
    taken = 0
    for step, (allowed, sent) in enumerate([(3, 3), (1, 1), (5, 5), (0, 11)]):
        settings.FOLLOWUP_SMS_PER_SECOND = allowed
        with clock.turned(monday + timedelta(seconds=2 * step)):
            services.send_queued("sms")
        taken += sent
        assert len(twilio.accepted) == taken


def test_of_two_refusals_at_once_the_longer_rest_stands(patient, twilio, monday):
    """Both were on their way already, and whoever writes last did not hear the last word."""
    gateway = gateway_for("sms")
    texts(patient, 3)
    on_their_way = [claims.take("sms", gateway) for _ in range(2)]
    twilio.mood = 429
    for taken, twilio.retry_after in zip(on_their_way, (60, 1), strict=True):
        delivery._hand_over(gateway, taken)
    twilio.mood = "ok"
    for seconds, sent in [(30, 0), (61, 3)]:
        with clock.turned(monday + timedelta(seconds=seconds)):
            services.send_queued("sms")
        assert len(twilio.accepted) == sent, f"after {seconds} s"
