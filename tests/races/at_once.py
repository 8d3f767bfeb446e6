"""Many at once: each act in a thread with a database connection of its own, all let go at the same moment."""

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from django.db import connection

from tests.house import until

ROW_LOCK = re.compile(r'FOR (NO KEY )?UPDATE( OF [\w".]+)?( SKIP LOCKED)?')


def at_once(acts: Sequence[Callable[[], object]], *, meet: str = "", locked: bool = True) -> list[object]:
    """What each act returned, or the exception it raised, in order.

    `meet`: a piece of SQL before which they wait for each other, so that whatever can happen between a look and the write that follows
    does happen. Then they go on in the order in which they stand here. A meeting to which nobody comes tells nothing, and fails.
    `locked=False` is for controls: rows are read and not locked.
    """
    gate, meeting = threading.Barrier(len(acts)), Meeting(len(acts), meet)

    def run(place_and_act):
        place, act = place_and_act
        try:
            with ExitStack() as watched:
                connection.ensure_connection()
                if not locked:
                    watched.enter_context(connection.execute_wrapper(without_locks))
                if meet:
                    watched.enter_context(meeting.attended_by(place))
                gate.wait(timeout=20)
                return act()
        except Exception as error:
            return error
        finally:
            meeting.over.add(place)
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        said = list(threads.map(run, enumerate(acts)))
    assert meeting.there or not meet, f"nobody came to {meet}: {said}"
    return said


def without_locks(execute, sql, params, many, context):
    return execute(ROW_LOCK.sub("", str(sql)), params, many, context)


class Meeting:
    """Whoever comes to the statement waits there until all others stand there too, have ended, or wait for a lock that one of us holds."""

    def __init__(self, number: int, statement: str):
        self.places, self.statement = range(number), statement
        self.sessions: dict[int, int] = {}
        self.there: set[int] = set()
        self.over: set[int] = set()

    def attended_by(self, place: int):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.sessions[place] = cursor.fetchone()[0]

        def before(execute, sql, params, many, context):
            if self.statement in str(sql) and place not in self.there:
                self.there.add(place)
                until(lambda: self.may_go_on(place), what="the meeting")
            return execute(sql, params, many, context)

        return connection.execute_wrapper(before)

    def may_go_on(self, place: int) -> bool:
        cannot = self.over | self.held_up()
        return cannot.issuperset(self.places[:place]) and (cannot | self.there).issuperset(self.places)

    def held_up(self) -> set[int]:
        with connection.cursor() as cursor:
            sessions = list(self.sessions.values())
            cursor.execute(
                "SELECT pid FROM pg_locks WHERE NOT granted AND pid = ANY(%s) AND pg_blocking_pids(pid) && %s::int[]",
                [sessions, sessions],
            )
            waiting = {pid for (pid,) in cursor.fetchall()}
        return {place for place, pid in self.sessions.items() if pid in waiting}
