"""A thief of the database changes the journal or its seals in every way there is, while six write and while all is still; each is found.

The thief has the server's own superuser, for whom no trigger counts, and not the key. What they do is committed, so the tests have a
database of their own, a copy of the one that the other tests roll back.
"""

import contextlib
import re
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction

from followup.core import journal
from followup.core.journal import System, witness
from followup.core.models import Entry, Seal
from tests.house import until

WRITERS = 6
LINES, BATCHES = 4, 3


@pytest.fixture(scope="module")
def scratch(django_db_setup, django_db_blocker):
    tests, own = connection.settings_dict["NAME"], f"{connection.settings_dict['NAME']}_attacked"
    connection.close()
    with psycopg.connect(settings.STATE["database_url"], dbname="postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{own}" WITH (FORCE)')
        # Run alone, without a test that is marked for it, there is no test database to copy.
        template = tests if tests.startswith("test_") else "template1"
        server.execute(f'CREATE DATABASE "{own}" TEMPLATE "{template}"')
        connection.settings_dict["NAME"] = own
        with django_db_blocker.unblock():
            call_command("migrate", verbosity=0)
            yield own
        connection.close()
        connection.settings_dict["NAME"] = tests
        server.execute(f'DROP DATABASE "{own}" WITH (FORCE)')


@pytest.fixture
def thief(scratch):
    """Runs statements past every trigger, and leaves none of them switched off unless told so."""
    with psycopg.connect(settings.STATE["database_url"], dbname=scratch, autocommit=True) as stolen:
        stolen.execute("SET session_replication_role = replica")
        yield stolen


@pytest.fixture
def sealed(thief):
    """Four lines and a seal, three times; between the lines a number that no line has, as a transaction undone leaves it."""
    thief.execute("DELETE FROM journal")
    thief.execute("DELETE FROM journal_seal")
    witness.path().unlink(missing_ok=True)
    for _ in range(BATCHES):
        write(2)
        thief.execute("SELECT nextval(pg_get_serial_sequence('journal', 'id'))")
        write(LINES - 2)
        journal.seal()
    verdict = journal.verify()
    assert (verdict.faults, verdict.entries, verdict.seals) == ([], LINES * BATCHES, BATCHES)
    yield
    witness.path().unlink(missing_ok=True)


def write(lines: int) -> None:
    with transaction.atomic():
        for number in range(lines):
            journal.write("test.line", by=System("tests"), why="to see", number=number)


class Clinic:
    """Six who write and one who seals, at once, each on a connection of their own."""

    def __init__(self):
        self.stop = threading.Event()
        self.wrong: list[BaseException] = []
        hands = [write_two] * WRITERS + [journal.seal]
        self.threads = [threading.Thread(target=self._go_on, args=(each,)) for each in hands]

    def _go_on(self, work: Callable) -> None:
        try:
            while not self.stop.is_set():
                work()
        except BaseException as error:
            self.wrong.append(error)
        finally:
            connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.until_sealed_anew()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
        # The sealer may stumble over the thief or over what they left (a line that another seal covers), as loudly as it likes.
        assert not [each for each in self.wrong if not isinstance(each, IntegrityError | OperationalError)], self.wrong

    def until_sealed_anew(self, more: int = 3) -> None:
        """Wait until some batches more are sealed, which says that writers and sealer are at it."""
        limit, wanted = time.monotonic() + 20, Entry.objects.order_by("-id").values_list("id", flat=True).first() + more
        while not Seal.objects.filter(last_entry__gte=wanted).exists():
            assert time.monotonic() < limit, "nobody seals"


def write_two() -> None:
    write(2)


COPY = """INSERT INTO journal (id, at, verb, actor_kind, actor_name, actor_role, why, detail)
          SELECT {}, at, verb, actor_kind, actor_name, actor_role, why, detail FROM journal WHERE id = {}"""
SWAP_LINES = """UPDATE journal a SET at = b.at, verb = b.verb, actor_name = b.actor_name, detail = b.detail, why = b.why
                FROM journal b WHERE (a.id, b.id) IN (({0}, {1}), ({1}, {0}))"""
SWAP_SEALS = "UPDATE journal_seal a SET head = b.head FROM journal_seal b WHERE (a.id, b.id) IN ((1, 2), (2, 1))"
FORGED = """INSERT INTO journal_seal (id, at, first_entry, last_entry, entries, head)
            SELECT (SELECT max(id) + 1 FROM journal_seal), at, last_entry + 1000000, last_entry + 1000001, 0, head
              FROM journal_seal WHERE id = 2"""
SEAL = """INSERT INTO journal_seal (id, at, first_entry, last_entry, entries, head)
          SELECT {}, at, {}, {}, entries, head FROM journal_seal WHERE id = {}"""

ATTACKS: dict[str, list[str]] = {
    # Lines
    "who": ["UPDATE journal SET actor_name = 'Somebody else' WHERE id = <5>"],
    "which one": ["UPDATE journal SET actor_id = gen_random_uuid() WHERE id = <5>"],
    "as what": ["UPDATE journal SET actor_role = 'nurse', actor_kind = 'person' WHERE id = <5>"],
    "what": ["UPDATE journal SET verb = 'test.other' WHERE id = <5>"],
    "when": ["UPDATE journal SET at = at + interval '1 microsecond' WHERE id = <5>"],
    "why": ["UPDATE journal SET why = '' WHERE id = <5>"],
    "of whom": ["UPDATE journal SET patient_id = gen_random_uuid() WHERE id = <5>"],
    "of which case": ["UPDATE journal SET case_id = gen_random_uuid() WHERE id = <5>"],
    "about what": ["UPDATE journal SET subject_id = gen_random_uuid() WHERE id = <5>"],
    "where": ["UPDATE journal SET unit_id = gen_random_uuid() WHERE id = <5>"],
    "how much": ["UPDATE journal SET detail = '[99]' WHERE id = <5>"],
    "the first line taken out": ["DELETE FROM journal WHERE id = <0>"],
    "a line taken out": ["DELETE FROM journal WHERE id = <5>"],
    "the last line of a batch taken out": ["DELETE FROM journal WHERE id = <7>"],
    "a batch taken out": ["DELETE FROM journal WHERE id BETWEEN <4> AND <7>"],
    "a batch and its seal taken out": [
        "DELETE FROM journal WHERE id BETWEEN <4> AND <7>",
        "DELETE FROM journal_seal WHERE id = 2",
    ],
    "two lines of a batch swapped": [SWAP_LINES.format("<4>", "<5>")],
    "two lines of two batches swapped": [SWAP_LINES.format("<3>", "<4>")],
    "a line slipped into a gap": [COPY.format("<5> + 1", "<5>")],
    "a line slipped in before the first": [COPY.format(0, "<5>")],
    "a line slipped in far before the first": [COPY.format(-7, "<5>")],
    "a line moved to the end": ["UPDATE journal SET id = id + 1000000 WHERE id = <5>"],
    "a line moved into a gap": ["UPDATE journal SET id = id + 1 WHERE id = <5>"],
    "a line moved before the first": ["UPDATE journal SET id = -id WHERE id = <5>"],
    # Seals
    "a head": ["UPDATE journal_seal SET head = repeat('0', 64) WHERE id = 2"],
    "when it was sealed": ["UPDATE journal_seal SET at = at - interval '1 day' WHERE id = 2"],
    "where a batch begins": ["UPDATE journal_seal SET first_entry = first_entry + 1 WHERE id = 2"],
    "where a batch ends": ["UPDATE journal_seal SET last_entry = last_entry - 1 WHERE id = 2"],
    "where the last batch ends": [
        "UPDATE journal_seal SET last_entry = last_entry + 1000 WHERE id = (SELECT max(id) FROM journal_seal)"
    ],
    "how many a batch has": ["UPDATE journal_seal SET entries = entries + 1 WHERE id = 2"],
    "the number of a seal": ["UPDATE journal_seal SET id = -5 WHERE id = 1"],
    "the number of all seals": ["UPDATE journal_seal SET id = id + 1000000"],
    "the first seal taken out": ["DELETE FROM journal_seal WHERE id = 1"],
    "a seal taken out": ["DELETE FROM journal_seal WHERE id = 2"],
    "two seals swapped": [SWAP_SEALS],
    "two seals exchange their numbers": [
        "UPDATE journal_seal SET id = -1 WHERE id = 1",
        "UPDATE journal_seal SET id = 1 WHERE id = 2",
        "UPDATE journal_seal SET id = 2 WHERE id = -1",
    ],
    "a seal made up": [FORGED],
    "a seal slipped in before the first": [SEAL.format(0, "-2", "-1", 1)],
    "a seal slipped in between": [
        "UPDATE journal_seal SET id = id + 1000000 WHERE id > 1",
        "UPDATE journal_seal SET id = id - 999999 WHERE id > 1",
        SEAL.format(2, "first_entry + 1", "last_entry - 1", 3),
    ],
    # The end, cut off
    "the last seal taken out": ["DELETE FROM journal_seal WHERE id = (SELECT max(id) FROM journal_seal)"],
    "the last batch and its seal taken out": [
        "DELETE FROM journal WHERE id > (SELECT last_entry FROM journal_seal WHERE id = 2)",
        "DELETE FROM journal_seal WHERE id > 2",
    ],
    "the last batch taken out": ["DELETE FROM journal WHERE id > (SELECT last_entry FROM journal_seal WHERE id = 2)"],
    "all seals taken out": ["DELETE FROM journal_seal"],
    "all seals taken out and a line rewritten": [
        "DELETE FROM journal_seal",
        "UPDATE journal SET actor_name = 'Somebody else' WHERE id = <5>",
    ],
    "the journal emptied": ["TRUNCATE journal"],
    "the seals emptied": ["TRUNCATE journal_seal"],
    "everything emptied": ["TRUNCATE journal, journal_seal"],
    # The guards
    "a trigger switched off": ["ALTER TABLE journal DISABLE TRIGGER journal_rows_stay"],
    "a trigger taken away": ["DROP TRIGGER journal_seal_stays ON journal_seal"],
}
PUT_BACK = """
ALTER TABLE journal ENABLE TRIGGER journal_rows_stay;
CREATE OR REPLACE TRIGGER journal_seal_stays BEFORE TRUNCATE ON journal_seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def strike(thief, attack: str) -> None:
    """`<5>` stands for the number of the sixth line."""
    statements = [re.sub(r"<(\d+)>", lambda place: str(line(int(place[1]))), each) for each in ATTACKS[attack]]
    for _ in range(5):
        # The sealer locks both tables: a thief who comes in between tries again.
        with contextlib.suppress(psycopg.errors.DeadlockDetected), thief.transaction():
            for statement in statements:
                thief.execute(statement)
            return
    pytest.fail("the thief never got in")


def line(place: int) -> int:
    return Entry.objects.filter(id__gt=0).order_by("id").values_list("id", flat=True)[place]


@pytest.fixture(autouse=True)
def guards_again(thief):
    yield
    for statement in PUT_BACK.strip().split(";"):
        thief.execute(statement)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_a_still_journal_is_found(sealed, thief, attack):
    strike(thief, attack)
    assert journal.verify().faults


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_while_six_write_is_found_then_and_afterwards(sealed, thief, attack):
    with Clinic():
        strike(thief, attack)
        # A seal that is taken out before its head was noted is found as soon as it is.
        until(lambda: journal.verify().faults, within=30, what="a fault")
    assert journal.verify().faults


CHANGED = {
    "bigint": "{} + 1000000",
    "integer": "{} + 1",
    "timestamp with time zone": "{} + interval '1 microsecond'",
    "uuid": "gen_random_uuid()",
    "character varying": "overlay({} placing '#' from 1 for 1)",
    "text": "overlay({} placing '#' from 1 for 1)",
    "jsonb": "jsonb_set({}, '{{number}}', '99')",
}
"""Another value of a column, by its type."""
KEEP = "CREATE TEMP TABLE kept AS SELECT * FROM {} WHERE id = {}"
CHANGE = "UPDATE {} SET {} = {} WHERE id = (SELECT id FROM kept)"
COLUMN_BACK = "UPDATE {0} t SET {1} = kept.{1} FROM kept WHERE t.id IN (kept.id, kept.id + 1000000)"


@pytest.mark.parametrize("table", ["journal", "journal_seal"])
def test_a_change_of_any_column_is_found(sealed, thief, table):
    """Asked of the database, so that no column can come that no hash covers. One by one, each put back: it alone is what is found."""
    columns = thief.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
        [table],
    ).fetchall()
    assert len(columns) >= 6
    thief.execute(KEEP.format(table, line(5) if table == "journal" else 2))
    for column, kind in columns:
        thief.execute(CHANGE.format(table, column, CHANGED[kind].format(column)))
        assert journal.verify().faults, column
        thief.execute(COLUMN_BACK.format(table, column))
        assert journal.verify().faults == [], column


@pytest.mark.parametrize(
    "attack", ["all seals taken out and a line rewritten", "the last batch and its seal taken out"]
)
def test_what_was_cut_is_not_forgotten_when_the_product_seals_again(sealed, thief, attack):
    strike(thief, attack)
    write(2)
    journal.seal()
    journal.seal()
    assert journal.verify().faults


def test_a_batch_of_another_past_does_not_fit_though_the_product_sealed_it(sealed, thief):
    """Cut off, kept, and put back later in place of what was sealed instead: number, lines and head are right, the next seal is not."""
    batch = f"id BETWEEN {line(4)} AND {line(7)}"
    for table, which in (("journal", batch), ("journal_seal", "id = 2")):
        thief.execute(f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table} WHERE {which}")  # noqa: S608
    strike(thief, "the last batch and its seal taken out")
    thief.execute("DELETE FROM journal_seal WHERE id = 2")
    thief.execute(f"DELETE FROM journal WHERE {batch}")  # noqa: S608
    witness.path().unlink()
    for _ in range(BATCHES - 1):
        write(2)
        journal.seal()
    assert journal.verify().faults == []
    thief.execute(
        "DELETE FROM journal WHERE id BETWEEN (SELECT first_entry FROM journal_seal WHERE id = 2)"
        " AND (SELECT last_entry FROM journal_seal WHERE id = 2)"
    )
    thief.execute("DELETE FROM journal_seal WHERE id = 2")
    for table in ("journal", "journal_seal"):
        thief.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table}")  # noqa: S608
    (fault,) = journal.verify().faults
    assert fault.endswith("are not those that seal 3 closed")


def test_a_journal_that_nobody_touches_is_sound_while_six_write(sealed):
    with Clinic() as clinic:
        for _ in range(10):
            assert journal.verify().faults == []
            clinic.until_sealed_anew()
    assert not clinic.wrong
    journal.seal()
    verdict = journal.verify()
    assert (verdict.faults, verdict.unsealed) == ([], 0)
    assert verdict.entries == Entry.objects.count() > LINES * BATCHES + WRITERS


def test_without_the_note_in_the_data_folder_only_a_head_kept_elsewhere_finds_a_cut(sealed, thief):
    """What docs/running.md says of containers that share no data folder: the head in the log is the last witness."""
    head = journal.head()
    strike(thief, "the last batch and its seal taken out")
    assert journal.verify().faults
    witness.path().unlink()
    assert journal.verify().faults == []
    assert journal.verify(heads=[head]).faults
