"""What the documents say is tested, is: every test they name is there, and every hazard names one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = {name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}


def named(text: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", text))


@pytest.mark.parametrize("document", ["hazards.md", "asvs.md", "promises.md"])
def test_every_test_that_is_named_is_there(document):
    assert not named((ROOT / "docs" / document).read_text()) - TESTS


def test_every_hazard_has_a_test_that_shows_its_control():
    rows = re.findall(r"^\| (H\d+) .*$", text := (ROOT / "docs" / "hazards.md").read_text(), re.MULTILINE)
    bare = [row for row in text.splitlines() if re.match(r"\| H\d+ ", row) and not named(row)]
    assert not bare
    assert rows == [f"H{number}" for number in range(1, len(rows) + 1)]


def test_every_requirement_that_is_met_says_how():
    """Met means with a test, unless it is met by being written down or is said to be by design."""
    rows = [
        row.strip("| ").split(" | ")
        for row in (ROOT / "docs" / "asvs.md").read_text().splitlines()
        if re.match(r"\| \d", row)
    ]
    assert len(rows) > 60
    assert all(len(row) >= 3 and row[2] for row in rows)


def test_every_file_of_tests_that_the_promises_name_is_there():
    said = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / "promises.md").read_text())
    assert said
    assert not [path for path in said if not (ROOT / path).exists()]
