"""The way in for patients: ask for a code, get it, enter it.

Asking and entering do the same work and give the same answers whether or not somebody matched. The code goes out from the worker, after
the outbox row that is written in both cases.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Count, Max, Q
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from followup.core import clock, journal, outbox
from followup.core.errors import Refused, Unknown
from followup.people import phones
from followup.people.models import Patient, Unit, User
from followup.people.signin import policy
from followup.people.signin.models import Attempt, Code, Try

SMS, EMAIL = "sms", "email"


class TooSoon(Refused):
    """A limit is reached; `again_at` is when the same may be done again."""

    code = "too-soon"
    words = _("You have asked for several codes.")

    def __init__(self, again_at: datetime):
        self.again_at = again_at
        super().__init__()


class TooManyWrong(TooSoon):
    code = "too-many-wrong-codes"
    words = _("There have been too many wrong codes.")


class WrongCode(Refused):
    """Not a code of this browser, or one that is used up or long past. `tries_left` counts those with the newest code."""

    code = "wrong-code"
    words = _("That code is not correct.")

    def __init__(self, tries_left: int):
        self.tries_left = tries_left
        super().__init__()


class ExpiredCode(Refused):
    """The right code, too late. `again_at` is None when a new one was sent, else when one may be asked for."""

    code = "expired-code"
    words = _("That code has expired.")

    def __init__(self, again_at: datetime | None):
        self.again_at = again_at
        super().__init__()


@dataclass(frozen=True)
class Address:
    """Where somebody says they can be reached: `channel` sms or email, and each reading of what was typed."""

    channel: str
    readings: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """A code to be sent: to whom, which, on which channel (sms or email), and for how many minutes it still works."""

    patient: Patient
    code_id: UUID
    channel: str
    minutes: int


def new_browser() -> str:
    """A secret for the session of one browser; codes asked for from there work only there."""
    return secrets.token_urlsafe(24)


def read_address(typed: str) -> Address | None:
    """An e-mail address, or a telephone number of a country that some unit serves; None if it is neither.

    A number in national spelling is read as of each country served.
    """
    typed = typed.strip()
    if "@" in typed:
        try:
            validate_email(typed)
        except ValidationError:
            return None
        return Address(EMAIL, (typed.lower(),)) if len(typed) <= 254 else None
    numbers = [phones.parse(typed, [country]) for country in countries_served()]
    readings = tuple(dict.fromkeys(number for number in numbers if number))
    return Address(SMS, readings) if readings else None


def countries_served() -> list[int]:
    """Country codes of all units, those of the oldest unit first."""
    lists = Unit.objects.order_by("created_at").values_list("country_codes", flat=True)
    return list(dict.fromkeys(code for codes in lists for code in codes))


@transaction.atomic
def ask(*, address: Address, born_on: date, browser: str, network: str) -> UUID:
    """Somebody says who they are: a code is on its way if exactly one patient matches. Returns the attempt.

    Asked again from the same browser while the first code still works, it is the same attempt and nothing more is sent.
    Raises TooSoon.
    """
    at = clock.now()
    claim = _digest("claim", *address.readings, born_on.isoformat())
    known = {
        "browser": _browser_digest(browser),
        "claim": claim,
        "address": _digest("address", *address.readings),
        "network": _digest("network", network),
    }
    _one_at_a_time(known["address"])
    same = Attempt.objects.filter(
        browser=known["browser"], claim=claim, signed_in_at=None, codes__created_at__gt=at - policy.VALID
    ).first()
    patient = _the_only_match(address, born_on)
    if same:
        return same.id
    _check_sends(known, at)
    attempt = Attempt.objects.create(patient=patient, created_at=at, **known)
    _send(attempt, address.channel, at)
    return attempt.id


@transaction.atomic
def ask_again(*, attempt_id: UUID | str, browser: str, channel: str) -> None:
    """Another code for the same attempt, by `sms` or `email`. Earlier codes stay good for their own time. Raises TooSoon, Unknown."""
    attempt = _attempt_at(attempt_id, browser)
    at = clock.now()
    _check_sends({"claim": attempt.claim, "address": attempt.address, "network": attempt.network}, at)
    _send(attempt, channel, at)


def enter(*, attempt_id: UUID | str, browser: str, typed: str) -> User:
    """The person whose code this is; the code and its attempt are used up. `typed` is six digits (`policy.digits_of`).

    Raises WrongCode, ExpiredCode, TooManyWrong; Unknown for an attempt of another browser.
    """
    with transaction.atomic():
        outcome = _judge(attempt_id, browser, typed)
    if isinstance(outcome, Refused):
        # Raised outside, so that the wrong try stays on record.
        raise outcome
    return outcome


def _judge(attempt_id: UUID | str, browser: str, typed: str) -> User | Refused:
    attempt = _attempt_at(attempt_id, browser)
    at = clock.now()
    again_at, silent = _next_try_at(attempt, at)
    if again_at > at:
        return TooManyWrong(again_at)
    codes = list(attempt.codes.filter(created_at__gt=at - policy.REMEMBERED).order_by("created_at"))
    tries = list(attempt.tries.values_list("created_at", flat=True))
    age = _age_of_the_code(attempt, codes, tries, typed, at)
    right = age is not None and attempt.patient_id is not None and not silent
    Try.objects.create(attempt=attempt, right=right, created_at=at)
    if right and age == policy.FRESH:
        return _let_in(attempt, at)
    if right:
        return ExpiredCode(_send_if_allowed(attempt, codes[-1].channel, at))
    newest_at = codes[-1].created_at if codes else at
    used = sum(tried >= newest_at for tried in tries) + 1
    return WrongCode(max(policy.TRIES_A_CODE - used, 0) if codes else 0)


def _let_in(attempt: Attempt, at: datetime) -> User:
    attempt.signed_in_at = at
    attempt.save(update_fields=["signed_in_at"])
    patient = Patient.objects.select_related("user").get(id=attempt.patient_id)
    journal.write(
        "patient.signed_in", by=patient.user, patient_id=patient.id, unit_id=patient.unit_id, subject_id=attempt.id
    )
    return patient.user


def _age_of_the_code(
    attempt: Attempt, codes: Sequence[Code], tries: Sequence[datetime], typed: str, at: datetime
) -> str | None:
    """How old the entered code is, if it is one of these and has tries left. Compares with each, so that all take the same time."""
    found = None
    for code in codes:
        fits = constant_time_compare(_digits(code.id, attempt.browser), typed)
        tried = sum(when >= code.created_at for when in tries)
        if fits and tried < policy.TRIES_A_CODE and policy.age_of(code.created_at, at) != policy.FORGOTTEN:
            found = policy.age_of(code.created_at, at)
    return found


def code_wanted(attempt_id: UUID | str) -> Wanted | None:
    """What the worker is to send for this attempt: its newest code, if it matched somebody and the code still works.

    On the channel asked for where that reaches them, else on the one that does: nobody is shut out. The limit of codes to one patient,
    over all their addresses, is kept here, where nobody waits who could learn from it.
    """
    attempt = (
        Attempt.objects.filter(id=attempt_id, signed_in_at=None)
        .exclude(patient=None)
        .select_related("patient__unit")
        .first()
    )
    if attempt is None:
        return None
    code = attempt.codes.order_by("-created_at").first()
    minutes = policy.minutes_left(code.created_at, clock.now()) if code else 0
    channels = attempt.patient.reachable_by
    if not minutes or not channels or _patient_has_enough(attempt.patient_id, code):
        return None
    channel = code.channel if code.channel in channels else channels[0]
    return Wanted(patient=attempt.patient, code_id=code.id, channel=channel, minutes=minutes)


def _patient_has_enough(patient_id: UUID, code: Code) -> bool:
    earlier = Code.objects.filter(
        attempt__patient_id=patient_id,
        created_at__gt=code.created_at - policy.SENDS_WITHIN,
        created_at__lte=code.created_at,
    ).exclude(id=code.id)
    return earlier.count() >= policy.SENDS["patient"]


def code_of(code_id: UUID | str) -> str:
    """The six digits of a code, worked out anew."""
    code = Code.objects.select_related("attempt").get(id=code_id)
    return _digits(code.id, code.attempt.browser)


def forget_old() -> int:
    """Remove attempts that are past any use; how many rows went."""
    return Attempt.objects.filter(created_at__lt=clock.now() - policy.KEPT).delete()[0]


# Inside


def _digits(code_id: UUID, browser_digest: str) -> str:
    """The code of a row, bound to the browser that asked. Without the server's key the database gives away no code."""
    number = int.from_bytes(_hmac("code", str(code_id), browser_digest)) % 10**policy.DIGITS
    return f"{number:0{policy.DIGITS}}"


def _hmac(salt: str, *parts: str) -> bytes:
    return salted_hmac(f"followup.signin.{salt}", "\n".join(parts), algorithm="sha256").digest()


def _digest(salt: str, *parts: str) -> str:
    return _hmac(salt, *parts).hex()


def _browser_digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


def _the_only_match(address: Address, born_on: date) -> Patient | None:
    """Twins on one telephone are not told apart by guess: they ring."""
    if address.channel == EMAIL:
        at_address = Q(email__iexact=address.readings[0])
    else:
        at_address = Q(phone__in=address.readings)
    found = list(Patient.objects.filter(at_address, born_on=born_on, user__is_active=True)[:2])
    return found[0] if len(found) == 1 else None


def _attempt_at(attempt_id: UUID | str, browser: str) -> Attempt:
    """An open attempt of this browser, locked together with everything about the same address."""
    mine = Attempt.objects.select_for_update().filter(browser=_browser_digest(browser), signed_in_at=None)
    attempt = mine.filter(id=attempt_id).first()
    if attempt is None:
        raise Unknown
    _one_at_a_time(attempt.address)
    return attempt


def _one_at_a_time(address_digest: str) -> None:
    """Limits are counted and then used up; two requests about one address do so one after the other."""
    key = int(address_digest[:15], 16)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])


def _check_sends(known: dict[str, str], at: datetime) -> None:
    again_at = _next_send_at(known, at)
    if again_at > at:
        raise TooSoon(again_at)


def _next_send_at(known: dict[str, str], at: datetime) -> datetime:
    def sends(of: str) -> list[datetime]:
        recent = Code.objects.filter(created_at__gt=at - policy.SENDS_WITHIN, **{f"attempt__{of}": known[of]})
        return list(recent.order_by("-created_at").values_list("created_at", flat=True)[: policy.SENDS[of]])

    return max(
        policy.next_send_to_same_at(sends("claim"), at),
        *(policy.next_send_at(sends(of), policy.SENDS[of], at) for of in ("address", "network")),
    )


def _send(attempt: Attempt, channel: str, at: datetime) -> None:
    Code.objects.create(attempt=attempt, channel=channel, created_at=at)
    outbox.put("signin.code_wanted", attempt_id=str(attempt.id))


def _send_if_allowed(attempt: Attempt, channel: str, at: datetime) -> datetime | None:
    """Send another code, or say when that is possible."""
    again_at = _next_send_at({"claim": attempt.claim, "address": attempt.address, "network": attempt.network}, at)
    if again_at > at:
        return again_at
    _send(attempt, channel, at)
    return None


def _next_try_at(attempt: Attempt, at: datetime) -> tuple[datetime, bool]:
    """When another code may be entered; and whether this one counts as wrong whatever it is.

    The second is the limit of one patient over all their addresses: saying it aloud would tell that two addresses belong together.
    """

    def last_signed_in_at(**whose) -> datetime | None:
        return Attempt.objects.filter(**whose).aggregate(last=Max("signed_in_at"))["last"]

    def next_at(of: str, value, since: datetime | None = None) -> datetime:
        since = max(filter(None, (since, at - policy.WRONG_WITHIN)))
        wrong = Try.objects.filter(right=False, created_at__gt=since, **{f"attempt__{of}": value})
        seen = wrong.aggregate(last=Max("created_at"), count=Count("id"))
        return policy.next_try_at(seen["count"], seen["last"], policy.WRONG_FREE[of], at)

    # For an unmatched attempt the same questions, with an id that nobody has.
    patient = attempt.patient_id or attempt.id
    aloud = max(
        next_at("address", attempt.address, since=last_signed_in_at(address=attempt.address)),
        next_at("network", attempt.network),
    )
    silent = next_at("patient", patient, since=last_signed_in_at(patient=patient))
    return aloud, silent > at
