"""A patient, a text for her, and a Twilio that does as it is told."""

import pytest

from followup.messages import services
from tests import factories as make
from tests.messages.twilio_server import serving


@pytest.fixture
def patient():
    return make.a_patient(make.a_unit())


def tell(patient, occasion="one", **more):
    return services.tell(
        "agreed",
        patient=patient,
        programme=make.a_programme(),
        occasion=occasion,
        by=make.TESTS,
        **{"answers_them": True, **more},
    )


@pytest.fixture
def text(patient):
    [message] = tell(patient, channels=["sms"])
    return message


@pytest.fixture
def twilio(settings):
    with serving() as server:
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "secret"
        settings.TWILIO_FROM, settings.TWILIO_BASE_URL = "+46701740600", server.url
        yield server


def state_of(message):
    message.refresh_from_db()
    return message.state
