"""`followup token USERNAME`."""

import io

import pytest
from django.core.management import CommandError, call_command

from followup.people import queries as people
from followup.people.models import Token
from tests import factories as make

pytestmark = pytest.mark.django_db


def made(username: str) -> str:
    said = io.StringIO()
    call_command("token", username, stdout=said)
    return said.getvalue()


def test_each_time_a_new_key_is_printed_alone_and_kept_only_as_a_hash():
    nurse = make.a_nurse(make.a_unit())
    first, second = made(nurse.username), made(nurse.username.upper())
    assert first != second
    for said in (first, second):
        (key,) = said.splitlines()
        assert people.user_of_key(key) == nurse
        assert not Token.objects.filter(digest=key).exists()


def test_an_unknown_user_name_is_said_in_plain_words():
    with pytest.raises(CommandError, match="Nobody here has the user name nobody"):
        made("nobody")
