"""Tasks: each calls one service, takes ids by keyword, tolerates arguments it does not know, and is safe twice."""

from worker.tasks import clinic, contacts, core, messages, people, sweep

__all__ = ["clinic", "contacts", "core", "messages", "people", "sweep"]
