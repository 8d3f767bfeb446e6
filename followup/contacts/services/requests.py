"""A patient gets in touch."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.cases import services as cases
from followup.cases.models import Case
from followup.cases.queries import open_contact_of
from followup.contacts import policy
from followup.contacts.models import Addition, Channel, Contact, Draft
from followup.contacts.queries import draft_of
from followup.contacts.services.ground import lay, owe_a_call, promise_again, say, settle, shorten_see_by
from followup.core import clock, crash, outbox
from followup.core.errors import Invalid, Refused, Unknown
from followup.core.typed import storable
from followup.people.access import require, unit_of
from followup.people.models import Patient, User
from followup.programmes.models import Programme
from followup.programmes.schema import Rules


class NothingOpen(Refused):
    code = "nothing-open"
    words = _("There is no open request to add to.")


@transaction.atomic
def receive(
    *,
    patient: Patient,
    by: User,
    reason: str,
    message: str = "",
    answers: dict[str, Any] | None = None,
    preferred: dict[str, Any] | None = None,
    channel: str = Channel.WEB,
) -> Contact:
    """Somebody gets in touch. Case, contact, callback with its promise, journal and outbox row are one transaction.

    An open request is added to, never doubled. Raises `Invalid`, `NotInAProgramme`.
    """
    open_case = _one_at_a_time(patient, by=by)
    programme = open_case.programme if open_case else cases.programme_of(patient)
    request = policy.checked(
        programme.rules,
        patient.unit.country_codes,
        reason=reason,
        message=message,
        answers=answers,
        preferred=preferred,
    )
    Draft.objects.filter(patient=patient).delete()
    if open_case is None:
        return _open(patient, programme, request, channel=channel, by=by)
    return _say_more(open_case, request, by=by)


@transaction.atomic
def warn(*, patient: Patient, red_flags: Sequence[str], by: User, channel: str = Channel.WEB) -> Contact:
    """A sign that cannot wait was ticked: a call of the first priority is owed from this moment, before anything is sent."""
    open_case = _one_at_a_time(patient, by=by)
    programme = open_case.programme if open_case else cases.programme_of(patient)
    request = policy.checked(
        programme.rules, patient.unit.country_codes, reason="flare", answers={"red_flags": list(red_flags)}
    )
    if open_case is None:
        return _open(patient, programme, request, channel=channel, by=by, sent=False)
    contact = open_case.contact
    known = set(request.red_flags) <= set(contact.answers.get("red_flags", []))
    if known and not policy.is_taken_back(contact.additions.order_by("at").values_list("kind", flat=True)):
        return contact
    return _say_more(open_case, request, by=by, sent=False)


@transaction.atomic
def take_back(*, patient: Patient, by: User) -> None:
    """The tick at a red flag was taken back: a note for the nurse, who rings all the same."""
    open_case = _one_at_a_time(patient, by=by)
    if open_case and open_case.contact.answers.get("red_flags"):
        say(open_case, "took_back", by=by)


@transaction.atomic
def send_draft(*, patient: Patient, by: User) -> Contact | None:
    """Send what was typed. Pressed twice it is sent once: the second press finds no draft, and gets the open request or None."""
    open_case = _one_at_a_time(patient, by=by)
    draft = draft_of(patient)
    if not draft:
        return open_case.contact if open_case else None
    return receive(patient=patient, by=by, **{"reason": "", **draft})


@transaction.atomic
def add(*, patient: Patient, by: User, text: str = "", kind: str = "words") -> Addition:
    """More words to an open request, or the note that somebody `feels_better`; the nurse rings all the same.

    Words that come after the call are owed another one.

    The same thing twice in a row (a double press) is said once. Raises `Invalid`, `NothingOpen`.
    """
    open_case = _one_at_a_time(patient, by=by)
    if open_case is None:
        raise NothingOpen
    text = storable(text).strip()
    if kind == "words" and not text:
        raise Invalid({"text": gettext("Write what you want to add.")})
    latest = open_case.contact.additions.order_by("-at").first()
    if latest and (latest.kind, latest.text) == (kind, text):
        return latest
    addition = say(open_case, kind, text, by=by)
    if kind == "words" and calls.open_of_case(open_case.id) is None:
        _is_owed_another_call(open_case, by=by)
    return addition


@transaction.atomic
def change_how_to_reach(*, patient: Patient, by: User, preferred: dict[str, Any]) -> Contact:
    """Another number or other hours for the call that is owed; what `preferred` does not name stays.

    A later hour moves the promise with it. Raises `Invalid`, `NothingOpen`.
    """
    case = _one_at_a_time(patient, by=by)
    if case is None:
        raise NothingOpen
    contact, rules = case.contact, case.programme.rules
    wished = policy.checked(rules, patient.unit.country_codes, reason=contact.reason, preferred=preferred).preferred
    wished = {name: value for name, value in contact.preferred.items() if name not in preferred} | wished
    if "phone" in preferred and "phone" not in wished:
        wished.pop("phone_e164", None)
    if wished == contact.preferred:
        return contact
    moves = wished.get("not_before") != contact.preferred.get("not_before")
    contact.preferred = wished
    contact.save(update_fields=["preferred"])
    callback = calls.open_of_case(case.id)
    if moves and callback and policy.may_move_with_a_wish(callback.priority, callback.state, callback.unanswered):
        wish = policy.Request(contact.reason, answers=contact.answers, preferred=wished)
        promise = policy.promise_for(rules, case.unit.hours, wish, at=clock.now())
        callback.not_before = promise.not_before
        callback.due = max(callback.due, case.unit.hours.add_open(promise.not_before, 1))
        callback.save(update_fields=["not_before", "due"])
        lay(case, callback, by=by)
    cases.note_down(case, "contact.reach_changed", by=by)
    cases.touch(case)
    settle(case, by=by)
    return contact


@transaction.atomic
def say_free(*, patient: Patient, by: User) -> Callback:
    """“I missed your call, I am free now”: the call comes forward. Said twice it is said once, until somebody has rung again.

    Raises `NothingOpen` where no call is owed of which a try was missed.
    """
    case = _one_at_a_time(patient, by=by)
    callback = calls.open_of_case(case.id) if case else None
    if callback is None or callback.unanswered == 0:
        raise NothingOpen
    said_before = callback.said_free_at
    callback = callbacks.bring_forward(callback, by=by)
    if callback.said_free_at != said_before:
        say(case, "free_now", by=by)
    settle(case, by=by)
    return callback


def save_draft(*, patient: Patient, answers: dict[str, Any]) -> None:
    """Keep what was typed so far, so that signing out never loses an answer."""
    Draft.objects.update_or_create(patient=patient, defaults={"answers": storable(answers), "changed_at": clock.now()})


def forget_drafts() -> int:
    """What was typed and never sent is forgotten after 30 days. Returns how many."""
    return Draft.objects.filter(changed_at__lt=clock.now() - policy.DRAFTS_LIVE).delete()[0]


def _one_at_a_time(patient: Patient, *, by: User) -> Case | None:
    """The open request of a patient, locked. Whoever gets in touch twice at once comes here one after the other.

    People speak for themselves; staff enter what somebody of their unit says. Raises `NotAllowed`, `Unknown`.
    """
    if by.id != patient.user_id:
        require(by, "enter_requests")
        if unit_of(by).id != patient.unit_id:
            raise Unknown
    Patient.objects.select_for_update(no_key=True).values_list("id").get(id=patient.id)
    case = open_contact_of(patient)
    locked = cases.lock(case.id) if case else None
    # The nurse may have finished it while we waited for it: what is said now begins a new one.
    return locked if locked and not locked.closed else None


def _open(
    patient: Patient, programme: Programme, request: policy.Request, *, channel: str, by: User, sent: bool = True
) -> Contact:
    """A request with its call: the first step, and what is owed by when, are those that `settle` would find in these rows."""
    at, rules = clock.now(), programme.rules
    follows = _flare_before(patient.id, rules, request.reason, at)
    promise = policy.promise_for(rules, patient.unit.hours, request, at=at, second_flare=follows is not None)
    case = cases.open_case(patient=patient, kind="contact", by=by, due=promise.due, programme=programme)
    contact = Contact.objects.create(
        case=case,
        reason=request.reason,
        message=request.message,
        written_in=get_language() or "",
        answers=request.answers,
        preferred=request.preferred,
        channel=channel,
        received_at=at,
        sent_at=at if sent else None,
        see_by=promise.see_by,
        entered_by=by,
        follows=follows,
    )
    owe_a_call(case, request.reason, promise, by=by)
    crash.commit("contacts.receive")
    outbox.put("contacts.received", contact_id=str(contact.id))
    return contact


def _flare_before(patient_id: UUID, rules: Rules, reason: str, at: datetime) -> Contact | None:
    """The flare-up of the same week that one received at `at` follows, if it is one."""
    since = policy.follows_since(rules, reason, at=at)
    if since is None:
        return None
    earlier = Contact.objects.filter(case__patient=patient_id, reason=policy.FLARE, received_at__gte=since)
    return earlier.filter(received_at__lt=at).order_by("-received_at").first()


def _say_more(case: Case, request: policy.Request, *, by: User, sent: bool = True) -> Contact:
    """What comes after the first word: it completes a request of which only a red flag was known, and is added to any other.

    What makes it more urgent makes the promise shorter; nothing makes it longer.
    """
    contact = case.contact
    contact.added_to = True
    flags = sorted({*contact.answers.get("red_flags", []), *request.red_flags})
    if contact.sent_at is None and sent:
        contact.reason, contact.message, contact.preferred = request.reason, request.message, request.preferred
        contact.answers, contact.sent_at = request.answers, clock.now()
        contact.follows = _flare_before(case.patient_id, case.programme.rules, request.reason, contact.received_at)
    else:
        kind = "red_flags" if request.red_flags and not request.message else "words"
        if not _said_already(contact, kind, request.message, by=by):
            say(case, kind, request.message, by=by)
    contact.answers = contact.answers | {"red_flags": flags}
    contact.save()
    _hasten(case, contact, policy.Request(request.reason, answers=request.answers | {"red_flags": flags}), by=by)
    outbox.put("contacts.received", contact_id=str(contact.id))
    return contact


def _is_owed_another_call(case: Case, *, by: User) -> None:
    """The call is over and there is more to say: without a new one nobody would read it."""
    contact = case.contact
    contact.added_to = True
    contact.save()
    _hasten(case, contact, policy.Request(contact.reason), by=by)
    outbox.put("contacts.received", contact_id=str(contact.id))


def _hasten(case: Case, contact: Contact, request: policy.Request, *, by: User) -> None:
    callback = calls.open_of_case(case.id)
    if callback is None:
        promise_again(case, contact, request, by=by)
    else:
        promise = policy.promise_for(
            case.programme.rules,
            case.unit.hours,
            request,
            at=clock.now(),
            second_flare=bool(contact.follows_id and request.reason == policy.FLARE),
        )
        if promise.priority < callback.priority:
            callbacks.hasten(callback, by=by, priority=promise.priority, not_before=promise.not_before, due=promise.due)
        shorten_see_by(contact, promise)
    settle(case, by=by)


def _said_already(contact: Contact, kind: str, text: str, *, by: User) -> bool:
    """The same words from the same person once more: a double press, not something new."""
    latest = contact.additions.order_by("-at").first()
    said = (latest.kind, latest.text, latest.by_id) if latest else ("words", contact.message, contact.entered_by_id)
    return said == (kind, text, by.id)
