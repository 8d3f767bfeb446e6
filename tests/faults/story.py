"""A clinic at work, told from outside: what was answered is kept here, and held against the rows afterwards."""

import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import requests
from twilio.request_validator import RequestValidator

from followup.core import clock
from followup.people import services as people
from tests import factories as make
from tests.faults.blows import Besieged
from tests.faults.pages import NurseAtTheDesk, PatientAtTheDoor
from tests.house import until

PATIENTS, NURSES, DOCTORS = 40, 2, 3
PAUSE = 0.2  # seconds between two requests of one at the clinic's door


@dataclass
class Told:
    """What the product answered: nobody may forget it."""

    received: dict[str, str] = field(default_factory=dict)  # our words -> id of the contact
    sent: set[str] = field(default_factory=set)  # words that were sent, answered or not
    finished: dict[str, str] = field(default_factory=dict)  # id of the callback -> outcome
    given_back: set[str] = field(default_factory=set)  # contacts whose time their patient gave back
    came_in: set[uuid.UUID] = field(default_factory=set)  # patients who signed in with a code
    surprises: list[str] = field(default_factory=list)
    probes: list[tuple[float, float, bool]] = field(default_factory=list)  # when, how long, whether answered

    def add(self, more: "Told") -> None:
        for name in ("received", "sent", "finished", "given_back", "came_in"):
            getattr(self, name).update(getattr(more, name))


class Story:
    """One clinic for the whole run. `told` is what was answered since it last opened, `ever` what was answered before.

    People also do what is in `also`: `sign_in`, `no_answer`.
    """

    def __init__(self, house: Besieged, unit, twilio):
        self.house, self.unit, self.twilio = house, unit, twilio
        self.told, self.ever, self.also = Told(), Told(), set()
        today = unit.hours.day_of(clock.now())
        for ahead in range(1, 5):
            for _doctor in range(DOCTORS):
                make.urgent_times(unit, today + timedelta(days=ahead), 16, first=make.time(8, 0))
        self.people = [make.a_patient(unit) for _ in range(PATIENTS)]
        self.patients = [self._key(each.user) for each in self.people]
        nurses = [make.a_nurse(unit) for _ in range(NURSES)]
        self.nurses = [(self._key(each), NurseAtTheDesk(house, each)) for each in nurses]
        self.numbers, self.calls = itertools.count(), itertools.count(1)
        self.latest: tuple[dict[str, str], str] | None = None

    @staticmethod
    def _key(user) -> dict[str, str]:
        return {"Authorization": f"Bearer {people.new_token(user=user, by=make.TESTS)}"}

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """The clinic is open for as long as the block runs, or until `ends`."""
        self.ever.add(self.told)
        self.told, self.latest = Told(), None
        self.texts_before = len(self.twilio.accepted)
        self.patients_over, self.over = threading.Event(), threading.Event()
        doors = [self._patients_come, self._patients_come, self._somebody_looks, self._twilio_reports]
        doors += [self._somebody_gives_back, self._somebody_signs_in]
        self.threads = [threading.Thread(target=each, daemon=True) for each in doors]
        self.threads += [threading.Thread(target=self._nurse_works, args=each, daemon=True) for each in self.nurses]
        for thread in self.threads:
            thread.start()
        try:
            yield
        finally:
            self.everybody_leaves()

    def everybody_leaves(self) -> None:
        """What was begun is brought to its end first."""
        self.patients_over.set()
        for thread in self.threads[:2]:
            thread.join(30)
        self.over.set()
        for thread in self.threads:
            thread.join(30)
        self.also.clear()

    def some_more(self, requests: int, within: float = 30) -> None:
        """Until so many more requests were answered."""
        before = len(self.told.received)
        until(lambda: len(self.told.received) >= before + requests, within=within, what=f"{requests} more requests")

    # What patients do

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

    def _somebody_gives_back(self) -> None:
        """Now and then somebody who has just got in touch gives the time back that is kept for them."""
        while not self.over.wait(1.5):
            if not self.latest:
                continue
            key, contact = self.latest
            try:
                answer = requests.get(f"{self.house.url}/api/v1/contacts/{contact}", headers=key, timeout=5)
                kept = answer.ok and answer.json()["appointment"]
            except (requests.RequestException, OSError, ValueError):
                continue
            if kept and kept["state"] in ("held", "booked"):
                self.told.given_back.add(contact)
                answer = self._insists(f"/appointments/{kept['id']}/cancel", key, {})
                if answer is not None and answer.status_code not in (200, 409):  # 409: a nurse was quicker
                    self.told.surprises.append(f"giving back: {answer.status_code} {answer.text[:200]}")

    def _somebody_signs_in(self) -> None:
        """Only where it is asked for: codes are few."""
        turn = itertools.cycle(self.people)
        while not self.over.wait(0.5):
            if "sign_in" in self.also:
                patient = next(turn)
                if PatientAtTheDoor(self.house).signs_in(patient, self.twilio, self.over):
                    self.told.came_in.add(patient.id)

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

    # What nurses do

    def _nurse_works(self, key, desk) -> None:
        while not self.over.is_set():
            claimed = self._insists("/callbacks/claim", key, {})
            if claimed is None or claimed.status_code != 200:
                if claimed is not None and claimed.status_code != 204:
                    self.told.surprises.append(f"claim: {claimed.status_code} {claimed.text[:200]}")
                self.over.wait(0.5)
                continue
            self._rings(key, desk, claimed.json(), next(self.calls))
            self.over.wait(0.2)

    def _rings(self, key, desk, callback, turn: int) -> None:
        """Dials, types and says what it led to; every eighth call goes back to whoever comes next."""
        address = f"/callbacks/{callback['id']}"
        self._says(f"{address}/dial", key, {})
        desk.types(callback["id"], "Spoke with her")
        if turn % 8 == 0:
            self._says(f"{address}/release", key, {"note": "She will be back at noon"})
        elif "no_answer" in self.also and turn % 2:
            self._says(f"{address}/outcome", key, {"outcome": "no_answer"})
        else:
            self._finishes(address, key, callback, turn)

    def _finishes(self, address, key, callback, turn: int) -> None:
        has_time = bool(callback["contact"] and callback["contact"]["appointment"])
        body = {"outcome": "all_well", "note": "Spoke with her", "agreed": "As we said"}
        if has_time and turn % 4 == 1:
            body["outcome"] = "clinic_time"
        elif turn % 2:
            body |= {
                "outcome": "self_care",
                "call_again_on": (clock.now() + timedelta(days=7)).date().isoformat(),
            }
        if self._says(f"{address}/outcome", key, body):
            self.told.finished[callback["id"]] = body["outcome"]

    def _says(self, path: str, key, body) -> bool:
        answer = self._insists(path, key, body)
        if answer is not None and answer.status_code == 422 and body.get("outcome") == "clinic_time":
            # The patient gave the time back while the nurse spoke with them.
            answer = self._insists(path, key, {**body, "outcome": "all_well"})
        if answer is not None and not answer.ok:
            self.told.surprises.append(f"{path} {body.get('outcome', '')}: {answer.status_code} {answer.text[:200]}")
        return answer is not None and answer.ok

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

    # What Twilio does

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

    def unanswered(self, since: float) -> list[tuple[float, float, bool]]:
        """Looks at pages since that moment that were not answered within five seconds."""
        return [probe for probe in self.told.probes if probe[0] >= since and not probe[2]]
