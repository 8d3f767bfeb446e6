"""A wrong setting stops the start with one plain sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

WRONG = [
    ({"FOLLOWUP_SWEEP_SECONDS": "soon"}, "FOLLOWUP_SWEEP_SECONDS should be a number of seconds"),
    ({"FOLLOWUP_LEASE_SECONDS": "0.5"}, "FOLLOWUP_LEASE_SECONDS should be between one second and a week"),
    ({"FOLLOWUP_RETRY_SECONDS": "nan"}, "FOLLOWUP_RETRY_SECONDS should be between one second and a week"),
    ({"FOLLOWUP_DEMO": "perhaps"}, "FOLLOWUP_DEMO should be yes or no"),
    ({"FOLLOWUP_MLLP_PORT": "70000"}, "FOLLOWUP_MLLP_PORT should be a port number"),
    ({"DATABASE_URL": "mysql://here/there"}, "DATABASE_URL should be an address that begins with postgresql://"),
    ({"REDIS_URL": "redis://host:port"}, "REDIS_URL should be an address"),
    ({"FOLLOWUP_SECRET_KEY": "short"}, "FOLLOWUP_SECRET_KEY should be at least 32 characters"),
    ({"FOLLOWUP_SECRET_KEY_FILE": "/not/there"}, "FOLLOWUP_SECRET_KEY_FILE names /not/there"),
    ({"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN belong together"),
    ({"FOLLOWUP_CLOCK_FILE": "clock"}, "need FOLLOWUP_TESTING=1"),
    ({"FOLLOWUP_TESTING": "1", "FOLLOWUP_PUBLIC_URL": "https://clinic.example"}, "FOLLOWUP_TESTING=1 is for tests"),
    ({"FOLLOWUP_LOG_LEVEL": "loud"}, "FOLLOWUP_LOG_LEVEL should be one of"),
]


@pytest.mark.parametrize(("environment", "sentence"), WRONG, ids=lambda value: "".join(value) if value else "")
def test_a_wrong_value_stops_the_start_with_a_plain_sentence(environment, sentence, tmp_path):
    done = settings("print('started')", environment, tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_may_stand_in_a_file(tmp_path):
    key = "k" * 40
    (tmp_path / "key").write_text(f"{key}\n")
    done = settings("print(s.SECRET_KEY)", {"FOLLOWUP_SECRET_KEY_FILE": str(tmp_path / "key")}, tmp_path)
    assert done.stdout.strip() == key


def test_a_password_in_an_address_is_not_repeated_in_the_complaint(tmp_path):
    done = settings("", {"REDIS_URL": "http://:hunter2@host/0"}, tmp_path)
    assert done.returncode == 1
    assert "hunter2" not in done.stderr


def test_an_address_with_signs_in_the_password_is_read_right(tmp_path):
    url = "postgresql://anna%40clinic:p%2Fw@db:5433/follow?sslmode=require"
    show = "d = s.DATABASES['default']; print(d['USER'], d['PASSWORD'], d['PORT'], d['NAME'], d['OPTIONS']['sslmode'])"
    assert settings(show, {"DATABASE_URL": url}, tmp_path).stdout.split() == [
        "anna@clinic",
        "p/w",
        "5433",
        "follow",
        "require",
    ]


def settings(code: str, environment: dict[str, str], data) -> subprocess.CompletedProcess:
    bare = {"PATH": os.environ["PATH"], "FOLLOWUP_DATA": str(data)}
    return subprocess.run(
        [sys.executable, "-c", f"import followup.settings as s; {code}"],
        env=bare | environment,
        capture_output=True,
        text=True,
    )


LIVE = {
    "FOLLOWUP_PUBLIC_URL": "https://clinic.example",
    "FOLLOWUP_SECRET_KEY": "a-key-of-a-clinic-with-many-different-signs-0123456789",
    "FOLLOWUP_JOURNAL_KEY": "another-key-of-a-clinic-with-many-signs-0123456789",
    "DATABASE_URL": "postgresql://followup:pw@db/followup",
    "REDIS_URL": "redis://redis:6379/0",
}
NOT_LIVE = [
    ({"FOLLOWUP_PUBLIC_URL": "http://clinic.example"}, "security.W008"),
    ({"FOLLOWUP_HSTS_SUBDOMAINS": "no"}, "security.W005"),
    ({"FOLLOWUP_SECRET_KEY": "a" * 60}, "security.W009"),
    ({"FOLLOWUP_PUBLIC_URL": "http://clinic.example", "FOLLOWUP_TESTING": "1"}, "followup.E001"),
    ({"FOLLOWUP_DEMO": "1"}, "followup.E002"),
    ({"FOLLOWUP_STAFF_MFA": "no"}, "followup.W001"),
]


def deploy_check(environment: dict[str, str], data) -> subprocess.CompletedProcess:
    bare = {"PATH": os.environ["PATH"], "FOLLOWUP_DATA": str(data)}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=bare | environment, capture_output=True, text=True)


def test_a_clinic_behind_https_has_nothing_to_put_right(tmp_path):
    done = deploy_check(LIVE, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(("environment", "named"), NOT_LIVE, ids=[named for _, named in NOT_LIVE])
def test_what_is_not_ready_for_patients_is_named(environment, named, tmp_path):
    done = deploy_check(LIVE | environment, tmp_path)
    assert done.returncode == 1
    assert named in done.stderr
