"""Whatever dies: nothing that was answered is lost, nothing is done twice, and the product is back by itself.

Patients and nurses go on all the while, over HTTP, and repeat what was not answered, with the same Idempotency-Key. The selection is one
story through the worst blows; the whole matrix gives each blow a story of its own and holds it to the limits of the design: ready again
within 30 seconds (60 after all at once), everything done within 60 seconds after.
"""

import json
import time

import pytest

from followup.core import crash
from tests.faults.blows import PARTS
from tests.house import until

AT_WEB = ("contacts.receive", "contacts.finish", "callbacks.claim", "outbox.put", "messages.report")
PAGES_GO_ON = ("worker", "child", "beat", "redis")


def come_to(besieged, story, point, within=60):
    """Somebody dies at the point, while patients and nurses do what leads there."""
    besieged.crash_at(point)
    until(besieged.died(point).exists, within=within, what=f"somebody coming to {point}")
    besieged.crash_no_more()


@pytest.fixture
def reported(request, record_property):
    """Figures of a cell, shown at the end of the run."""

    def note(**figures):
        record_property("figures", json.dumps(figures))
        with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"\n  {request.node.name}: {json.dumps(figures)}", flush=True)  # noqa: T201

    return note


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
    story.ends(within=90)
    reported(**story.account(), seconds=round(time.monotonic() - began))


# The whole matrix


def cell(besieged, story, reported, blow, *, ready=30, pages_go_on=False):
    """Work, the blow in the midst of it, work; then the accounts."""
    besieged.is_well(within=60)
    story.some_more(6)
    struck = time.monotonic()
    blow()
    back = besieged.is_well(within=ready)
    until_now = story.unanswered(struck)
    story.some_more(6)
    done = story.ends(within=60)
    counted = story.account()
    sound = besieged.console("verify-journal")
    assert sound.returncode == 0, sound.stdout
    if pages_go_on:
        assert story.unanswered(struck) == []
    slowest = max((probe[1] for probe in story.told.probes if probe[0] >= struck), default=0)
    reported(
        back=round(back, 1), done=round(done, 1), missed_looks=len(until_now), slowest=round(slowest, 2), **counted
    )


@pytest.mark.whole
@pytest.mark.parametrize("name", [*PARTS, "child"])
def test_a_part_is_killed(besieged, story, reported, name):
    blow = besieged.kill_child if name == "child" else lambda: besieged.kill(name)
    cell(besieged, story, reported, blow, pages_go_on=name in PAGES_GO_ON)


@pytest.mark.whole
def test_the_supervisor_is_killed(besieged, story, reported):
    cell(besieged, story, reported, besieged.kill_supervisor, ready=60)


@pytest.mark.whole
def test_everything_is_killed_at_once(besieged, story, reported):
    cell(besieged, story, reported, besieged.kill_all, ready=60)


@pytest.mark.whole
@pytest.mark.parametrize("point", crash.POINTS)
def test_a_process_dies_at_a_crash_point(besieged, story, reported, point):
    pages_go_on = point.partition(":")[2] not in AT_WEB
    within = 90 if "journal.seal" in point else 60  # once a minute
    cell(besieged, story, reported, lambda: come_to(besieged, story, point, within), pages_go_on=pages_go_on)


@pytest.mark.whole
@pytest.mark.parametrize("name", ["worker", "web", "redis", "postgres", "beat"])
def test_a_part_is_halted_for_twenty_seconds_and_wakes(besieged, story, reported, name):
    def blow():
        with besieged.stopped(name):
            time.sleep(20)

    cell(besieged, story, reported, blow, pages_go_on=name in ("worker", "beat"))


@pytest.mark.whole
@pytest.mark.parametrize("point", [each for each in crash.POINTS if each.partition(":")[2] not in AT_WEB])
def test_one_of_the_pool_stops_in_the_midst_of_it_and_wakes_when_others_have_dealt_with_it(
    besieged, story, reported, point
):
    """A stale lease: what it had claimed was settled, sent or sealed by others meanwhile."""

    def blow():
        come_to(besieged, story, f"halt:{point}", within=90)
        time.sleep(20)
        assert besieged.wake() == 1

    cell(besieged, story, reported, blow, pages_go_on=True)


@pytest.mark.whole
def test_the_worker_is_killed_twenty_times(besieged, story, reported):
    def blow():
        for _ in range(20):
            until(lambda: besieged.pid("worker"), within=30, what="a worker")
            time.sleep(1.5)
            besieged.kill("worker")

    cell(besieged, story, reported, blow, pages_go_on=True)


@pytest.mark.whole
def test_redis_is_wiped(besieged, story, reported):
    def blow():
        for _ in range(5):
            besieged.wipe_redis()
            time.sleep(1)

    cell(besieged, story, reported, blow, pages_go_on=True)


@pytest.mark.whole
@pytest.mark.parametrize(("name", "seconds"), [("redis", 60), ("beat", 25)])
def test_a_part_is_gone_for_long(besieged, story, reported, name, seconds):
    def blow():
        with besieged.without(name):
            time.sleep(seconds)

    cell(besieged, story, reported, blow, pages_go_on=True)


@pytest.mark.whole
def test_two_beats(besieged, story, reported):
    def blow():
        with besieged.second_beat():
            time.sleep(20)

    cell(besieged, story, reported, blow, pages_go_on=True)


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["full", "closed"])
def test_the_log_takes_nothing(besieged, story, reported, kind):
    def blow():
        with getattr(besieged, f"log_{kind}")("web", "worker", "beat"):
            story.some_more(6, within=60)

    cell(besieged, story, reported, blow, ready=60)


@pytest.mark.whole
def test_the_database_has_no_connection_left(besieged, story, reported):
    def blow():
        with besieged.no_connection_left() as taken:
            assert taken > 50
            time.sleep(8)

    cell(besieged, story, reported, blow)
