"""The points at which tests make a process die: each stands in the code, in the list, and nowhere near a clinic."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import transaction

from followup.core import crash, journal
from tests import factories as make
from tests.rooms import Rooms

ROOT = Path(__file__).resolve().parents[2]
USES = re.compile(r'(?:crash\.(commit|at)\(|point=)"([\w.:]+)"')
POINTED = {
    "followup.core.crash.at",
    "followup.core.crash.commit",
    "followup.core.journal.write",
    "followup.core.statement.insist",
    "followup.core.statement.run",
}
"""What comes to a point: by its name, by the line in the journal that a verb leaves, or in the one statement of a hot verb."""


def run(code: str, data: Path, **environment: str) -> subprocess.CompletedProcess:
    settings = {"FOLLOWUP_TESTING": "1", "FOLLOWUP_DATA": str(data), "DJANGO_SETTINGS_MODULE": "followup.settings"}
    (data / "run").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); from followup.core import crash; {code}"],
        env={"PATH": os.environ["PATH"]} | settings | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_every_point_of_the_list_stands_in_the_code_and_the_other_way_round():
    found = set()
    for file in [*(ROOT / "followup").rglob("*.py"), *(ROOT / "api").rglob("*.py")]:
        for how, what in USES.findall(file.read_text()):
            found |= {what} if how == "at" else {f"before_commit:{what}", f"after_commit:{what}"}
    assert found == set(crash.POINTS)


# Transactions that nobody needs to die in: what each would leave undone.
WITHOUT = {
    "followup.callbacks.services.seen": "a mark that the page was opened",
    "followup.cases.services._with_a_code_of_its_own": "a part of the transaction that opens a case",
    "followup.core.journal.seals._settled_bound": "nothing: it reads under a lock",
    "followup.health.readyz": "nothing: it asks whether the database answers",
    "followup.people.services.add_patients": "a part of the transaction that imports a file",
}


def test_every_transaction_of_the_rooms_comes_to_a_point():
    house = Rooms(ROOT)
    assert len(house.transactions) > 100
    assert {each for each in house.transactions if not house.leads_to(POINTED, each)} == set(WITHOUT)


def test_the_page_of_the_reference_is_up_to_date():
    assert (ROOT / "docs" / "reference" / "crash-points.md").read_text() == crash.page()


def test_the_process_that_comes_there_dies_and_its_successor_goes_on(tmp_path):
    point = "after_send:messages.send"
    code = f"crash.at('{point}'); print('alive')"
    assert run(code, tmp_path, FOLLOWUP_CRASH_AT=point).returncode == -signal.SIGKILL
    assert run(code, tmp_path, FOLLOWUP_CRASH_AT=point).stdout == "alive\n"


def test_the_point_may_stand_in_a_file_that_is_written_while_the_product_runs(tmp_path):
    named, code = tmp_path / "crash", "crash.at('before_send:messages.send'); print('alive')"
    for written, ends in [(None, 0), ("after_send:messages.send", 0), ("before_send:messages.send", -signal.SIGKILL)]:
        if written:
            named.write_text(written)
        assert run(code, tmp_path, FOLLOWUP_CRASH_AT=f"@{named}").returncode == ends


def test_a_process_may_be_told_to_stop_there_until_it_is_woken(tmp_path):
    (tmp_path / "run").mkdir()
    code = "import django; django.setup(); from followup.core import crash; crash.at('after_send:messages.send')"
    settings = {"FOLLOWUP_TESTING": "1", "FOLLOWUP_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "followup.settings"}
    settings["FOLLOWUP_CRASH_AT"] = "halt:after_send:messages.send"
    process = subprocess.Popen([sys.executable, "-c", code], env={"PATH": os.environ["PATH"]} | settings, cwd=ROOT)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    process.send_signal(signal.SIGCONT)
    assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"FOLLOWUP_CRASH_AT": "after_commit:messages.dream"}, "FOLLOWUP_CRASH_AT names no crash point"),
        ({"FOLLOWUP_CRASH_AT": "after_send:journal.callback.dialled"}, "FOLLOWUP_CRASH_AT names no crash point"),
        (
            {"FOLLOWUP_CRASH_AT": "after_commit:messages.claim", "FOLLOWUP_TESTING": "0"},
            "FOLLOWUP_CLOCK_FILE and FOLLOWUP_CRASH_AT belong to tests",
        ),
    ],
)
def test_a_point_that_does_not_exist_and_one_in_a_clinic_stop_the_start(tmp_path, environment, sentence):
    done = run("print('started')", tmp_path, **environment)
    assert done.returncode == 1
    assert sentence in done.stderr


@pytest.mark.django_db
def test_after_commit_is_after_the_outermost_commit(settings, monkeypatch, django_capture_on_commit_callbacks):
    settings.FOLLOWUP_CRASH_AT, come_to = "after_send:messages.send", []
    monkeypatch.setattr(crash, "at", come_to.append)
    with django_capture_on_commit_callbacks(execute=True):
        with transaction.atomic():
            crash.commit("clinic.hold")
        assert come_to == ["before_commit:clinic.hold"]
    assert come_to == ["before_commit:clinic.hold", "after_commit:clinic.hold"]


@pytest.mark.django_db
def test_the_line_that_a_verb_leaves_in_the_journal_names_the_points_of_its_transaction(
    settings, monkeypatch, django_capture_on_commit_callbacks
):
    settings.FOLLOWUP_CRASH_AT, come_to = "after_commit:journal.token.made", []
    monkeypatch.setattr(crash, "at", come_to.append)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        journal.write("token.made", by=make.TESTS)
    assert come_to == ["before_commit:journal.token.made", "after_commit:journal.token.made"]
    assert all(map(crash.exists, come_to))
