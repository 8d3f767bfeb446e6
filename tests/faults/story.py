"""A clinic at work, told from outside: what was answered is kept here, and held against the rows afterwards."""

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import requests
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count
from twilio.request_validator import RequestValidator

from followup.callbacks.models import CallOutcome
from followup.clinic.models import Appointment
from followup.contacts.models import Addition, Contact
from followup.core import clock
from followup.core.models import Outbox
from followup.messages.models import LocalDelivery, Message
from followup.people import services as people
from tests import factories as make
from tests.faults.blows import Besieged
from tests.house import until
from tests.journeys.conftest import strayed

PATIENTS, NURSES = 40, 2
PAUSE = 0.25  # seconds between two requests of one at the clinic's door


@dataclass
class Told:
    """What the product answered: nobody may forget it."""

    received: dict[str, str] = field(default_factory=dict)  # our words -> id of the contact
    sent: set[str] = field(default_factory=set)  # words that were sent, answered or not
    finished: dict[str, str] = field(default_factory=dict)  # id of the callback -> outcome
    surprises: list[str] = field(default_factory=list)
    probes: list[tuple[float, float, bool]] = field(default_factory=list)  # when, how long, whether answered


class Story:
    def __init__(self, house: Besieged, unit, twilio):
        self.house, self.unit, self.twilio, self.told = house, unit, twilio, Told()
        today = unit.hours.day_of(clock.now())
        for ahead in range(1, 5):
            for _doctor in range(2):
                make.urgent_times(unit, today + timedelta(days=ahead), 16, first=make.time(8, 0))
        self.patients = [self._key(make.a_patient(unit).user) for _ in range(PATIENTS)]
        self.nurses = [self._key(make.a_nurse(unit)) for _ in range(NURSES)]
        self.numbers = itertools.count()
        self.latest: tuple[dict[str, str], str] | None = None
        self.patients_over, self.over = threading.Event(), threading.Event()

    @staticmethod
    def _key(user) -> dict[str, str]:
        return {"Authorization": f"Bearer {people.new_token(user=user, by=make.TESTS)}"}

    @contextmanager
    def going_on(self) -> Iterator[None]:
        doors = [self._patients_come, self._patients_come, self._somebody_looks, self._twilio_reports]
        self.threads = [threading.Thread(target=each, daemon=True) for each in doors]
        self.threads += [threading.Thread(target=self._nurse_works, args=(key,), daemon=True) for key in self.nurses]
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self._everybody_leaves()

    def _everybody_leaves(self) -> None:
        """What was begun is brought to its end first."""
        self.patients_over.set()
        for thread in self.threads[:2]:
            thread.join(30)
        self.over.set()
        for thread in self.threads:
            thread.join(30)

    def some_more(self, requests: int, within: float = 30) -> None:
        """Until so many more requests were answered."""
        before = len(self.told.received)
        until(lambda: len(self.told.received) >= before + requests, within=within, what=f"{requests} more requests")

    # What people do

    def _patients_come(self) -> None:
        for number in iter(lambda: next(self.numbers), None):
            if self.patients_over.wait(PAUSE):
                return
            words = f"request {uuid.uuid4()}"
            body = {"reason": ("flare", "worry", "flare", "other")[number % 4], "message": words}
            self.told.sent.add(words)
            key = self.patients[number % PATIENTS]
            answer = self._insists("/contacts", key, body)
            if answer is not None and answer.status_code in (200, 201):  # 200: added to the request that is open
                self.told.received[words] = answer.json()["id"]
                self.latest = (key, answer.json()["id"])
            elif answer is not None:
                self.told.surprises.append(f"request: {answer.status_code} {answer.text[:200]}")

    def _nurse_works(self, key) -> None:
        while not self.over.is_set():
            claimed = self._insists("/callbacks/claim", key, {})
            if claimed is None or claimed.status_code != 200:
                if claimed is not None and claimed.status_code != 204:
                    self.told.surprises.append(f"claim: {claimed.status_code} {claimed.text[:200]}")
                self.over.wait(0.5)
                continue
            self._finishes(key, claimed.json())
            self.over.wait(0.3)

    def _finishes(self, key, callback) -> None:
        has_time = bool(callback["contact"] and callback["contact"]["appointment"])
        turn = len(self.told.finished) % 4
        outcome = "clinic_time" if has_time and turn else ("all_well", "self_care")[turn % 2]
        body = {"outcome": outcome, "note": "Spoke with her", "agreed": "As we said"}
        if outcome == "self_care":
            body["call_again_on"] = (clock.now() + timedelta(days=7)).date().isoformat()
        answer = self._insists(f"/callbacks/{callback['id']}/outcome", key, body)
        if answer is not None and answer.ok:
            self.told.finished[callback["id"]] = outcome
        elif answer is not None:
            self.told.surprises.append(f"outcome {outcome}: {answer.status_code} {answer.text[:200]}")

    def _insists(self, path: str, key, body) -> requests.Response | None:
        """The same call again and again until it is answered, as one that lost its line does: one key for all tries."""
        headers = {**key, "Idempotency-Key": str(uuid.uuid4())}
        while True:
            try:
                answer = requests.post(f"{self.house.url}/api/v1{path}", json=body, headers=headers, timeout=15)
            except (requests.RequestException, OSError, ValueError):
                answer = None
            if answer is not None and answer.status_code < 500 and "twin-running" not in answer.text:
                return answer
            if self.over.wait(0.2):
                return None

    def _somebody_looks(self) -> None:
        """Somebody signs in, and a patient looks where their request stands, four times a second."""
        while not self.over.wait(0.25):
            began = time.monotonic()
            try:
                answered = requests.get(f"{self.house.url}/sign-in/", timeout=5).ok
                if self.latest:
                    key, contact = self.latest
                    address = f"{self.house.url}/api/v1/contacts/{contact}"
                    answered = answered and requests.get(address, headers=key, timeout=5).ok
            except (requests.RequestException, OSError, ValueError):
                answered = False
            self.told.probes.append((began, time.monotonic() - began, answered))

    def _twilio_reports(self) -> None:
        """Of every other text Twilio says what became of it: out of order and twice, until somebody answers."""
        number = len(self.twilio.accepted)
        while not self.over.wait(0.1):
            if number >= len(self.twilio.accepted):
                continue
            form = self.twilio.accepted[number]
            for said in ("delivered", "sent", "delivered") if number % 2 else ():
                self._report(
                    urlsplit(form["StatusCallback"]), {"MessageSid": self.twilio.sid(number), "MessageStatus": said}
                )
            number += 1

    def _report(self, address, told) -> None:
        while not self.over.is_set():
            url = f"{self.house.url}{address.path}?{address.query}"
            signature = RequestValidator("secret").compute_signature(url, told)
            try:
                answer = requests.post(url, told, headers={"X-Twilio-Signature": signature}, timeout=15)
            except (requests.RequestException, OSError, ValueError):
                answer = None
            if answer is not None and answer.status_code < 500:
                if answer.status_code != 204:
                    self.told.surprises.append(f"report: {answer.status_code}")
                return
            self.over.wait(0.2)

    # What stands afterwards

    def ends(self, within: float = 60) -> float:
        """Nobody comes any more and the nurses go home; wait until everything that was said is done. Returns the seconds that took."""
        self._everybody_leaves()
        began = time.monotonic()
        until(lambda: still(self._nothing_waits), within=within, what="an empty outbox and messages settled")
        return time.monotonic() - began

    def _nothing_waits(self) -> bool:
        rows = Outbox.objects.filter(done_at=None).exists()
        return not rows and not Message.objects.filter(unit=self.unit, state__in=("queued", "in_flight")).exists()

    def unanswered(self, since: float) -> list[tuple[float, float, bool]]:
        """Looks at pages since that moment that were not answered within five seconds."""
        return [probe for probe in self.told.probes if probe[0] >= since and not probe[2]]

    def account(self) -> dict[str, int]:
        """Nothing lost and nothing twice: what was answered is held against the rows. Returns what was counted."""
        told = self.told
        assert told.surprises == [], told.surprises
        self._nothing_lost()
        self._nothing_twice()
        until(lambda: still(lambda: not strayed()), within=10, what="every step agreeing with its rows")
        unknown = Message.objects.filter(unit=self.unit, state="unknown").count()
        return {
            "requests": len(told.received),
            "calls": len(told.finished),
            "texts": sum(self.twilio.times_taken().values()),
            "unknown": unknown,
        }

    def _nothing_lost(self) -> None:
        contacts = Contact.objects.select_related("case").in_bulk(list(self.told.received.values()))
        for words, contact_id in self.told.received.items():
            assert uuid.UUID(contact_id) in contacts, f"{words} was answered and is gone"
        for contact in contacts.values():
            calls = list(contact.case.callbacks.all())
            assert calls, f"contact {contact.id} is owed a call and has none"
            for call in calls:
                laid = call.window_start or call.state not in ("waiting", "claimed")
                assert laid or call.state == "claimed", f"callback {call.id} was never laid into nurse hours"
            if contact.reason == "flare" and contact.case.closed is None:
                kept = Appointment.objects.filter(case=contact.case).exclude(state="released").exists()
                spoken = CallOutcome.objects.filter(callback__case=contact.case).exists()
                assert kept or spoken or contact.case.at_risk_since, (
                    f"case {contact.case_id} has no time and nobody knows"
                )
        said = {str(each.callback_id) for each in CallOutcome.objects.filter(callback__in=self.told.finished)}
        assert said == set(self.told.finished), "an outcome that was answered is gone"
        assert not Outbox.objects.exclude(gave_up_at=None).exists()
        ended = ("sent", "delivered", "unknown")
        assert not Message.objects.filter(unit=self.unit).exclude(state__in=ended).exists()

    def _nothing_twice(self) -> None:
        mine = {"unit": self.unit}
        said = Counter(Contact.objects.filter(case__unit=self.unit).values_list("message", flat=True))
        said += Counter(Addition.objects.filter(contact__case__unit=self.unit).values_list("text", flat=True))
        assert not {words for words, times in said.items() if words in self.told.sent and times > 1}, "said twice"
        assert set(self.told.received) <= set(said), "words that were answered are nowhere"
        live = Appointment.objects.filter(**mine).exclude(state="released")
        assert not live.values("slot").annotate(n=Count("id")).filter(n__gt=1).exists(), "a time given twice"
        assert not live.values("case").annotate(n=Count("id")).filter(n__gt=1).exists(), "two times for one case"
        outcomes = CallOutcome.objects.filter(callback__unit=self.unit)
        assert not outcomes.values("callback").annotate(n=Count("id")).filter(n__gt=1).exists(), "two outcomes"
        taken = self.twilio.times_taken()
        assert not {message for message, times in taken.items() if times > 1}, "a text taken twice"
        texts = Message.objects.filter(**mine, channel="sms", state__in=("sent", "delivered"))
        assert {str(each) for each in texts.values_list("id", flat=True)} <= set(taken), "sent, and Twilio has it not"
        mails = Message.objects.filter(**mine, channel="email", state="sent")
        assert LocalDelivery.objects.filter(message__in=mails).count() == mails.count()


def still(ask):
    """Ask the database; while it is away the answer is no."""
    try:
        return ask()
    except (DatabaseError, InterfaceError):
        connection.close()
        return False
