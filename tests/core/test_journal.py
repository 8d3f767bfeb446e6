"""The journal can be added to, and whoever changes it all the same is found out."""

import io
import json
import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from followup.core import clock, journal
from followup.core.journal import System
from followup.core.models import Entry, Seal

pytestmark = pytest.mark.django_db

TESTS = System("tests")


def lines(count: int) -> list[Entry]:
    with transaction.atomic():
        return [journal.write("test.line", by=TESTS, number=n) for n in range(count)]


@pytest.fixture
def sealed():
    """Three batches of three lines, each sealed."""
    written = []
    for _ in range(3):
        written += lines(3)
        journal.seal()
    assert journal.verify().sound
    return written


def as_superuser(statement: str, *values, table: str = "journal") -> None:
    """Somebody who may switch the trigger off, changes a row, and leaves no trace."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.parametrize("table", ["journal", "journal_seal"])
@pytest.mark.parametrize("change", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_but_adding_is_possible(sealed, table, change):
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))
    assert (Entry.objects.count(), Seal.objects.count()) == (9, 3)


def test_a_line_belongs_in_the_transaction_of_what_it_tells_of(monkeypatch):
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(RuntimeError, match="transaction"):
        journal.write("test.line", by=TESTS)


def test_a_writer_who_hangs_puts_the_sealing_off_and_holds_up_nobody_else():
    """Who waits for the lock makes every later writer wait behind it: so the sealer does not wait long."""
    lines(2)
    address = connection.get_connection_params()
    with psycopg.connect(**{name: address[name] for name in ("dbname", "user", "password", "host", "port")}) as hangs:
        hangs.execute("LOCK TABLE journal IN ROW EXCLUSIVE MODE")  # what writing a line takes
        began = time.monotonic()
        assert journal.seal() is None
        assert time.monotonic() - began < 10
        hangs.rollback()
    assert journal.seal().entries == 2


def test_sealing_covers_what_was_written_since_and_nothing_twice(sealed):
    assert journal.seal() is None
    lines(2)
    verdict = journal.verify()
    assert (verdict.entries, verdict.seals, verdict.unsealed, verdict.sound) == (11, 3, 2, True)
    before = journal.head()
    seal = journal.seal()
    assert seal.entries == 2
    assert journal.head() == seal.head != before


EDITS = {
    "a word changed": ("UPDATE journal SET actor_name = 'Somebody else' WHERE id = %s", 4),
    "a moment moved": ("UPDATE journal SET at = at + interval '1 day' WHERE id = %s", 4),
    "a detail changed": ("UPDATE journal SET detail = '{\"number\": 99}' WHERE id = %s", 4),
    "a line taken out": ("DELETE FROM journal WHERE id = %s", 4),
    "the first line taken out": ("DELETE FROM journal WHERE id = %s", 0),
    "the last sealed line taken out": ("DELETE FROM journal WHERE id = %s", 8),
    "a line moved behind the others": ("UPDATE journal SET id = id + 1000 WHERE id = %s", 4),
}


@pytest.mark.parametrize(("statement", "place"), EDITS.values(), ids=EDITS)
def test_a_changed_line_is_found(sealed, statement, place):
    as_superuser(statement, sealed[place].id)
    verdict = journal.verify()
    assert not verdict.sound
    assert len(verdict.faults) == 1


def test_a_line_slipped_in_is_found(sealed):
    as_superuser("UPDATE journal SET id = id + 1000 WHERE id = %s", sealed[4].id)
    as_superuser(
        "INSERT INTO journal (id, at, verb, actor_kind, actor_name, actor_role, why, detail)"
        " SELECT %s, at, verb, actor_kind, actor_name, actor_role, why, detail FROM journal WHERE id = %s",
        sealed[4].id,
        sealed[3].id,
    )
    assert not journal.verify().sound


def test_two_lines_swapped_are_found(sealed):
    one, other = sealed[3].id, sealed[4].id
    for was, becomes in ((one, -1), (other, one), (-1, other)):
        as_superuser("UPDATE journal SET id = %s WHERE id = %s", becomes, was)
    assert not journal.verify().sound


def test_a_seal_cut_from_the_middle_is_found(sealed):
    middle = Seal.objects.order_by("id")[1]
    as_superuser("DELETE FROM journal_seal WHERE id = %s", middle.id, table="journal_seal")
    assert not journal.verify().sound


def test_a_changed_seal_is_found(sealed):
    last = Seal.objects.latest("id")
    as_superuser("UPDATE journal_seal SET head = repeat('0', 64) WHERE id = %s", last.id, table="journal_seal")
    assert not journal.verify().sound


def test_cutting_the_end_off_shows_in_the_head_alone(sealed):
    """Lines and seals cut together leave a shorter, sound journal: the head in the log and on /readyz says that it was longer."""
    head, last = journal.head(), Seal.objects.latest("id")
    as_superuser("DELETE FROM journal WHERE id >= %s", last.first_entry)
    as_superuser("DELETE FROM journal_seal WHERE id = %s", last.id, table="journal_seal")
    verdict = journal.verify()
    assert verdict.sound
    assert verdict.head != head


def test_without_the_key_nobody_can_seal_anew(sealed, settings):
    as_superuser("UPDATE journal SET why = 'nothing' WHERE id = %s", sealed[8].id)
    last = Seal.objects.latest("id")
    right, settings.FOLLOWUP_JOURNAL_KEY = settings.FOLLOWUP_JOURNAL_KEY, "a key that an attacker has made up himself"
    as_superuser("DELETE FROM journal_seal WHERE id = %s", last.id, table="journal_seal")
    journal.seal()
    settings.FOLLOWUP_JOURNAL_KEY = right
    assert not journal.verify().sound


def verified() -> tuple[dict, int]:
    said, code = io.StringIO(), 0
    try:
        call_command("verify_journal", stdout=said)
    except SystemExit as ended:
        code = ended.code
    return json.loads(said.getvalue()), code


def test_the_console_says_whether_it_is_sound(sealed):
    lines(1)
    said, code = verified()
    assert code == 0
    assert said == {"sound": True, "entries": 10, "seals": 3, "unsealed": 1, "head": journal.head(), "faults": []}
    as_superuser("DELETE FROM journal WHERE id = %s", sealed[0].id)
    said, code = verified()
    assert code == 1
    assert said["sound"] is False
    assert len(said["faults"]) == 1


def test_a_line_keeps_who_when_and_why():
    at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    with clock.turned(at), transaction.atomic():
        entry = journal.write("test.line", by=TESTS, why="to see", number=1)
    entry.refresh_from_db()
    assert (entry.at, entry.actor_kind, entry.actor_name, entry.why, entry.detail) == (
        at,
        "system",
        "tests",
        "to see",
        {"number": 1},
    )
