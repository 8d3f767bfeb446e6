"""The page of whoever looks after the machine: how it is and what to do, and nobody's name, number or words."""

from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from django.core.management import call_command

from followup.core import clock, heartbeats, journal, upkeep
from followup.core.models import Outbox
from followup.messages.models import Message, Rest
from followup.people import services as people
from followup.people.models import User
from tests import factories as make

HOUSE = "/desk/house/"


@pytest.fixture
def per(unit):
    return people.add_staff(
        username="per", name="Per Holm", role="administrator", unit=unit, by=make.TESTS, password=make.PASSWORD
    )


@pytest.fixture
def read(desk, per):
    """`read()`: the text of the page as it is now."""
    client = desk(per)
    return lambda: unescape(client.get(HOUSE).content.decode())


@pytest.fixture
def well(monday, unit):
    """A house in which everything was done a moment ago."""
    for name in ("beat", "worker"):
        heartbeats.note(name)
    upkeep.note("backup", bytes=2_500_000)
    upkeep.note("verify", sound=True, entries=7)


def test_a_house_that_is_well_says_so(well, read):
    said = read()
    assert "All is well." in said
    assert "Act now" not in said and "Look at it" not in said
    assert "2 MB" in said


TROUBLES = {
    "a silent worker": (lambda at: heartbeats.Heartbeat.objects.filter(name="worker").delete(), "never heard of"),
    "beat an hour ago": (
        lambda at: heartbeats.Heartbeat.objects.filter(name="beat").update(at=at - timedelta(hours=1)),
        "last heard of 1 hour ago",
    ),
    "work given up": (
        lambda at: Outbox.objects.create(topic="contacts.received", due_at=at, gave_up_at=at),
        "1 × contacts.received",
    ),
    "work that waits": (
        lambda at: Outbox.objects.create(topic="a", due_at=at, created_at=at - timedelta(minutes=20)),
        "1 has waited for 20 minutes",
    ),
    "no backup for long": (
        lambda at: upkeep.Upkeep.objects.filter(name="backup").update(at=at - timedelta(days=8)),
        "8 days ago",
    ),
    "a journal that is not sound": (lambda at: upkeep.note("verify", sound=False, entries=1), "it was not sound"),
    "lines that nobody seals": (
        lambda at: journal.entries.Entry.objects.create(
            at=at - timedelta(hours=1), verb="a", actor_kind="system", actor_name="x"
        ),
        "Journal:",
    ),
}


@pytest.mark.parametrize(("happens", "words"), TROUBLES.values(), ids=TROUBLES)
def test_what_must_be_acted_on_stands_on_top_with_what_to_do(well, read, monday, happens, words):
    journal.seal()
    happens(monday)
    said = read()
    assert "Something needs you now." in said
    top = said[: said.index('id="parts-heading"')]
    assert "Act now" in top
    assert words in said


def test_a_resting_channel_and_messages_for_a_person_are_to_be_looked_at(well, read, anna, monday):
    make.a_flare(anna)
    Outbox.objects.update(done_at=monday)
    Message.objects.update(state="unknown")
    Rest.objects.create(channel="sms", until_at=monday + timedelta(minutes=5))
    said = read()
    assert "It runs. Something wants to be looked at." in said
    assert "0 failed, 2 of which nobody knows whether they arrived" in said
    assert "rests until 09:05" in said


def test_the_page_holds_no_patients_name_number_or_words(well, read, unit, karin):
    anna = make.a_patient(unit, given_name="Zerafina", family_name="Quistgaard", number="19690723-9876")
    contact = make.a_flare(anna, message="Blood since Friday", answers={"red_flags": ["rf_bleed"]})
    Message.objects.update(state="failed", trouble="bad-number")
    Outbox.objects.create(
        topic="contacts.received", payload={"contact_id": str(contact.id)}, due_at=clock.now(), gave_up_at=clock.now()
    )
    make.a_call_with(karin, contact)
    said = read().lower()
    private = ["zerafina", "quistgaard", "19690723", anna.phone, anna.phone[3:], anna.email, "blood", "rf_bleed"]
    private += [str(anna.id), str(contact.id), str(contact.case_id), contact.case.reference, karin.name, "1971"]
    assert not [word for word in private if word.lower() in said]


def test_units_are_told_in_numbers(well, read, unit, karin, anna):
    make.a_patient(unit)
    row = read().split(f'<th scope="row">{unit.name}</th>')[1].split("</tr>")[0]
    assert "<td>2</td>" in row
    assert row.count("<td>1</td>") == 2  # the nurse and the administrator


def test_signing_in_leads_here_and_the_menu_has_nothing_else(desk, per, unit):
    client = desk(per)
    assert client.get("/desk/").headers["Location"] == HOUSE
    said = client.get(HOUSE).content.decode()
    menu = said[said.index("desk-nav") : said.index("</nav>", said.index("desk-nav"))]
    assert menu.count("<li>") == 1


def test_the_console_makes_one(unit, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("a long pass phrase\n"))
    call_command("create_staff", "olle", "--role", "administrator", "--unit", unit.name, stdout=StringIO())
    assert User.objects.get(username="olle").role == "administrator"


def test_as_many_questions_for_one_unit_as_for_many(well, desk, per, unit, django_assert_max_num_queries):
    client = desk(per)
    client.get(HOUSE)
    with django_assert_max_num_queries(40) as one:
        client.get(HOUSE)
    for _ in range(4):
        make.a_flare(make.a_patient(make.a_unit()))
    with django_assert_max_num_queries(len(one)):
        client.get(HOUSE)
