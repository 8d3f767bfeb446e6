import subprocess
import sys

import pytest

from followup.running import pidfile

CLAIM_AND_EXEC = """
import os, sys
from pathlib import Path
from followup.running import pidfile
pidfile.claim(Path(sys.argv[1]))
os.execvp("sh", ["sh", "-c", "sleep 60 & echo $!; exec cat"])
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run" / "part.pid"


@pytest.fixture
def part(file):
    """A process that claimed the file, became another program and started a child."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM_AND_EXEC, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.child = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    subprocess.run(["kill", str(process.child)], check=True)


def test_the_file_names_its_holder_after_it_became_another_program(part, file):
    assert pidfile.holder(file) == part.pid
    assert file.read_text() == f"{part.pid}\n"


def test_nobody_else_may_claim_it(part, file):
    with pytest.raises(pidfile.AlreadyRunning) as refused:
        pidfile.claim(file)
    assert refused.value.pid == part.pid


def test_it_is_free_as_soon_as_the_holder_is_dead_even_while_its_child_lives(part, file):
    part.kill()
    part.wait()
    assert pidfile.holder(file) is None


def test_a_number_left_in_the_file_is_nobodys(tmp_path):
    file = tmp_path / "part.pid"
    file.write_text("1\n")
    assert pidfile.holder(file) is None
    assert pidfile.holder(tmp_path / "never.pid") is None
