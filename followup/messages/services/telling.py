"""What people are told is queued with the change it tells of, once; what did not reach them, a person deals with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from followup.cases.models import Case
from followup.core import clock, crash, journal, outbox
from followup.core.errors import Invalid
from followup.core.journal import Signs, System
from followup.core.statement import one_line, part
from followup.messages import policy
from followup.messages.models import Channel, Message, State, Urgency
from followup.people.access import require
from followup.people.models import Patient, Unit, User
from followup.people.signin import services as signin
from followup.programmes.models import Programme

POSTMAN = System("postman")


@transaction.atomic(savepoint=False)
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
    such a message does not wait for the morning, and goes before others. Nobody is told twice: a known occasion queues nothing.
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
            urgency=policy.urgency(template, answers_them=answers_them),
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
        if _queue_once(message, by=by):
            queued.append(message)
    _have_sent(queued)
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
            urgency=Urgency.AT_ONCE,
            due_at=clock.now(),
            **policy.render_for_staff(
                words, address.channel, address.language, clinic_name=unit.sender, link=link, **(facts or {})
            ),
        )
        if _queue_once(message, by=by):
            queued.append(message)
    _have_sent(queued)
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
    note_down("message.settled", message, by=by, done=done)
    return message


def _have_sent(queued: Sequence[Message]) -> None:
    """Ask the worker to send them. What somebody waits for at this moment goes into the queue of what is urgent."""
    for task, at_once in (("messages.deliver_at_once", True), ("messages.deliver", False)):
        ids = [str(message.id) for message in queued if (message.urgency == Urgency.AT_ONCE) == at_once]
        if ids:
            outbox.nudge_on_commit(task, ids)


def note_down(verb: str, message: Message, *, by: Signs, **detail: str) -> None:
    """A line about a message in the journal."""
    journal.write(
        verb,
        by=by,
        patient_id=message.patient_id,
        unit_id=message.unit_id,
        case_id=message.case_id,
        subject_id=message.id,
        **detail,
    )


_QUEUED = "message.queued"
_FIELDS = Message._meta.concrete_fields
_QUEUE = one_line("""
WITH queued AS (
    INSERT INTO message ({columns}) VALUES ({values}) ON CONFLICT (occasion, channel) DO NOTHING
    RETURNING id, unit_id, patient_id, case_id, template, channel
), written AS ({journal})
SELECT id FROM queued
""").format(
    columns=", ".join(f'"{field.column}"' for field in _FIELDS),
    values=", ".join(f"%({field.attname})s" for field in _FIELDS),
    journal=one_line(
        journal.insert_from("queued", _QUEUED, detail="jsonb_build_object('template', template, 'channel', channel)")
    ),
)


def _queue_once(message: Message, *, by: Signs) -> bool:
    """Whether it is new: a known occasion queues nothing. The message and its line in the journal are one statement."""
    columns = {field.attname: field.get_db_prep_save(getattr(message, field.attname), connection) for field in _FIELDS}
    if not part(_QUEUE, {**columns, **journal.insert_values(by), "at": clock.now()}):
        return False
    crash.commit(f"journal.{_QUEUED}")
    return True


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
