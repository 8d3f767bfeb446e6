"""Somebody at the pages, without a browser: a nurse who types while the patient speaks, a patient who signs in with a code."""

import re
import threading
import time

import requests

from followup.people.models import Patient, User
from tests import factories as make
from tests.faults.blows import Besieged

CODE_WITHIN = 20  # seconds for a code to arrive


class Pages:
    def __init__(self, house: Besieged):
        self.house, self.web = house, requests.Session()

    def get(self, path: str) -> requests.Response:
        return self.web.get(f"{self.house.url}{path}", timeout=15)

    def post(self, path: str, **form: str) -> requests.Response:
        token = next((cookie.value for cookie in self.web.cookies if "csrf" in cookie.name), "")
        form["csrfmiddlewaretoken"] = token
        return self.web.post(f"{self.house.url}{path}", form, timeout=15)


class NurseAtTheDesk(Pages):
    """Signed in, with the page of a call before them."""

    def __init__(self, house: Besieged, user: User):
        super().__init__(house)
        self.get("/staff/sign-in/")
        inside = self.post("/staff/sign-in/", login=user.username, password=make.PASSWORD)
        assert inside.ok and "/sign-in" not in inside.url, inside.url

    def types(self, callback_id: str, note: str) -> requests.Response | None:
        """What is typed is kept by itself; where nobody answers the page tries again at the next word."""
        try:
            return self.post(f"/desk/calls/{callback_id}/keep/", note=note)
        except (requests.RequestException, OSError):
            return None


class PatientAtTheDoor(Pages):
    def signs_in(self, patient: Patient, twilio, over: threading.Event) -> bool:
        """Whether they came in. Where a page is not answered they begin again, later, as people do."""
        born = {"day": str(patient.born_on.day), "month": str(patient.born_on.month), "year": str(patient.born_on.year)}
        before = len(twilio.accepted)
        try:
            self.get("/sign-in/")
            self.post("/sign-in/", address=patient.phone)
            asked = self.post("/sign-in/birth/", **born)
            if not asked.url.endswith("/code/"):
                return False
            code = self._code(patient, twilio, before, over)
            return bool(code) and "/sign-in" not in self.post("/sign-in/code/", code=code).url
        except (requests.RequestException, OSError):
            return False

    @staticmethod
    def _code(patient: Patient, twilio, before: int, over: threading.Event) -> str:
        limit = time.monotonic() + CODE_WITHIN
        while time.monotonic() < limit and not over.wait(0.1):
            for form in twilio.accepted[before:]:
                found = re.search(r"\b\d{6}\b", form["Body"])
                if form["To"] == patient.phone and found:
                    return found.group()
        return ""
