"""After a whole journey, with worker and beat at work, no log of any process holds a name, a number, a word or a code."""

import re
from datetime import date

import requests

from followup.messages import queries as messages
from followup.messages.models import LocalDelivery
from followup.people import services as people
from tests import factories as make
from tests.house import until
from tests.journeys.people import PHONE, AtHome

WORDS = "Xylophones in my belly since Friday"
NOTE = "Advised quinces and rest"


def test_a_whole_journey_leaves_no_name_number_word_or_code_in_any_log(unit, visit, house):
    patient = make.a_patient(
        unit,
        given_name="Zerafina",
        family_name="Quistgaard",
        born_on=date(1969, 7, 23),
        email="zerafina.quistgaard@example.org",
        number="19690723-9876",
    )
    nurse = make.a_nurse(unit, "Wilhelmina Oxenstierna")
    anna = visit(AtHome, PHONE)
    anna.signs_in(patient)
    anna.feels_worse(WORDS)
    anna.presses("Send to the nurse")
    anna.is_asked("We have your request")

    key = people.new_token(user=nurse, by=make.TESTS)
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {key}"
    taken = api.post(f"{house.url}/api/v1/callbacks/claim", timeout=10).json()
    assert taken["contact"]["message"] == WORDS
    call = f"{house.url}/api/v1/callbacks/{taken['id']}"
    api.post(f"{call}/dial", timeout=10).raise_for_status()
    done = api.post(f"{call}/outcome", json={"outcome": "all_well", "note": NOTE}, timeout=10)
    done.raise_for_status()
    api.get(f"{house.url}/desk/patients/?q=Quistgaard", timeout=10)
    api.get(f"{house.url}/nowhere/Quistgaard", timeout=10)

    codes = [
        found[1]
        for body in LocalDelivery.objects.filter(message__patient=patient).values_list("body", flat=True)
        if (found := re.search(r"#(\d{6})", body))
    ]
    assert codes
    until(lambda: not messages.to_send(), what="the worker sending everything")

    logs = {path.name: path.read_text(errors="replace") for path in (house.data / "logs").iterdir()}
    assert {"web.log", "worker.log", "beat.log", "postgres.log"} <= set(logs)
    assert "callbacks/<uuid:callback_id>/outcome" in logs["web.log"]
    secrets = ["Zerafina", "Quistgaard", patient.phone, patient.phone[3:], patient.number, "1969-07-23", "19690723"]
    secrets += ["example.org", "Xylophones", "quinces", "Oxenstierna", "Wilhelmina", key]
    leaks = [(name, word) for name, said in logs.items() for word in secrets if word.lower() in said.lower()]
    leaks += [
        (name, code) for name, said in logs.items() for code in codes if re.search(rf"(?<![\w.]){code}(?![\w])", said)
    ]
    assert not leaks
