"""Verbs of a patient who gets in touch: from the request to its answer, its time or its person.

Every verb is one transaction, locks the case first, and ends by moving the case to the step that its rows say.
"""

from followup.contacts.services.afterwards import (
    AnotherIsOpen,
    NotFinished,
    TooLateToReopen,
    answer_ask,
    move_by_hand,
    moves_by_hand,
    reopen,
)
from followup.contacts.services.booking import book
from followup.contacts.services.calls import dial, finish, give_back, lift_passed, needs_a_time, return_run_out
from followup.contacts.services.ground import BOOKER, SWEEPER, check_steps, settle_again
from followup.contacts.services.requests import (
    NothingOpen,
    add,
    change_how_to_reach,
    forget_drafts,
    receive,
    save_draft,
    send_draft,
    take_back,
    warn,
)
from followup.contacts.services.risk import HasATime, ask_again, open_time, take_time, trade
from followup.contacts.services.times import RequestClosed, cancel_time, give_time, mark_visit

__all__ = [
    "BOOKER",
    "SWEEPER",
    "AnotherIsOpen",
    "HasATime",
    "NotFinished",
    "NothingOpen",
    "RequestClosed",
    "TooLateToReopen",
    "add",
    "answer_ask",
    "ask_again",
    "book",
    "cancel_time",
    "change_how_to_reach",
    "check_steps",
    "dial",
    "finish",
    "forget_drafts",
    "give_back",
    "give_time",
    "lift_passed",
    "mark_visit",
    "move_by_hand",
    "moves_by_hand",
    "needs_a_time",
    "open_time",
    "receive",
    "reopen",
    "return_run_out",
    "save_draft",
    "send_draft",
    "settle_again",
    "take_back",
    "take_time",
    "trade",
    "warn",
]
