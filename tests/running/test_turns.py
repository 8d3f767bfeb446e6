"""Of what waits for the worker, a time that is to be kept comes first; and nothing waits for ever."""

from pathlib import Path

from followup.running import parts
from worker.app import app
from worker.turns import EVERY, InOrder


def looked_into() -> list[str]:
    command = parts.worker(Path("/nowhere"), {})
    return command[command.index("-Q") + 1].split(",")


def test_a_time_is_kept_before_older_texts_are_sent_and_nothing_waits_for_ever():
    waiting, taken = {"urgent": 30, "texts": 5, "default": 1}, []
    turns = InOrder()
    turns.update(looked_into())
    while any(waiting.values()):
        # As the broker does it: the first of these queues in which something waits.
        queue = next(queue for queue in turns.consume(3) if waiting[queue])
        waiting[queue] -= 1
        turns.rotate(queue)
        taken.append(queue)
    busy = taken[: EVERY * 6]
    assert busy.count("urgent") == (EVERY - 1) * 6
    assert (busy.count("texts"), busy.count("default")) == (5, 1)


def test_the_worker_looks_into_every_queue_to_which_a_task_is_sent():
    queues = {app.amqp.router.route({}, name)["queue"].name for name in app.tasks if not name.startswith("celery.")}
    assert queues == set(looked_into())
    assert app.conf.broker_transport_options["queue_order_strategy"] == f"{InOrder.__module__}:{InOrder.__name__}"
