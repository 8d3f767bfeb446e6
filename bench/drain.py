"""A1, A2: many empty the queue at once; some walk away, some are killed. Then the journal and the rows are asked what happened.

Two calls of one patient lie side by side in the queue, so that the rule "one nurse at a time" is met all the time.
"""

import gc
import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import connection, connections

from bench import fill
from bench.rates import fork, raw_connection
from bench.report import Report
from followup.callbacks import services as callbacks
from followup.callbacks.models import OPEN, Callback
from followup.core import clock

LEASE = 2
"""Seconds. Short, so that leases run out by the hundred; the living worker's sweep puts those calls back, and a claim may too."""
PRIORITIES = (2, 2, 3, 3)
WALKS_AWAY, COMES_LATE = 0.01, 0.005
"""How often a nurse opens a call and leaves it; and how often they end it only after their lease has run out."""

# A lease lasts from its line in the journal until the next line of the same call, and never longer than it was given for. The order is
# that of the lines' ids: a line is written while the row is locked, so that for one call, and for one patient, they follow each other.
_HAPPENED = """
WITH lines AS (
    SELECT id, at, verb, actor_id, subject_id AS call, patient_id, lead(id) OVER later AS next_id, lead(at) OVER later AS next_at,
           lead(verb) OVER later AS next_verb, lead(actor_id) OVER later AS next_actor
      FROM journal
     WHERE unit_id = %(unit)s AND verb IN ('callback.claimed', 'callback.lease_ran_out', 'callback.done')
    WINDOW later AS (PARTITION BY subject_id ORDER BY id)
), leases AS (
    SELECT *, at + %(lease)s AS until FROM lines WHERE verb = 'callback.claimed'
), twice AS (
    SELECT count(*) FROM leases
     WHERE next_verb = 'callback.done' AND next_actor <> actor_id
        OR next_verb = 'callback.claimed' AND next_actor <> actor_id AND next_at < until
        OR next_verb = 'callback.lease_ran_out' AND next_at < until
), two_at_once AS (
    SELECT count(*) FROM leases one JOIN leases other ON other.patient_id = one.patient_id AND other.call <> one.call
     WHERE other.id > one.id AND (one.next_id IS NULL OR other.id < one.next_id) AND other.at < one.until
), ends AS (
    SELECT call, count(*) AS ends FROM lines WHERE verb = 'callback.done' GROUP BY call
), lost AS (
    SELECT count(*) FROM callbacks_callback c LEFT JOIN ends ON ends.call = c.id
      LEFT JOIN callbacks_calloutcome o ON o.callback_id = c.id
     WHERE c.unit_id = %(unit)s AND (c.state <> 'done' OR o.id IS NULL OR ends.ends IS DISTINCT FROM 1)
), ran_out AS (
    SELECT count(*) FROM leases WHERE next_verb = 'callback.lease_ran_out' OR next_verb = 'callback.claimed'
)
SELECT twice.count, two_at_once.count, lost.count, ran_out.count FROM twice, two_at_once, lost, ran_out
"""


def happened(unit, lease: timedelta) -> tuple[int, int, int, int]:
    """Calls taken from whoever had them; patients with two live leases at once; calls without exactly one outcome; leases run out."""
    with connection.cursor() as cursor:
        cursor.execute(_HAPPENED, {"unit": unit.id, "lease": lease})
        return cursor.fetchone()


def measure(report: Report, *, calls: int, clients: int, killed: int) -> None:
    """A1."""
    unit = _a_queue(calls)
    took, broken = _drained(unit, clients, killed)
    twice, two_at_once, lost, ran_out = happened(unit, timedelta(seconds=LEASE))
    print(
        f"\n{calls:,} calls drained by {clients} clients, {killed} of them killed, {ran_out} leases run out: {took:.0f} s"
    )
    report.figures["drain"] = {
        "calls": calls,
        "clients": clients,
        "killed": killed,
        "ran_out": ran_out,
        "seconds": took,
    }
    report.goal("A1", "calls claimed by two at once", str(twice), "0", twice == 0)
    report.goal("A1", "patients with two live leases", str(two_at_once), "0", two_at_once == 0)
    report.goal("A1", "calls without exactly one outcome", str(lost), "0", lost == 0)
    report.goal("A1", "leases that ran out meanwhile", str(ran_out), "more than 0", ran_out > 0)
    report.goal("A1", "clients that broke off by themselves", str(broken), "0", broken == 0)
    control(report)


def _a_queue(calls: int):
    """A unit with so many waiting calls; every fourth patient has two."""
    unit = fill.a_unit()
    fill.more_cases(unit, count=calls * 4 // 5)
    fill.second_cases(unit, calls - calls * 4 // 5)
    fill.calls(unit, calls, priorities=PRIORITIES)
    return unit


def _drained(unit, clients: int, killed: int) -> tuple[float, int]:
    """Seconds until nothing is open any more, and how many clients broke off by themselves."""
    nurses = fill.staff(unit, clients + killed)
    newcomers = iter(nurses[clients:])
    count = _open(unit)
    moments = sorted(random.sample(range(count * 9 // 10), killed), reverse=True)
    running = {_start(unit, nurse): nurse for nurse in nurses[:clients]}
    broken, begin = 0, time.perf_counter()
    while running:
        time.sleep(random.uniform(0, 0.1))
        if moments and count - _open(unit) > moments[-1]:
            moments.pop()
            victim = random.choice([child for child in running if child.is_alive()] or [None])
            if victim:
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                # Now their nurse comes back, now somebody else takes the chair and the lease runs out.
                nurse = running.pop(victim)
                running[_start(unit, nurse if len(moments) % 2 else next(newcomers))] = nurse
        for child in [child for child in running if not child.is_alive()]:
            nurse = running.pop(child)
            if child.exitcode and time.perf_counter() - begin < 600:
                broken += 1
                running[_start(unit, nurse)] = nurse
    return time.perf_counter() - begin, broken


def _start(unit, nurse):
    connections.close_all()  # a child must not share it
    gc.collect()
    gc.freeze()
    child = fork.Process(target=_work, args=(unit, nurse))
    child.start()
    return child


def _open(unit) -> int:
    return Callback.objects.filter(unit=unit, state__in=OPEN).count()


def _work(unit, nurse) -> None:
    """A nurse takes calls and ends them until there is none left."""
    settings.FOLLOWUP_LEASE_SECONDS = LEASE
    random.seed()
    while True:
        callback = callbacks.claim_next(by=nurse)
        if callback is None:
            if not _open(unit):
                break
            time.sleep(0.05)  # the others' leases may still run out
            continue
        chance = random.random()
        if chance < WALKS_AWAY + COMES_LATE:
            callbacks.seen(callback, by=nurse)  # else they would be offered it again
            if chance < WALKS_AWAY:
                continue
            time.sleep(LEASE * random.uniform(1, 2))
        try:
            callbacks.finish(callback, by=nurse, outcome="self_care")
        except (callbacks.NotYours, callbacks.AlreadyEnded, callbacks.PatientOnTheLine):
            pass  # late, and somebody else has it, has ended it, or has the patient


def control(report: Report, *, calls: int = 300, clients: int = 8) -> None:
    """The same without the guards: look, then write, and no index that forbids. What counts the faults above must see them here."""
    unit = _a_queue(calls)
    rule = next(each for each in Callback._meta.constraints if each.name == "rung_by_one_nurse")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Callback, rule)
    try:
        nurses = fill.staff(unit, clients)
        together([lambda nurse=nurse: _carelessly(unit, nurse) for nurse in nurses])
        twice, two_at_once, lost, _ran_out = happened(unit, timedelta(seconds=LEASE))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE callbacks_callback CASCADE")
        with connection.schema_editor() as editor:
            editor.add_constraint(Callback, rule)
    seen = f"{twice}, {two_at_once}, {lost}"
    report.goal(
        "A1", "control: the three without the guards", seen, "each more than 0", min(twice, two_at_once, lost) > 0
    )


_LOOK = """
SELECT c.id, c.case_id, c.patient_id FROM callbacks_callback c
 WHERE c.unit_id = %(unit)s AND c.state = 'waiting' AND c.not_before <= %(at)s AND NOT EXISTS
       (SELECT FROM callbacks_callback o WHERE o.patient_id = c.patient_id AND o.state = 'claimed')
 ORDER BY c.priority, c.due, c.arrived_at, c.id LIMIT 1
"""
_LINE = """
INSERT INTO journal (at, verb, actor_kind, actor_id, actor_name, actor_role, unit_id, patient_id, case_id, subject_id, why, detail)
VALUES (%(at)s, %(verb)s, 'person', %(nurse)s, 'Karin Nurse', 'nurse', %(unit)s, %(patient)s, %(case)s, %(call)s, '', '{}')
"""
_OUTCOME = """
INSERT INTO callbacks_calloutcome (id, created_at, callback_id, outcome, also, note, advice, agreed, by_id, at)
VALUES (gen_random_uuid(), %(at)s, %(call)s, 'self_care', '[]', '', '[]', '', %(nurse)s, %(at)s) ON CONFLICT DO NOTHING
"""
_MARK = {
    "callback.claimed": "UPDATE callbacks_callback SET state = 'claimed', claimed_by_id = %(nurse)s, claimed_at = %(at)s,"
    " lease_until = %(until)s, ended_at = NULL WHERE id = %(call)s",
    "callback.done": "UPDATE callbacks_callback SET state = 'done', claimed_by_id = NULL, claimed_at = NULL, lease_until = NULL,"
    " ended_at = %(at)s WHERE id = %(call)s",
}


def _carelessly(unit, nurse) -> None:
    cursor = raw_connection().cursor()
    while True:
        at = clock.now()
        found = cursor.execute(_LOOK, {"unit": unit.id, "at": at}).fetchone()
        if found is None:
            return
        values = dict(zip(("call", "case", "patient"), found, strict=True))
        values |= {"unit": unit.id, "nurse": nurse.id, "until": at + timedelta(seconds=LEASE)}
        for verb, mark in _MARK.items():
            cursor.execute(mark, values | {"at": clock.now()})
            cursor.execute(_LINE, values | {"at": clock.now(), "verb": verb})
        cursor.execute(_OUTCOME, values | {"at": clock.now()})


def together(works: Sequence[Callable[[], None]]) -> None:
    """Each in a process of its own, all at the same moment; until the last has ended."""
    connections.close_all()
    gate = fork.Barrier(len(works))

    def child(work: Callable[[], None]) -> None:
        gate.wait(60)
        work()

    children = [fork.Process(target=child, args=(work,)) for work in works]
    for each in children:
        each.start()
    for each in children:
        each.join()


def order(report: Report, *, calls: int, clients: int) -> None:
    """A2 with several clients that wait for nothing: each takes a call, and the next, until none is left.

    A call's *place* is where it stands in the queue at the beginning, counted from 0; nothing comes in meanwhile. The k-th claim is the
    k-th line in the journal, counted from 0 by id. A claim is *early* by its place less k: so many better calls had not been taken yet.
    Of these, those that another client was just taking (theirs is that client's very next line) were in its hand and not free. What is
    left was free, and was passed over: it must not happen at all, so that nobody is more than n-1 places early.
    """
    unit = fill.a_unit()
    fill.more_cases(unit, count=calls)
    fill.calls(unit, calls)
    # One nurse for each claim: who has a call that they have not opened is offered that one again.
    nurses = fill.staff(unit, calls + clients)
    queue = list(Callback.objects.filter(unit=unit).in_order().values_list("id", "priority"))

    def take_all(mine) -> None:
        for nurse in mine:
            if callbacks.claim_next(by=nurse) is None:
                return

    together([lambda n=n: take_all(nurses[n::clients]) for n in range(clients)])
    client_of = {nurse.id: n % clients for n, nurse in enumerate(nurses)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor_id, subject_id FROM journal WHERE unit_id = %s AND verb = 'callback.claimed' ORDER BY id",
            [unit.id],
        )
        lines = [(client_of[actor], call) for actor, call in cursor.fetchall()]
    early, passed, lower = out_of_order(queue, lines)
    name = f"{clients} clients"
    report.goal("A2", f"claims, {name}", f"{len(lines)}", str(calls), len(lines) == calls)
    report.goal("A2", f"places early at most, {name}", str(early), str(clients - 1), early < clients)
    report.goal("A2", f"free calls passed over, {name}", str(passed), "0", passed == 0)
    report.goal("A2", f"of them for a lower priority, {name}", str(lower), "0", lower == 0)


def out_of_order(queue: Sequence[tuple], lines: Sequence[tuple]) -> tuple[int, int, int]:
    """`queue`: (call, priority) in order; `lines`: (client, call) as claimed. See `order` for the three numbers."""
    place = {call: number for number, (call, _priority) in enumerate(queue)}
    line_of = {call: k for k, (_client, call) in enumerate(lines)}
    following: dict[int, int] = {}
    early = passed = lower = 0
    # From the end: `following` holds each client's next line.
    for k, (client, call) in reversed(list(enumerate(lines))):
        early = max(early, place[call] - k)
        in_hand = {line for other, line in following.items() if other != client}
        for better, priority in itertools.islice(queue, place[call]):
            if line_of.get(better, len(lines)) > k and line_of.get(better) not in in_hand:
                passed += 1
                lower += priority < queue[place[call]][1]
        following[client] = k
    return early, passed, lower
