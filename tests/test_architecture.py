"""The import rule of the house: only downwards, never sideways. Seen to fail where it is broken."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("followup", "api", "worker"):
        ignore = shutil.ignore_patterns("__pycache__", "static", "locale", "migrations")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def look(at: Path) -> subprocess.CompletedProcess:
    code = "import sys; sys.path.insert(0, ''); from importlinter.cli import lint_imports_command as c; c()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=at,
        env=os.environ | {"PYTHONPATH": str(at)},
        capture_output=True,
        text=True,
    )


def test_the_house_keeps_its_own_rule(copy):
    done = look(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("room", "imports"),
    [
        ("followup/core", "followup.cases"),
        ("followup/people", "followup.contacts"),
        ("followup/callbacks", "followup.clinic"),
        ("followup/portal", "followup.desk"),
        ("followup/contacts", "worker"),
        ("worker", "api"),
        ("followup/messages", "followup.settings"),
    ],
)
def test_a_planted_import_upwards_or_sideways_is_found(copy, room, imports):
    (copy / room / "planted.py").write_text(f"import {imports}  # noqa\n")
    done = look(copy)
    assert done.returncode == 1
    assert f"{room.replace('/', '.')}.planted" in done.stdout
