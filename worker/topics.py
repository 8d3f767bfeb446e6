"""Who hears what: the topics of the outbox and the verbs that answer them."""

from typing import Any

from followup.contacts import services as contacts
from followup.messages import services as messages

HANDLERS = {
    "contacts.received": lambda contact_id, **_: contacts.book(contact_id),
    "signin.code_wanted": lambda attempt_id, **_: messages.tell_code(attempt_id),
}


def nudge(task: str, ids: list[Any]) -> None:
    """Hand the worker a task for these ids; quickly, because somebody waits for their page."""
    from worker.app import app

    if ids:
        app.send_task(task, kwargs={"ids": ids}, retry=False, ignore_result=True)
