"""Who hears what: the topics of the outbox and the verbs that answer them."""

from functools import cache
from typing import Any

from kombu import Connection
from kombu.pools import producers

from followup.contacts import services as contacts
from followup.core import trace
from followup.messages import services as messages

HANDLERS = {
    "callbacks.claimed_anew": lambda case_id, **_: contacts.settle_again(case_id),
    "cases.at_risk": lambda case_id, **_: contacts.escalate_case(case_id),
    "clinic.time_freed": lambda unit_id, **_: contacts.ask_again(unit_id),
    "contacts.received": lambda contact_id, **_: contacts.book(contact_id),
    "contacts.urgent": lambda case_id, **_: contacts.escalate_case(case_id),
    "signin.code_wanted": lambda attempt_id, **_: messages.tell_code(attempt_id),
}


def nudge(task: str, ids: list[Any], within: float | None = None) -> None:
    """Hand the worker a task for these ids, to begin within so many seconds or not at all.

    Somebody waits for their page: a broker that is slow to answer is left alone.
    """
    from worker.app import app

    if not ids:
        return
    with producers[_broker(app.conf.broker_write_url)].acquire(block=True, timeout=1) as producer:
        app.send_task(
            task,
            kwargs={"ids": ids},
            headers={"trace": trace.current()},
            producer=producer,
            retry=False,
            ignore_result=True,
            kwargsrepr=f"{len(ids)} ids",
            expires=within,
        )


@cache
def _broker(url: str) -> Connection:
    from worker.app import app

    return app.connection_for_write(url, transport_options={"socket_timeout": 0.5, "socket_connect_timeout": 0.3})
