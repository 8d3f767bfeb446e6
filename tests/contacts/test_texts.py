"""What is texted stays one text, with the longest that is usual in every gap."""

import pytest

from followup.core import words
from followup.messages import policy
from followup.people.models import Patient, Unit
from followup.programmes import checks, gsm7
from followup.programmes.services import SHIPPED
from followup.programmes.texts import text


@pytest.mark.parametrize("phone", ["08-465 004 00", ""])
@pytest.mark.parametrize("language", ["en", "sv"])
def test_every_text_is_one_text_also_where_the_clinic_has_no_number(language, phone):
    unit = Unit(sender="Höglandsmottagningen", phone=phone, emergency_number="112")
    maria = Patient(unit=unit, given_name="Maria-Kristina", language=language)
    said = {name: text(value, language) for name, value in checks.LONG_VALUES.items()}
    rules = checks.parse(checks.read(SHIPPED / "ibd.yaml"))
    for template, each in rules.messages.items():
        body = policy.render(each, "sms", patient=maria, **said)["body"]
        assert gsm7.length(body) <= gsm7.ONE_MESSAGE, f"{template}: {body}"
        if "{clinic_phone}" in text(each.sms, language):
            assert words.clinic_number(phone, language=language) in body
