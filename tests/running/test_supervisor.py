"""The supervisor at work, with real processes."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psycopg
import pytest

from tests.house import ROOT, House, build, followup, surroundings, until

NAMES = ["postgres", "redis", "web", "worker", "beat"]


def test_everything_runs_and_is_well(product):
    rows = product.status()
    assert [row["name"] for row in rows] == NAMES
    assert all(row["healthy"] for row in rows)
    assert rows[2]["port"] == int(product.url.rpartition(":")[2])


def test_an_answer_is_kept_by_no_cache_and_what_was_asked_by_no_log(product):
    with urllib.request.urlopen(f"{product.url}/livez?name=Annastina") as answer:
        assert answer.headers["Cache-Control"] == "no-store, private"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    until(lambda: '"route": "livez"' in product.log("web"), what="the line in the log")
    assert "Annastina" not in product.log("web")


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_part_is_back_within_five_seconds(product, name):
    killed = product.kill(name)
    until(lambda: product.pid(name) not in (None, killed), within=5, what=f"{name} coming back")
    until(lambda: all(row["healthy"] for row in product.status()), within=30, what="everything being well again")


def test_a_part_whose_log_cannot_be_opened_is_brought_back_all_the_same(servers):
    log = servers.data / "logs" / "redis.log"
    log.unlink()
    log.mkdir()
    killed = servers.kill("redis")
    until(lambda: servers.pid("redis") not in (None, killed), within=5, what="redis coming back without a log")
    assert servers.pid("supervisor")


def test_a_halted_part_shows_in_the_status(product):
    with product.stopped("beat"):
        done = product.console("status")
        assert done.returncode == 1
        assert [row["name"] for row in product.status() if not row["healthy"]] == ["beat"]


def test_sigterm_stops_every_child_and_leaves_none_behind(product):
    pids = [product.pid(name) for name in NAMES]
    pool = children_of(product.pid("worker"))
    assert pool
    product.process.send_signal(signal.SIGTERM)
    assert product.process.wait(30) == 0
    assert [pid for pid in [*pids, *pool] if is_there(pid)] == []


def test_a_second_start_on_the_same_folder_is_refused(servers):
    again = servers.console("up", "--empty", "--port", "0")
    assert again.returncode == 1
    assert "already running" in again.stdout
    assert "Traceback" not in again.stdout + again.stderr


START = """
import sys
from pathlib import Path
from followup.running import pidfile, supervisor
{guard_away}
print("ready", flush=True)
sys.stdin.readline()
sys.exit(supervisor.up(Path(sys.argv[1]), port=0, demo=False, only=["redis"]))
"""
WITHOUT_ITS_LOCK = "pidfile.claim = lambda path: None"


@contextlib.contextmanager
def two_about_to_start(data, guard_away=""):
    """Two that have come as far as the start itself, and wait for a word."""
    command = [sys.executable, "-c", START.format(guard_away=guard_away), str(data)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    two = [subprocess.Popen(command, cwd=ROOT, env=surroundings(data), **pipes) for _ in range(2)]
    try:
        assert [next(each.stdout) for each in two] == ["ready\n"] * 2
        yield two
    finally:
        for each in two:
            each.terminate()
        for each in two:
            each.wait(30)


def let_go(*processes):
    for each in processes:
        each.stdin.write("\n")
        each.stdin.flush()


def until_it_runs(process):
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Running: redis"):
            return
    pytest.fail(f"It did not start: {said}")


@pytest.mark.parametrize("time", range(3))
def test_of_two_that_start_at_the_same_moment_one_runs_and_the_other_says_so(tmp_path, time):
    data = tmp_path / "data"  # which none of them finds there
    with two_about_to_start(data) as two:
        let_go(*two)
        until(lambda: [each for each in two if each.poll() is not None], within=30, what="one of them giving up")
        [refused], [runs] = ([each for each in two if (each.poll() is None) == alive] for alive in (False, True))
        said = refused.stdout.read()
        assert refused.returncode == 1
        assert "already running" in said
        assert "Traceback" not in said
        until_it_runs(runs)
        assert House(data).pid("supervisor") == runs.pid


def test_without_its_lock_a_second_start_ends_what_the_first_one_runs(tmp_path):
    """The control: the second takes the servers of the first for leftovers of a supervisor that was killed."""
    data = tmp_path / "data"
    with two_about_to_start(data, WITHOUT_ITS_LOCK) as (first, second):
        let_go(first)
        until_it_runs(first)
        server = House(data).pid("redis")
        let_go(second)
        until(lambda: not is_there(server), within=30, what="the server of the first being ended")
        assert first.poll() is None


def test_a_killed_supervisor_takes_its_children_along_and_the_next_start_finds_the_data(servers):
    with connected(servers) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('still here')")
    servers.kill("supervisor")
    until(lambda: not (servers.pid("postgres") or servers.pid("redis")), what="the children ending")
    servers.process = build(servers.data, ["postgres", "redis"])
    with connected(servers) as connection:
        assert connection.execute("select word from kept").fetchone() == ("still here",)


def test_the_house_of_a_test_run_that_is_killed_ends_too(tmp_path):
    code = "import sys, time; from pathlib import Path; from tests import house\n"
    code += "house.build(Path(sys.argv[1]), ['redis']); print('up', flush=True); time.sleep(60)"
    run = subprocess.Popen([sys.executable, "-c", code, tmp_path / "data"], cwd=ROOT, stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"up\n"
    run.kill()
    run.wait()
    house = House(tmp_path / "data")
    until(lambda: not (house.pid("supervisor") or house.pid("redis")), what="the house ending")


def test_a_folder_that_began_empty_gets_no_demonstration(servers):
    servers.console("down")
    command = followup("up", "--port", "0", "--data", servers.data, "--only", "redis")
    process = subprocess.Popen(command, cwd=ROOT, env=surroundings(servers.data), stdout=subprocess.PIPE, text=True)
    try:
        said = [next(process.stdout) for _ in range(3)]
    finally:
        process.terminate()
        process.wait(30)
    assert "This folder began without the demonstration clinic" in said[0]
    assert servers.state["demo"] is False


def test_down_stops_what_runs_and_says_so_when_nothing_does(servers):
    assert servers.console("down").returncode == 0
    assert servers.process.wait(5) == 0
    assert "Nothing is running" in servers.console("down").stdout


def test_a_port_in_use_is_said_plainly(servers, tmp_path):
    taken = str(servers.state["ports"]["postgres"])
    command = followup("up", "--empty", "--port", taken, "--data", tmp_path / "other")
    done = subprocess.run(
        command, env=surroundings(tmp_path / "other"), cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert f"Port {taken} is in use" in done.stdout


def test_keys_and_passwords_are_kept_from_other_users_and_from_the_command_line(servers):
    state = servers.state
    assert (servers.data / "state.json").stat().st_mode & 0o077 == 0
    assert servers.data.stat().st_mode & 0o066 == 0
    for name in ("postgres", "redis"):
        words = Path(f"/proc/{servers.pid(name)}/cmdline").read_text()
        assert state["postgres_password"] not in words
        assert state["redis_password"] not in words


def test_a_process_without_its_keys_does_not_start(tmp_path):
    environment = surroundings(tmp_path) | {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://redis/0"}
    done = subprocess.run(followup("run", "web"), env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "FOLLOWUP_SECRET_KEY and FOLLOWUP_JOURNAL_KEY must be set" in done.stderr


def connected(house):
    return psycopg.connect(house.state["database_url"], autocommit=True)


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
