"""What a clinic has can be taken away while it works and put back on an empty machine, and nothing else can be put back."""

import json
import shutil
import subprocess
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import requests
from django.db import connection

from followup.contacts import services as contacts
from followup.contacts.models import Contact
from followup.core import journal, upkeep
from tests import factories as make
from tests import house as houses
from tests.house import until

WRITERS, EACH = 6, 60

# Every request that is there has its case, its call, its line in the journal and its row in the outbox, and none is there without it.
AGREE = """
SELECT count(*),
       count(*) FILTER (WHERE k.id IS NULL),
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM callbacks_callback b WHERE b.case_id = c.case_id)),
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM journal j WHERE j.case_id = c.case_id AND j.verb = 'case.opened')),
       count(*) FILTER (WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.payload->>'contact_id' = c.id::text)),
       (SELECT count(*) FROM journal WHERE verb = 'case.opened' AND detail->>'kind' = 'contact') - count(*)
  FROM contacts_contact c LEFT JOIN cases_case k ON k.id = c.case_id
"""


@pytest.fixture(scope="module")
def load(live_database):
    """Six patients' pages that send request after request, until told to stop; each answers how many it has sent."""
    unit, stop, sent = make.a_unit(), threading.Event(), []

    def send(patients):
        try:
            for patient in patients:
                if stop.is_set():
                    break
                contacts.receive(patient=patient, by=patient.user, reason="other", message="One of many.")
                sent.append(patient.id)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(patients_of(unit, letter),)) for letter in "ABCDEF"]

    def stopped():
        stop.set()
        for thread in threads:
            thread.join()
        return len(sent)

    yield SimpleNamespace(start=lambda: [thread.start() for thread in threads], sent=sent, stopped=stopped)
    stop.set()


def patients_of(unit, letter):
    """Their codes on the board come from their initials, of which a unit has a hundred each."""
    return [make.a_patient(unit, given_name=letter, family_name=chr(ord("A") + n % 26)) for n in range(EACH)]


@pytest.fixture(scope="module")
def taken(house, load, tmp_path_factory):
    """A backup made while six write, and what was there before it began."""
    file = tmp_path_factory.mktemp("kept") / "clinic.backup"
    patient = make.a_patient(make.a_unit())
    before = make.a_flare(patient, message="Blood again since Friday.", booked=False)
    journal.seal()
    load.start()
    until(lambda: len(load.sent) >= WRITERS, what="the first requests")
    at_least = Contact.objects.count()
    done = house.console("backup", str(file))
    at_most = Contact.objects.count()
    assert load.stopped() > WRITERS
    assert done.returncode == 0, done.stdout + done.stderr
    return SimpleNamespace(file=file, before=before, patient=patient, said=done.stdout, between=(at_least, at_most))


@pytest.fixture
def elsewhere(tmp_path):
    """An empty machine: `elsewhere("restore", FILE)` runs the console there."""
    data = tmp_path / "data"

    def console(*words, **more) -> subprocess.CompletedProcess:
        command = houses.followup(*words, "--data", data)
        environment = houses.surroundings(data) | more
        return subprocess.run(command, cwd=houses.ROOT, env=environment, capture_output=True, text=True)

    console.data = data
    return console


def test_what_was_taken_under_load_is_put_back_whole_and_lives(taken, elsewhere):
    done = elsewhere("restore", taken.file)
    assert done.returncode == 0, done.stdout + done.stderr
    product = houses.build(elsewhere.data, None)
    try:
        house = houses.House(elsewhere.data)
        assert json.loads(requests.get(f"{house.url}/readyz", timeout=30).text)["ready"]
        verdict = house.console("verify-journal")
        assert verdict.returncode == 0, verdict.stdout
        assert requests.get(f"{house.url}/metrics", timeout=30).text.count('upkeep_age_seconds{what="verify"}') == 1
        with psycopg.connect(house.state["database_url"]) as there:
            count, *disagreements = there.execute(AGREE).fetchone()
            assert disagreements == [0, 0, 0, 0, 0]
            assert there.execute("SELECT count(*) FROM django_session").fetchone() == (0,)
            assert there.execute("SELECT count(*) FROM journal WHERE verb LIKE 'system.%'").fetchone() == (2,)
        assert taken.between[0] <= count <= taken.between[1]
        # The request of before the backup is answered for by the product that came back.
        key = house.console("token", taken.patient.user.username).stdout.split()[-1]
        address = f"{house.url}/api/v1/contacts/{taken.before.id}"
        answer = requests.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert answer.json()["message"] == "Blood again since Friday."
        until(lambda: requests.get(address, headers={"Authorization": f"Bearer {key}"}, timeout=30).json()["callback"])
    finally:
        houses.leave(product, elsewhere.data)


def test_the_backup_is_its_owners_alone_and_holds_no_key(taken, house):
    keys = Path(f"{taken.file}.keys")
    assert {path.stat().st_mode & 0o077 for path in (taken.file, keys)} == {0}
    assert json.loads(keys.read_text()) == {name: house.state[name] for name in ("secret_key", "journal_key")}
    with zipfile.ZipFile(taken.file) as archive:
        assert archive.namelist() == ["database.dump", "manifest.json"]
        said = archive.read("manifest.json").decode()
    assert not [key for key in json.loads(keys.read_text()).values() if key in said]


def test_a_backup_overwrites_nothing_and_a_folder_gets_one_named_for_its_moment(taken, house, tmp_path):
    again = house.console("backup", str(taken.file))
    assert again.returncode == 1
    assert "is there already" in again.stderr
    assert house.console("backup", str(tmp_path), "--no-keys").returncode == 0
    (made,) = tmp_path.iterdir()
    assert made.suffix == ".backup"
    # The administrator's page says when there was last a whole one, and how large.
    assert upkeep.last()["backup"].detail["bytes"] == made.stat().st_size


def test_a_folder_with_anything_in_it_is_left_alone(taken, elsewhere):
    elsewhere.data.mkdir()
    (elsewhere.data / "letter").write_text("mine")
    done = elsewhere("restore", taken.file)
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [path.name for path in elsewhere.data.iterdir()] == ["letter"]


def changed(taken, folder, **manifest) -> Path:
    """The backup with other words in its manifest, and its keys beside it."""
    file = folder / "changed.backup"
    with zipfile.ZipFile(taken.file) as old, zipfile.ZipFile(file, "w") as new:
        new.writestr("database.dump", old.read("database.dump"))
        new.writestr("manifest.json", json.dumps(json.loads(old.read("manifest.json")) | manifest))
    shutil.copy(f"{taken.file}.keys", f"{file}.keys")
    return file


REFUSED = {
    "made by a later version": ({"version": "99.0"}, "newer than this one"),
    "with tables nobody knows yet": ({"migrations": [["core", "0099_from_the_future"]]}, "core.0099_from_the_future"),
    "in another form": ({"format": 2}, "of form 2"),
    "damaged": ({"sha256": "0" * 64}, "damaged"),
    "under another key": ({"keys": {"secret_key": "0" * 16, "journal_key": "0" * 16}}, "is not the key"),
    "with a row too few": ({"rows": {"journal": 1}}, "Not every row came back"),
}


@pytest.mark.parametrize(("manifest", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_put_back_is_refused_and_leaves_nothing_behind(taken, elsewhere, tmp_path, manifest, words):
    done = elsewhere("restore", changed(taken, tmp_path, **manifest))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not elsewhere.data.exists() or not any(elsewhere.data.iterdir())


def test_any_other_file_is_refused_plainly(elsewhere, tmp_path):
    (tmp_path / "letter").write_text("Dear clinic")
    for name in ("letter", "nothing"):
        done = elsewhere("restore", tmp_path / name)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_keys_may_come_from_the_environment_and_are_asked_for_when_they_are_nowhere(taken, elsewhere, house, tmp_path):
    alone = tmp_path / "alone.backup"
    shutil.copy(taken.file, alone)
    done = elsewhere("restore", alone)
    assert done.returncode == 1
    assert "FOLLOWUP_SECRET_KEY is needed" in done.stderr
    keys = {f"FOLLOWUP_{name.upper()}": house.state[name] for name in ("secret_key", "journal_key")}
    assert elsewhere("restore", alone, **keys).returncode == 0
    assert not any(house.state[name] in (elsewhere.data / "state.json").read_text() for name in ("journal_key",))


def test_with_lost_keys_the_data_comes_back_and_the_journal_says_that_it_cannot_be_verified(taken, elsewhere, tmp_path):
    alone = tmp_path / "alone.backup"
    shutil.copy(taken.file, alone)
    done = elsewhere("restore", alone, "--new-keys")
    assert done.returncode == 0, done.stderr
    assert "The journal is not as it was sealed" in done.stdout


def test_a_folder_that_was_only_half_filled_is_not_started(elsewhere):
    elsewhere.data.mkdir()
    (elsewhere.data / "restoring").touch()
    done = elsewhere("up", "--empty", "--port", "0")
    assert done.returncode == 1
    assert "did not get to its end" in done.stdout
