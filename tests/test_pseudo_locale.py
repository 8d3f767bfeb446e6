"""Every page in a language that nobody speaks: what is neither marked for translation nor data stands out."""

from datetime import date, timedelta

import pytest
from django.test import Client

from followup.callbacks import services as callbacks
from followup.contacts import services as contacts
from followup.core import clock
from followup.messages.models import Message
from followup.programmes import checks
from followup.programmes import services as programmes
from tests import factories as make
from tests import pseudo

pytestmark = pytest.mark.django_db

DATA = [
    "Anna Berg",
    "A. Berg",
    "Anna",
    "Berg",
    "Karin Nurse",
    "Eva Coordinator",
    "Dr Olsson",
    "Tavlan",
    "Eksjö",
    "room 4",
]
DATA += ["It hurts again.", "I forgot something.", "Mottagningen", "Mottagning Nio", "Followup"]


@pytest.fixture
def clinic(settings, tmp_path):
    """A unit on a Monday morning with a call for each role to look at, in the language that nobody speaks."""
    pseudo.write_catalogue(tmp_path)
    settings.LANGUAGES = [*settings.LANGUAGES, (pseudo.CODE, "Nobody's")]
    settings.LOCALE_PATHS = [tmp_path]
    settings.FOLLOWUP_STAFF_MFA = False
    settings.FOLLOWUP_DEMO = True
    programmes.load(pseudo.in_brackets(checks.read(make.IBD)), by=make.TESTS)
    with clock.turned(make.MONDAY_MORNING):
        yield Clinic()


class Clinic:
    def __init__(self):
        self.unit = make.a_unit(name="Mottagning Nio", demo=True)
        self.nurse, self.doctor = make.a_nurse(self.unit), make.a_clinician(self.unit)
        self.coordinator = make.a_coordinator(self.unit)
        make.urgent_times(self.unit, date(2026, 11, 24), 3, doctor=self.doctor)
        self.anna = make.a_patient(self.unit)
        self.contact = make.a_flare(self.anna)
        self.patient = str(self.anna.id)

    def read(self, path: str, by=None) -> str:
        browser = Client(headers={"accept": "text/html"})
        browser.cookies["language"] = pseudo.CODE
        if by:
            browser.force_login(by, backend="django.contrib.auth.backends.ModelBackend")
            browser.cookies["language"] = pseudo.CODE
        answer = browser.get(path, follow=True)
        assert answer.status_code == 200, path
        html = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert f'lang="{pseudo.CODE}"' in html.decode(), f"{path} is not in the language asked for"
        return html.decode()

    def looks(self, *paths: str, by=None) -> None:
        told = [
            line for message in Message.objects.all() for line in (message.subject, *message.body.splitlines()) if line
        ]
        found = {path: pseudo.unmarked(self.read(path, by), [*DATA, *told]) for path in paths}
        assert {path: words for path, words in found.items() if words} == {}

    def call(self):
        return make.callback_of(self.contact)


def test_for_strangers(clinic):
    clinic.looks("/", "/sign-in/", "/sign-in/new-number/", "/emergency/", "/staff/sign-in/", "/demo/messages/")


def test_for_a_patient_who_waits(clinic):
    paths = "/home/", "/where/", "/tell-us/", "/messages/", "/contacts/", "/who-looked/", "/tell-us/sent/"
    clinic.looks(*paths, by=clinic.anna.user)


def test_for_a_patient_who_has_spoken_with_us(clinic):
    call = make.a_call_with(clinic.nurse, clinic.contact)
    contacts.dial(call, by=clinic.nurse)
    clinic.looks("/home/", "/where/", by=clinic.anna.user)
    contacts.finish(call, by=clinic.nurse, outcome="clinic_time")
    clinic.looks("/home/", "/where/", "/contacts/", by=clinic.anna.user)


def test_for_a_patient_whom_nobody_reached(clinic):
    for tries in range(3):
        call = make.a_call_with(clinic.nurse, clinic.contact)
        contacts.finish(call, by=clinic.nurse, outcome="no_answer")
        if tries != 1:
            clinic.looks("/home/", "/where/", by=clinic.anna.user)


def test_for_a_patient_who_begins(clinic):
    fresh = make.a_patient(clinic.unit)
    clinic.looks("/home/", "/where/", "/messages/", "/contacts/", "/who-looked/", "/tell-us/", by=fresh.user)


def test_for_nurses(clinic):
    paths = ["/desk/queue/", f"/desk/calls/{clinic.call().id}/open/", "/desk/patients/", "/desk/patients/?q=Berg"]
    clinic.looks(
        *paths, f"/desk/patients/{clinic.patient}/", f"/desk/patients/{clinic.patient}/request/", by=clinic.nurse
    )
    call = callbacks.claim_next(by=clinic.nurse)
    clinic.looks(f"/desk/calls/{call.id}/", "/desk/queue/", by=clinic.nurse)


def test_for_clinicians(clinic):
    contacts.finish(
        make.a_call_with(clinic.nurse, clinic.contact),
        by=clinic.nurse,
        outcome="clinician_asked",
        to=clinic.doctor,
        note="?",
    )
    ask = clinic.contact.case.asks.get()
    clinic.looks("/desk/asks/", f"/desk/asks/{ask.id}/", "/desk/clinic-day/?day=2026-11-24", by=clinic.doctor)


def test_for_the_coordinator(clinic):
    clinic.looks("/desk/board/", "/desk/clinic-day/", "/desk/alerts/", by=clinic.coordinator)
    with clock.turned(make.MONDAY_MORNING + timedelta(days=2)):
        clinic.looks("/desk/board/", "/desk/alerts/", "/desk/queue/", by=clinic.coordinator)


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<p>[Çàll]</p>", []),
        ("<p>Call</p>", ["Call"]),
        ("<p>[Çàll] now</p>", ["now"]),
        ('<p>[Çàll <a href="/">ûs</a> šõõñ]</p>', []),
        ('<button aria-label="Close">[X]</button>', ["Close"]),
        ("<p>Anna Berg, 15:40 on Tuesday 24 November</p>", []),
        ("<script>let word;</script>", []),
    ],
)
def test_the_look_itself_can_fail(html, found):
    assert pseudo.unmarked(html, DATA) == found


def test_gaps_and_marks_survive():
    assert pseudo.say('Call <a href="%(link)s">%(phone)s</a> now') == '[Càll <a href="%(link)s">%(phone)s</a> ñõw]'
