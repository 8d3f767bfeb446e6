"""Whatever dies: nothing that was answered is lost, nothing is done twice, and the product is back by itself.

Patients and nurses go on all the while, over HTTP, and repeat what was not answered, with the same Idempotency-Key. The selection is one
story through the worst blows; the whole matrix asks for the account after every blow, and holds it to the limits of the design: ready
again within 30 seconds (60 after all at once), everything done within 60 seconds after.
"""

import time

import pytest

from followup.core import crash
from tests.faults import account
from tests.faults.blows import PARTS, POOL
from tests.house import until

PAGES_GO_ON = ("worker", "child", "beat", "redis")

# Verbs by the line that they leave in the journal: what the clinic of the story does, and no named point of its own stands round.
VERBS = (
    "callback.dialled",
    "callback.given_back",
    "callback.no_answer",
    "case.moved",
    "contact.added_to",
    "appointment.released",
    "message.queued",
    "patient.signed_in",
)
POINTS = [
    *crash.POINTS,
    *(f"{when}:journal.{verb}" for verb in VERBS for when in ("before_commit", "after_commit")),
]
AT_WEB = ("contacts.receive", "contacts.finish", "callbacks.claim", "callbacks.note", "outbox.put", "messages.report")
AT_WEB += ("api.answer", *(f"journal.{verb}" for verb in VERBS))
ALSO = {"journal.patient.signed_in": "sign_in", "journal.callback.no_answer": "no_answer"}


def what_of(point: str) -> str:
    return point.partition(":")[2]


# Where a child of the pool comes to; those that hold rows while they stand come last, one of them in each three.
POOLED = [point for point in POINTS if what_of(point) not in AT_WEB]
HOLDING = [point for point in POOLED if point.startswith("before_commit")]
FREE = [point for point in POOLED if point not in HOLDING]
BY_THREE = [(*FREE[n :: len(HOLDING)][:2], point) for n, point in enumerate(HOLDING)]


def come_to(besieged, story, point, within=60):
    """Somebody dies, or stands still, at the point, while patients and nurses do what leads there."""
    story.also |= {ALSO[what_of(point)]} if what_of(point) in ALSO else set()
    besieged.crash_at(point)
    try:
        until(lambda: came(besieged, point), within=within, what=f"somebody coming to {point}")
    finally:
        besieged.crash_no_more()
        story.also.clear()


def came(besieged, point) -> bool:
    """Whether somebody has; what leads to some points is seldom, and is hastened."""
    if besieged.died(point).exists():
        return True
    if "journal.seal" in point:
        besieged.ask_for("core.seal_journal")  # beat does, once a minute
    if "outbox.relay" in point:
        besieged.wipe_redis()  # the worker is not told of what was committed, and the sweeper finds it
    return False


def test_through_the_worst_blows_nothing_is_lost_and_nothing_done_twice(besieged, story, reported):
    """The selection: one story, one blow after the other."""
    began = time.monotonic()
    story.some_more(4)
    besieged.kill_child()
    for point in ("after_commit:messages.claim", "after_send:messages.send", "before_commit:outbox.work"):
        come_to(besieged, story, point)
    besieged.wipe_redis()
    besieged.kill("worker")
    besieged.kill("beat")
    story.some_more(4)
    assert story.unanswered(began) == [], "a page waited for somebody who was dead"
    besieged.kill("redis")
    for point in ("after_commit:contacts.receive", "after_commit:callbacks.claim", "before_commit:contacts.finish"):
        come_to(besieged, story, point)
        until(besieged.ready, within=30, what="pages being served")
    besieged.kill("postgres")
    besieged.is_well(within=60)
    with besieged.halted(besieged.child()):
        story.some_more(4)
    account.settled(story, within=90)
    reported("one story through the worst of them", seconds=round(time.monotonic() - began), **account.of(story))


# The whole matrix


def cell(besieged, story, reported, name, blow, *, ready=30, within=60, pages_go_on=False):
    """Work, the blow in the midst of it, work; then the accounts, when all is done `within` so many seconds."""
    story.some_more(4)
    struck = time.monotonic()
    blow()
    back = besieged.is_well(within=ready)
    missed = story.unanswered(struck)
    story.some_more(4)
    done = account.settled(story, within=within)
    if pages_go_on:
        assert story.unanswered(struck) == []
    looks = [probe[1] for probe in story.told.probes if probe[0] >= struck]
    figures = {"back": round(back, 1), "done": round(done, 1), "looks": len(looks), "missed": len(missed)}
    reported(name, **figures, slowest=round(max(looks, default=0), 1), **account.of(story))


@pytest.mark.whole
@pytest.mark.parametrize("name", [*PARTS, "child"])
def test_a_part_is_killed(besieged, story, reported, name):
    blow = besieged.kill_child if name == "child" else lambda: besieged.kill(name)
    cell(besieged, story, reported, f"kill -9: {name}", blow, pages_go_on=name in PAGES_GO_ON)


@pytest.mark.whole
def test_the_supervisor_is_killed(besieged, story, reported):
    cell(besieged, story, reported, "kill -9: supervisor", besieged.kill_supervisor, ready=60)


@pytest.mark.whole
def test_everything_is_killed_at_once(besieged, story, reported):
    cell(besieged, story, reported, "kill -9: everything at once", besieged.kill_all, ready=60)


@pytest.mark.whole
@pytest.mark.parametrize("point", POINTS)
def test_a_process_dies_at_a_crash_point(besieged, story, reported, point):
    pages_go_on = what_of(point) not in AT_WEB
    cell(
        besieged,
        story,
        reported,
        f"dies at `{point}`",
        lambda: come_to(besieged, story, point),
        pages_go_on=pages_go_on,
    )


@pytest.mark.whole
@pytest.mark.parametrize("point", crash.POINTS)
def test_somebody_stands_at_a_point_while_each_part_is_killed_and_wakes_when_it_is_back(
    besieged, story, reported, point
):
    """The product of the two: they hold what they hold, and find another world when they wake.

    Part after part at each point, not the other way round: one that is killed again and again is brought back ever more slowly.
    """

    def blow():
        for name in [*PARTS, "child", "supervisor"]:
            come_to(besieged, story, f"{crash.HALT}{point}")
            besieged.kill_one(name)
            besieged.wake()
            until(besieged.ready, within=60 if name == "supervisor" else 30, what=f"pages being served without {name}")

    cell(besieged, story, reported, f"each part killed while somebody stands at `{point}`", blow, ready=60)


@pytest.mark.whole
@pytest.mark.parametrize("name", ["worker", "web", "redis", "postgres", "beat"])
def test_a_part_is_halted_for_twenty_seconds_and_wakes(besieged, story, reported, name):
    def blow():
        with besieged.stopped(name):
            time.sleep(20)

    cell(besieged, story, reported, f"SIGSTOP for 20 s: {name}", blow, pages_go_on=name in ("worker", "beat"))


@pytest.mark.whole
@pytest.mark.parametrize("points", BY_THREE, ids=" ".join)
def test_some_of_the_pool_stop_in_the_midst_of_it_and_wake_when_others_have_dealt_with_it(
    besieged, story, reported, points
):
    """A stale lease: what they had claimed was settled, sent or sealed by others meanwhile."""
    assert len(points) < POOL

    def blow():
        for point in points:
            come_to(besieged, story, f"{crash.HALT}{point}", within=90)
        time.sleep(20)
        assert besieged.wake() == len(points)

    cell(
        besieged,
        story,
        reported,
        "SIGSTOP for 20 s at " + ", ".join(f"`{each}`" for each in points),
        blow,
        pages_go_on=True,
    )


def test_every_point_of_the_pool_is_one_where_somebody_stops():
    assert sorted(sum(BY_THREE, ())) == sorted(POOLED)


@pytest.mark.whole
def test_the_worker_is_killed_twenty_times(besieged, story, reported):
    def blow():
        gone = None  # its lock goes a moment after it
        for _ in range(20):
            until(lambda: besieged.pid("worker") not in (None, gone), within=30, what="another worker")  # noqa: B023
            time.sleep(1.5)
            gone = besieged.kill("worker")

    cell(besieged, story, reported, "kill -9: worker, 20 times", blow, pages_go_on=True)


@pytest.mark.whole
def test_redis_is_wiped(besieged, story, reported):
    def blow():
        for _ in range(5):
            besieged.wipe_redis()
            time.sleep(1)

    cell(besieged, story, reported, "Redis wiped, 5 times", blow, pages_go_on=True)


@pytest.mark.whole
@pytest.mark.parametrize(("name", "seconds"), [("redis", 120), ("beat", 25)])
def test_a_part_is_gone_for_long(besieged, story, reported, name, seconds):
    def blow():
        with besieged.without(name):
            time.sleep(seconds)

    cell(besieged, story, reported, f"gone for {seconds} s: {name}", blow, pages_go_on=True)


@pytest.mark.whole
def test_two_beats(besieged, story, reported):
    def blow():
        with besieged.second_beat():
            time.sleep(15)

    cell(besieged, story, reported, "two beats for 15 s", blow, pages_go_on=True)


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["full", "closed"])
def test_the_log_takes_nothing(besieged, story, reported, kind):
    def blow():
        with getattr(besieged, f"log_{kind}")("web", "worker", "beat"):
            story.some_more(6, within=60)

    cell(besieged, story, reported, f"the disk under the log {kind}", blow, ready=60)


@pytest.mark.whole
def test_the_database_has_no_connection_left(besieged, story, reported):
    def blow():
        with besieged.no_connection_left() as taken:
            assert taken > 50
            time.sleep(8)

    cell(besieged, story, reported, "no connection to the database left, for 8 s", blow)


@pytest.mark.whole
def test_at_the_end_everything_that_was_ever_answered_is_there_once(clinic):
    account.of_everything(clinic)
