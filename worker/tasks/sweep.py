"""Every few seconds: what was committed and not done, and what time itself has changed."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from followup.callbacks import queries as callbacks
from followup.clinic import queries as times
from followup.clinic import services as clinic
from followup.contacts import escalations, shortages
from followup.contacts import queries as waiting
from followup.contacts import services as contacts
from followup.core import heartbeats, outbox
from followup.messages import queries as messages
from followup.messages import services as delivery
from worker.app import app

log = logging.getLogger(__name__)


@app.task(name="sweep.all")
def sweep(**_):
    outbox.relay()
    delivery.send_due()
    for find, act in [
        (callbacks.run_out, contacts.return_run_out),
        (callbacks.promise_passed, contacts.lift_passed),
        (times.lapsed_choices, lapse_choice),
        # Last: this talks to the world outside, which may take its time.
        (messages.stuck, delivery.settle_stuck),
    ]:
        _each(find(), act)


@app.task(name="sweep.watch")
def watch(**_):
    """What may stand for hours without anybody being able to mend it: looked at less often than what was missed."""
    for find, act in [
        (waiting.kept_to_move, contacts.move_kept),
        (shortages.units_with_hope, contacts.ask_again),
        (escalations.to_tell, escalate),
    ]:
        _each(find(), act)


@app.task(name="sweep.heartbeat")
def heartbeat(**_):
    heartbeats.note("worker")


def lapse_choice(appointment_id):
    clinic.lapse_choice(appointment_id, by=contacts.SWEEPER)


def escalate(pair):
    contacts.escalate(*pair)


def _each(ids: Iterable[Any], act: Callable[[Any], Any]) -> None:
    """One that fails must not keep the others waiting."""
    for row_id in ids:
        try:
            act(row_id)
        except Exception:
            log.exception("%s failed for %s", act.__name__, row_id)
