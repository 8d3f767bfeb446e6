"""Our Twilio says what the real one says: its answers have the published shape, and what we send and understand is published too."""

import json
from pathlib import Path

import jsonschema
import pytest
import requests

from followup.messages import policy, services
from followup.messages.gateways.twilio import TwilioGateway
from followup.messages.services import delivery

PUBLISHED = json.loads(Path(__file__).with_name("twilio_shapes.json").read_text())
MESSAGE = PUBLISHED["components"]["schemas"]["api.v2010.account.message"]


def held_to(shape: dict, answer: dict) -> None:
    """Exactly these fields, each of its type; what the description calls nullable may be null."""

    def plain(part):
        if isinstance(part, list):
            return [plain(each) for each in part]
        if not isinstance(part, dict):
            return part
        part = {name: plain(each) for name, each in part.items()}
        if part.pop("nullable", False):
            part["type"] = [part["type"], "null"]
        if "properties" in part:
            part |= {"required": sorted(part["properties"]), "additionalProperties": False}
        return part

    whole = plain(shape | {"components": PUBLISHED["components"]})
    jsonschema.Draft7Validator(whole).validate(answer)


@pytest.mark.django_db
def test_what_it_answers_has_the_published_shape(text, twilio, settings):
    services.deliver(text.id)
    address = f"{twilio.url}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"
    [form] = twilio.accepted
    held_to(MESSAGE, requests.post(address, form, timeout=10).json())
    listed = requests.get(address, {"To": text.to}, timeout=10).json()
    assert len(listed["messages"]) == 2
    held_to(PUBLISHED["list"], listed)


@pytest.mark.django_db
def test_what_we_send_and_ask_is_published(text, twilio, monkeypatch):
    asked = []
    original = requests.Session.send
    monkeypatch.setattr(
        requests.Session, "send", lambda self, request, **more: asked.append(request) or original(self, request, **more)
    )
    claimed = delivery._claim(text.id)
    delivery._hand_over(TwilioGateway(), [claimed])
    TwilioGateway().find(claimed, claimed.body)
    assert set(twilio.accepted[0]) <= set(PUBLISHED["sent"])
    question = requests.utils.unquote(asked[-1].url.partition("?")[2])
    assert {part.rpartition("=")[0] for part in question.split("&")} <= set(PUBLISHED["asked"])


def test_every_status_that_a_message_of_ours_can_have_is_understood():
    published = set(PUBLISHED["components"]["schemas"]["message_enum_status"]["enum"])
    theirs = {"receiving", "received", "scheduled", "partially_delivered"}  # of messages to us, planned ones, groups
    assert {each for each in published if policy.state_of_report(each) is None} == theirs


def test_beyond_its_measure_it_asks_us_to_wait(twilio, settings):
    twilio.per_second = 2
    address = f"{twilio.url}/2010-04-01/Accounts/{settings.TWILIO_ACCOUNT_SID}/Messages.json"
    form = {"To": "+46701740001", "Body": "one", "StatusCallback": "https://x.example/?message=1"}
    said = [requests.post(address, form, timeout=10) for _ in range(3)]
    assert [each.status_code for each in said] == [201, 201, 429]
    assert said[-1].headers["Retry-After"] == "1"
    assert (len(twilio.accepted), twilio.most_in_a_second()) == (2, 3)
