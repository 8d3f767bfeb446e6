"""Telling people: queue it with the change it tells of, send it once, note what became of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from followup.cases.models import Case
from followup.core import clock, crash, journal, outbox
from followup.core.errors import Invalid
from followup.core.journal import Signs, System
from followup.messages import policy, queries
from followup.messages.gateways import Never, NotNow, Trouble, Uncertain, gateway_for
from followup.messages.models import Channel, Message, Rest, State
from followup.people.access import require
from followup.people.models import Patient, Unit, User
from followup.people.signin import services as signin
from followup.programmes.models import Programme

log = logging.getLogger(__name__)

POSTMAN = System("postman")
TRIES = 6


@transaction.atomic
def tell(
    template: str,
    *,
    patient: Patient,
    programme: Programme,
    occasion: str,
    by: Signs,
    case: Case | None = None,
    answers_them: bool = False,
    channels: list[str] | None = None,
    facts: Mapping[str, str] | None = None,
) -> list[Message]:
    """Queue `template` for a patient on each channel by which they can be reached, once for each `occasion`.

    `facts` fill the template beside the names of person and clinic. `answers_them` says that it answers something the patient just did:
    such a message does not wait for the morning. Nobody is told twice: a known occasion queues nothing.
    """
    wanted = channels if channels is not None else patient.reachable_by
    words = programme.rules.template(template)
    due_at = clock.now() if answers_them else policy.after_quiet_hours(clock.now(), patient.unit.hours)
    queued = []
    for channel in wanted:
        message = Message(
            unit=patient.unit,
            patient=patient,
            case=case,
            template=template,
            version=programme.version,
            occasion=f"{template}:{occasion}",
            language=patient.language,
            channel=channel,
            to=patient.phone if channel == Channel.SMS else patient.email,
            due_at=due_at,
            **policy.render(
                words,
                channel,
                patient=patient,
                link=f"{settings.FOLLOWUP_PUBLIC_URL}/in",
                time_link=f"{settings.FOLLOWUP_PUBLIC_URL}/times/",
                **(facts or {}),
            ),
        )
        if not _save_once(message):
            continue
        journal.write(
            "message.queued",
            by=by,
            patient_id=patient.id,
            unit_id=patient.unit_id,
            case_id=case.id if case else None,
            subject_id=message.id,
            template=template,
            channel=channel,
        )
        queued.append(message)
    outbox.nudge_on_commit("messages.deliver", [str(message.id) for message in queued])
    return queued


@dataclass(frozen=True)
class StaffAddress:
    """Where somebody at work is told: `who` is their user id, or a word such as `on-call`; `to` an address for `channel`."""

    who: str
    channel: str
    to: str
    language: str


@transaction.atomic
def tell_staff(
    template: str,
    *,
    unit: Unit,
    programme: Programme,
    to: Sequence[StaffAddress],
    occasion: str,
    by: Signs,
    case: Case | None = None,
    facts: Mapping[str, str] | None = None,
) -> list[Message]:
    """Queue `template` for people at work, once for each `occasion`. It names no patient, and it is urgent: no night holds it back."""
    words = programme.rules.template(template)
    link = f"{settings.FOLLOWUP_PUBLIC_URL}/desk/alerts/"
    queued = []
    for address in to:
        message = Message(
            unit=unit,
            case=case,
            template=template,
            version=programme.version,
            occasion=f"{template}:{occasion}:{address.who}",
            language=address.language,
            channel=address.channel,
            to=address.to,
            due_at=clock.now(),
            **policy.render_for_staff(
                words, address.channel, address.language, clinic_name=unit.sender, link=link, **(facts or {})
            ),
        )
        if not _save_once(message):
            continue
        journal.write(
            "message.queued",
            by=by,
            unit_id=unit.id,
            case_id=case.id if case else None,
            subject_id=message.id,
            template=template,
            channel=address.channel,
        )
        queued.append(message)
    outbox.nudge_on_commit("messages.deliver", [str(message.id) for message in queued])
    return queued


DEALT_WITH = ("rang", "letter", "address", "told")
"""What a person may have done about a message that did not arrive: rang them, wrote a letter, mended the address, told a colleague."""


@transaction.atomic
def settle_message(message_id: UUID | str, *, by: User, done: str) -> Message:
    """A person dealt with a message that failed, or of which nobody can tell: it leaves the list. Said twice it is done once."""
    require(by, "see_alerts")
    message = Message.objects.select_for_update(no_key=True).get(id=message_id)
    if done not in DEALT_WITH:
        raise Invalid({"done": _("Say what you did about it.")})
    if message.settled_at or message.state not in (State.FAILED, State.UNKNOWN):
        return message
    message.settled_at, message.settled_by = clock.now(), by
    message.save(update_fields=["settled_at", "settled_by"])
    journal.write(
        "message.settled",
        by=by,
        patient_id=message.patient_id,
        unit_id=message.unit_id,
        case_id=message.case_id,
        subject_id=message.id,
        done=done,
    )
    return message


def _save_once(message: Message) -> bool:
    try:
        with transaction.atomic():
            message.save(force_insert=True)
    except IntegrityError as error:
        if "said_once_on_a_channel" not in str(error):
            raise
        return False
    return True


def deliver(message_id: UUID | str) -> None:
    """Send a queued message: claimed and committed first, so that two workers never send it both, then noted.

    Whether it was taken may stay open, because the line broke or this process died: then it is in flight until `settle_stuck`.
    """
    message = _claim(message_id)
    if message is None:
        return
    crash.at("before_send:messages.send")
    try:
        provider_id = gateway_for(message.channel).send(message, _body_to_send(message))
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


def _claim(message_id: UUID | str) -> Message | None:
    at = clock.now()
    with transaction.atomic():
        mine = Message.objects.filter(id=message_id, state=State.QUEUED, due_at__lte=at)
        taken = mine.exclude(channel__in=queries.resting(at)).update(
            state=State.IN_FLIGHT, attempted_at=at, attempts=F("attempts") + 1, trouble=""
        )
        if taken:
            crash.commit("messages.claim")
    return Message.objects.select_related("unit", "patient").get(id=message_id) if taken else None


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
    mine, sent = _still_theirs(message), {}
    if state == State.SENT:
        mine = Message.objects.filter(id=message.id, state__in=policy.BEFORE_SENT)
        sent = {"sent_at": clock.now()}
    with transaction.atomic():
        if mine.update(state=state, provider_id=provider_id, trouble=trouble, **sent):
            _tell_the_journal(message, state, trouble)
        crash.commit("messages.note")


def _let_rest(message: Message, trouble: Trouble) -> None:
    """Nothing more is handed to a gateway that asked us to wait, or that does not answer; by any worker."""
    if trouble.wait_seconds:
        until_at = clock.now() + timedelta(seconds=trouble.wait_seconds)
        Rest.objects.update_or_create(channel=message.channel, defaults={"until_at": until_at})


def _later(message: Message, no: NotNow) -> None:
    if message.attempts >= TRIES:
        _note(message, State.FAILED, trouble=str(no))
        return
    wait = max(policy.wait_before(message.attempts), no.wait_seconds or 0)
    _still_theirs(message).update(state=State.QUEUED, trouble=str(no), due_at=clock.now() + timedelta(seconds=wait))


def _tell_the_journal(message: Message, state: str, trouble: str = "") -> None:
    journal.write(
        f"message.{state}",
        by=POSTMAN,
        patient_id=message.patient_id,
        unit_id=message.unit_id,
        case_id=message.case_id,
        subject_id=message.id,
        trouble=trouble,
    )


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
        _tell_the_journal(message, state, trouble)
        crash.commit("messages.report")


def tell_code(attempt_id: UUID | str, *, by: Signs = POSTMAN) -> None:
    """Send the sign-in code of an attempt that matched somebody, on the channel it was asked for."""
    wanted = signin.code_wanted(attempt_id)
    if wanted is None:
        return
    programme = wanted.patient.enrolments.filter(ended_on=None).select_related("programme").get().programme
    tell(
        "code",
        patient=wanted.patient,
        programme=programme,
        occasion=str(wanted.code_id),
        by=by,
        channels=[wanted.channel],
        answers_them=True,
        facts={
            "code": policy.HIDDEN_CODE,
            "minutes": str(wanted.minutes),
            "host": policy.host_of(settings.FOLLOWUP_PUBLIC_URL),
        },
    )
