"""The board follows what other processes do: within a second by announcement, within a few without Redis."""

import contextlib
import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.db import connection

from followup.core import announce
from followup.people import services as people
from tests import factories as make
from tests.factories import TESTS
from tests.house import until


class Board:
    """An open stream: what it was told so far."""

    def __init__(self, url: str, key: str, kind: str = "contact"):
        house = urlsplit(url)
        self.link = http.client.HTTPConnection(house.hostname, house.port, timeout=60)
        self.link.connect()
        self.socket = self.link.sock
        self.link.request("GET", f"/api/v1/board/stream?kind={kind}", headers={"Authorization": f"Bearer {key}"})
        self.answer = self.link.getresponse()
        self.told: queue.Queue[tuple[str, dict]] = queue.Queue()
        self.ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        kind = ""
        while line := self.answer.readline().decode():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ").strip()
            elif line.startswith("data: "):
                self.told.put((kind, json.loads(line.removeprefix("data: "))))
        self.ended.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.ended.wait(5)
        self.link.close()

    def next(self, kind: str, within: float, fits: Callable[[dict], bool] = lambda said: True) -> dict:
        """The next event of this kind that fits, within so many seconds."""
        limit = time.monotonic() + within
        while (rest := limit - time.monotonic()) > 0:
            try:
                told, said = self.told.get(timeout=rest)
            except queue.Empty:
                break
            if told == kind and fits(said):
                return said
        pytest.fail(f"no {kind} within {within:g} s")


@pytest.fixture
def open_board(house) -> Iterator[Callable[[str], Board]]:
    boards = []

    def opened(key: str) -> Board:
        board = Board(house.url, key)
        boards.append(board)
        assert board.answer.status == 200
        assert board.answer.headers["Content-Type"].startswith("text/event-stream")
        assert board.answer.headers["X-Accel-Buffering"] == "no"
        board.next("ping", within=5)
        return board

    yield opened
    for board in boards:
        board.close()


@pytest.fixture
def key(unit) -> str:
    return people.new_token(user=make.a_nurse(unit), by=TESTS)


def at_step(step: str) -> Callable[[dict], bool]:
    return lambda said: said["step"] == step


def test_a_change_in_another_process_is_seen_within_a_second(unit, key, open_board):
    # A test before this one may have taken Redis away: this process tries it again after a rest.
    until(lambda: announce._patience.rested, within=5, what="a rest")
    board = open_board(key)
    contact = make.a_flare(make.a_patient(unit, given_name="Anna"), booked=False)
    # The worker may book it before the row is read: whichever step is seen first, a case is seen.
    said = board.next("case", within=1, fits=lambda said: said["id"] == str(contact.case_id))
    assert [mark["step"] for mark in said["marks"]][:2] == ["received", "call_booked"]
    assert "Anna" not in json.dumps(said)
    assert "name" not in said
    if said["step"] != "call_booked":
        said = board.next("case", within=10, fits=at_step("call_booked"))
    assert said["id"] == str(contact.case_id)


def test_a_ping_says_how_the_background_processes_are(key, open_board):
    board = open_board(key)
    said = board.next("ping", within=20)
    assert set(said["ages"]) == {"beat", "worker"}
    assert said["as_of"]


def test_without_redis_a_change_takes_a_few_seconds_and_is_not_lost(house, unit, key, open_board):
    board = open_board(key)
    with house.stopped("redis"):
        contact = make.a_flare(make.a_patient(unit), booked=False)
        said = board.next("case", within=5, fits=at_step("received"))
    assert said["id"] == str(contact.case_id)


def test_each_board_hears_of_its_own_unit_only(unit, key, open_board):
    board = open_board(key)
    make.a_flare(make.a_patient(make.a_unit()), booked=False)
    own = make.a_flare(make.a_patient(unit), booked=False)
    said = board.next("case", within=5)
    assert said["id"] == str(own.case_id)


def test_a_stream_ends_within_a_ping_of_its_key_being_revoked(unit, open_board):
    screen = people.add_staff(username=f"wall-{unit.id.hex}", name="Wall", role="wall", unit=unit, by=TESTS)
    board = open_board(people.new_token(user=screen, by=TESTS))
    people.revoke_tokens(user=screen, by=TESTS)
    assert board.ended.wait(20)


def test_open_streams_hold_no_connection_to_the_database(key, open_board):
    def of_the_web() -> int:
        """Connections that wait while no transaction is open: what a stream would hold."""
        with connection.cursor() as cursor:
            cursor.execute(
                "select count(*) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid() and state = 'idle'"
            )
            return cursor.fetchone()[0]

    before = of_the_web()
    for _ in range(12):
        open_board(key)
    until(lambda: of_the_web() < before + 12, within=5, what="the connections given back")
