"""The compose file cannot be run everywhere; what it promises can be read everywhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from followup.running.parts import PARTS

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "followup"}


def test_our_processes_use_the_entry_points_of_the_console():
    commands = {name: service["command"] for name, service in OURS.items() if name != "keys"}
    assert commands.pop("migrate") == ["followup", "prepare"]
    assert commands == {name: ["followup", "run", name] for name in ("web", "worker", "beat")}
    assert set(commands) < set(PARTS)


def test_nothing_runs_as_root():
    stages = re.split(r"^FROM ", (ROOT / "docker" / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert re.search(r"^USER followup$", stages[-1], re.MULTILINE)
    for name, service in SERVICES.items():
        assert name in OURS or service["user"] not in ("root", "0"), name


def test_every_setting_named_is_one_that_the_settings_read():
    known = (ROOT / "followup" / "settings.py").read_text() + (ROOT / "followup" / "running" / "parts.py").read_text()
    for service in OURS.values():
        for name in service["environment"]:
            assert f'"{name.removesuffix("_FILE")}"' in known, name


def test_keys_are_made_once(tmp_path):
    command = [sys.executable, ROOT / "docker" / "keys.py", tmp_path]
    subprocess.run(command, check=True)
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    subprocess.run(command, check=True)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == made
    assert set(made) == {"secret_key", "journal_key", "database_password", "database_url"}
    assert made["database_password"] in made["database_url"]


@pytest.mark.parametrize("name", ["web", "worker", "beat", "postgres", "redis"])
def test_every_lasting_service_says_whether_it_is_well(name):
    assert SERVICES[name]["healthcheck"]["test"]
