"""What a clinic wrote with the version before this one is all there with this one, and goes on.

`upgrade/VERSION.backup` was made by that version itself; upgrade/README.md says how.
"""

import json
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from tests import house as houses

KEPT = sorted((Path(__file__).parent / "upgrade").glob("*.backup"))
GROWS = {"journal", "django_migrations", "django_content_type", "auth_permission"}
"""Being put back is a line in the journal; a newer version has more migrations and tables."""


@pytest.mark.parametrize("backup", KEPT, ids=[path.stem for path in KEPT])
def test_what_the_version_before_wrote_is_all_there_and_goes_on(backup, tmp_path):
    manifest = json.loads(zipfile.ZipFile(backup).read("manifest.json"))
    data, clock = tmp_path / "data", tmp_path / "clock"
    # It is the morning after, whenever this is run: what was to come is still to come.
    morning = datetime.fromisoformat(manifest["made_at"]).replace(hour=9, minute=0)
    clock.write_text(str((morning - datetime.now(UTC)).total_seconds()))  # noqa: TID251  the real time is what is turned
    then = {"FOLLOWUP_CLOCK_FILE": str(clock)}

    command = houses.followup("restore", backup, "--data", data)
    done = subprocess.run(
        command, cwd=houses.ROOT, env=houses.surroundings(data) | then, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr

    everything_is_there(data, manifest["rows"], then)
    product = houses.build(data, None, then)
    try:
        house = houses.House(data)
        assert requests.get(f"{house.url}/readyz", timeout=30).json()["ready"]
        somebody_gets_in_touch_and_is_rung(house)
        verdict = house.console("verify-journal")
        assert verdict.returncode == 0, verdict.stdout
        assert json.loads(verdict.stdout)["entries"] > manifest["rows"]["journal"]
    finally:
        houses.leave(product, data)


def everything_is_there(data, rows, then):
    """Every table has the rows that the older version counted, before anybody goes on."""
    servers = houses.build(data, ["postgres"], then)
    try:
        with psycopg.connect(houses.House(data).state["database_url"]) as database:
            for table, count in rows.items():
                (there,) = database.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
                assert there >= count if table in GROWS else there == count, table
            assert database.execute("SELECT count(*) FROM journal WHERE verb = 'system.restored'").fetchone() == (1,)
    finally:
        servers.terminate()
        servers.wait(60)


def somebody_gets_in_touch_and_is_rung(house):
    """A patient of before feels worse; a nurse of before rings the queue down until it is their turn."""
    patient, nurse = caller(house, somebody_well(house)), caller(house, "nurse1")
    sent = patient("contacts", {"reason": "flare", "message": "Again since the upgrade.", "answers": {"red_flags": []}})
    assert sent.status_code == 201, sent.text
    for _ in range(30):
        taken = nurse("callbacks/claim")
        assert taken.status_code == 200, taken.text
        call = taken.json()
        nurse(f"callbacks/{call['id']}/dial").raise_for_status()
        ended = nurse(f"callbacks/{call['id']}/outcome", {"outcome": "all_well", "note": "All is well."})
        assert ended.ok, ended.text
        if call["contact"]["id"] == sent.json()["id"]:
            break
    else:
        pytest.fail("nobody rang who got in touch")
    now = requests.get(f"{house.url}/api/v1/contacts/{sent.json()['id']}", headers=patient.headers, timeout=30).json()
    assert now["case"]["step"] == "closed"


def somebody_well(house):
    """The user name of a patient without an open case."""
    with psycopg.connect(house.state["database_url"]) as database:
        query = """
            SELECT u.username FROM people_patient p JOIN people_user u ON u.id = p.user_id
             WHERE NOT EXISTS (SELECT FROM cases_case c WHERE c.patient_id = p.id AND c.closed IS NULL)
             ORDER BY u.username LIMIT 1"""
        return database.execute(query).fetchone()[0]


def caller(house, username):
    """`caller(house, "nurse1")("callbacks/claim")` posts as that person."""
    key = house.console("token", username).stdout.split()[-1]

    def post(path, body=None):
        return requests.post(f"{house.url}/api/v1/{path}", json=body or {}, headers=post.headers, timeout=30)

    post.headers = {"Authorization": f"Bearer {key}"}
    return post
