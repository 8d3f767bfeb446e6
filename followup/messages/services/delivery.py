"""Sending what is queued, once, and noting what became of it."""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import QuerySet

from followup.core import clock, crash, journal, outbox
from followup.core.statement import run
from followup.messages import policy, queries
from followup.messages.gateways import Gateway, Never, NotNow, Trouble, Uncertain, gateway_for
from followup.messages.models import Channel, Message, Rest, State
from followup.messages.services import claims
from followup.messages.services.telling import POSTMAN, note_down
from followup.people.signin import services as signin

log = logging.getLogger(__name__)

TRIES = 6
LANES, LANE_SECONDS, LINE_SECONDS = 2, 1.0, 3.0
"""What is queued is sent in so many lanes; each works so long before it lets others have the worker, and is not begun later than that."""
PACED_SECONDS = 3.0
"""The one lane of a provider that counts works longer: with each way through the line it would lose turns."""


def deliver(message_id: UUID | str) -> None:
    """Send a queued message: claimed and committed first, so that two workers never send it both, then noted.

    Whether it was taken may stay open, because the line broke or this process died: then it is in flight until `settle_stuck`.
    """
    message = _claim(message_id)
    if message is not None:
        _hand_over(gateway_for(message.channel), [message])


def deliver_all(ids: Iterable[UUID | str]) -> None:
    """Send those of these messages that are queued. What its channel does not take in this second stays queued."""
    queued = dict(Message.objects.filter(id__in=list(ids), state=State.QUEUED).values_list("id", "channel"))
    for channel in set(queued.values()):
        gateway = gateway_for(channel)
        mine = [message_id for message_id, its_channel in queued.items() if its_channel == channel]
        for first in range(0, len(mine), gateway.at_once):
            _hand_over(gateway, claims.take(channel, gateway, mine[first : first + gateway.at_once]))


def send_due() -> None:
    """Have the worker send whatever is due on any channel."""
    for channel in Channel.values:
        if queries.to_send(limit=1, channel=channel):
            for _lane in range(LANES):
                _line_up(channel)


def send_queued(channel: str) -> None:
    """One lane: send what is queued on a channel, the most urgent first.

    When it has worked for a while it goes to the end of the worker's line. When the channel takes no more in this second, one lane waits
    until it does, and the others end.
    """
    gateway = gateway_for(channel)
    ends = time.monotonic() + (PACED_SECONDS if gateway.per_second else LANE_SECONDS)
    while (left := ends - time.monotonic()) > 0:
        if taken := claims.take(channel, gateway):
            _hand_over(gateway, taken)
            continue
        waiting = gateway.per_second and queries.to_send(limit=1, channel=channel)
        if not waiting or not claims.wait_for_turn(channel, gateway, at_most=left):
            return
    _line_up(channel)


def _line_up(channel: str) -> None:
    outbox.nudge_on_commit("messages.send_queued", [channel], within=LINE_SECONDS)


def _claim(message_id: UUID | str) -> Message | None:
    channel = Message.objects.filter(id=message_id).values_list("channel", flat=True).first()
    taken = claims.take(channel, gateway_for(channel), [message_id]) if channel else []
    return taken[0] if taken else None


def _hand_over(gateway: Gateway, messages: Sequence[Message]) -> None:
    if gateway.at_once > 1:
        _hand_over_together(gateway, messages)
    else:
        for message in messages:
            _hand_over_one(gateway, message)


def _hand_over_one(gateway: Gateway, message: Message) -> None:
    claims.wait_for_own_turn(message)
    crash.at("before_send:messages.send")
    try:
        try:
            provider_id = gateway.send(message, _body_to_send(message))
        finally:
            claims.give_back(message)
    except Never as no:
        _note(message, State.FAILED, trouble=str(no))
    except NotNow as no:
        _let_rest(message, no)
        _later(message, no)
    except Uncertain as no:
        _let_rest(message, no)
        _still_theirs(message).update(trouble=str(no))
    else:
        crash.at("after_send:messages.send")
        _note(message, State.SENT, provider_id=provider_id)


def _hand_over_together(gateway: Gateway, messages: Sequence[Message]) -> None:
    """To a gateway that takes each message once however often it is handed over, and always knows whether it did."""
    bodies = []
    for message in messages:
        try:
            bodies.append((message, _body_to_send(message)))
        except Never as no:
            _note(message, State.FAILED, trouble=str(no))
    crash.at("before_send:messages.send_together")
    provider_ids = gateway.send_all(bodies)
    crash.at("after_send:messages.send_together")
    _note_sent({message.id: provider_id for (message, _body), provider_id in zip(bodies, provider_ids, strict=True)})


def _body_to_send(message: Message) -> str:
    if message.template != "code":
        return message.body
    try:
        return message.body.replace(policy.HIDDEN_CODE, signin.code_of(message.occasion.partition(":")[2]))
    except ObjectDoesNotExist:
        raise Never("the code is past any use") from None


def _still_theirs(message: Message) -> QuerySet[Message]:
    """The message while it is in flight by this very claim: a sender that was halted may wake when others have dealt with it."""
    return Message.objects.filter(id=message.id, state=State.IN_FLIGHT, attempts=message.attempts)


def _note(message: Message, state: str, *, provider_id: str = "", trouble: str = "") -> None:
    """What became of a claim. A report from the provider may have been quicker, and stands.

    That it was sent is noted whatever others made of the silence meanwhile: what was sent must not be sent again.
    """
    if state == State.SENT:
        _note_sent({message.id: provider_id})
        return
    with transaction.atomic():
        if _still_theirs(message).update(state=state, provider_id=provider_id, trouble=trouble):
            note_down(f"message.{state}", message, by=POSTMAN, trouble=trouble)
        crash.commit("messages.note")


_NOTE_SENT = """
WITH noted AS (
    UPDATE message m SET state = 'sent', provider_id = said.provider_id, trouble = '', sent_at = %(at)s
      FROM unnest(%(ids)s::uuid[], %(provider_ids)s::text[]) AS said (id, provider_id)
     WHERE m.id = said.id AND m.state = ANY(%(before_sent)s)
    RETURNING m.id, m.unit_id, m.patient_id, m.case_id
), written AS ({journal})
SELECT id FROM noted
""".replace("{journal}", journal.insert_from("noted", "message.sent"))


def _note_sent(provider_ids: dict[UUID, str]) -> None:
    values = {
        "at": clock.now(),
        "ids": list(provider_ids),
        "provider_ids": list(provider_ids.values()),
        "before_sent": [str(state) for state in policy.BEFORE_SENT],
        **journal.insert_values(POSTMAN),
    }
    run(_NOTE_SENT, values, point="messages.note")


def _let_rest(message: Message, trouble: Trouble) -> None:
    """Nothing more is handed to a gateway that asked us to wait, or that does not answer; by any worker."""
    if trouble.wait_seconds:
        until_at = clock.now() + timedelta(seconds=trouble.wait_seconds)
        # Two who are refused at once write in any order: the longer rest stands.
        Rest.objects.bulk_create([Rest(channel=message.channel, until_at=until_at)], ignore_conflicts=True)
        Rest.objects.filter(channel=message.channel, until_at__lt=until_at).update(until_at=until_at)


def _later(message: Message, no: NotNow) -> None:
    if message.attempts >= TRIES:
        _note(message, State.FAILED, trouble=str(no))
        return
    wait = max(policy.wait_before(message.attempts), no.wait_seconds or 0)
    _still_theirs(message).update(state=State.QUEUED, trouble=str(no), due_at=clock.now() + timedelta(seconds=wait))


def settle_stuck(message_id: UUID | str) -> None:
    """A message long in flight: the line broke, or its sender died. Ask the provider.

    What it cannot be asked now is asked again later, up to `policy.ask_until`. What nobody can tell becomes `unknown` and a person's
    work; it is never sent again blindly.
    """
    message = _ask_about(message_id)
    if message is None:
        return
    try:
        found = gateway_for(message.channel).find(message, _body_to_send(message))
    except NotNow as no:
        _let_rest(message, no)
        if clock.now() >= policy.ask_until(message.attempted_at):
            _note(message, State.UNKNOWN, trouble=message.trouble or str(no))
        return
    except Never:
        found = None
    if found:
        _note(message, State.SENT, provider_id=found)
    elif found is None:
        _note(message, State.UNKNOWN, trouble=message.trouble or "sender died")
    elif message.attempts >= TRIES:
        _note(message, State.FAILED, trouble=message.trouble or "sender died")
    else:
        _still_theirs(message).update(state=State.QUEUED, due_at=clock.now())
        deliver(message.id)


def _ask_about(message_id: UUID | str) -> Message | None:
    """One process asks about a message, and the next one not before a while; None when it is no longer in doubt."""
    at = clock.now()
    asked = Message.objects.filter(id=message_id, state=State.IN_FLIGHT, due_at__lte=at)
    if not asked.update(due_at=at + timedelta(seconds=settings.FOLLOWUP_RETRY_SECONDS)):
        return None
    return Message.objects.select_related("unit", "patient").get(id=message_id)


def note_report(message_id: UUID | str, *, reported: str, provider_id: str, trouble: str = "") -> None:
    """The provider reports on a message, perhaps twice and in any order: a report only ever leads further."""
    state = policy.state_of_report(reported)
    if state is None:
        return
    with transaction.atomic():
        message = Message.objects.select_for_update(no_key=True).filter(id=message_id).first()
        if message is None or not policy.leads_further(message.state, state):
            return
        message.state, message.provider_id = state, provider_id or message.provider_id
        message.trouble = trouble
        if state in (State.SENT, State.DELIVERED):
            message.sent_at = message.sent_at or clock.now()
        message.save()
        note_down(f"message.{state}", message, by=POSTMAN, trouble=trouble)
        crash.commit("messages.report")
