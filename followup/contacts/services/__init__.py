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
from followup.contacts.services.calls import (
    dial,
    finish,
    give_back,
    give_back_all,
    hand_over,
    letter_sent,
    lift_passed,
    log_call,
    needs_a_time,
    put_off,
    return_run_out,
    ring_again,
    take_over,
)
from followup.contacts.services.closures import BookedMeanwhile, close_session
from followup.contacts.services.escalation import escalate, escalate_case
from followup.contacts.services.ground import BOOKER, SWEEPER, check_steps, settle_again
from followup.contacts.services.kept import move_kept
from followup.contacts.services.requests import (
    NothingOpen,
    add,
    change_how_to_reach,
    forget_drafts,
    receive,
    save_draft,
    say_free,
    send_draft,
    take_back,
    warn,
)
from followup.contacts.services.risk import HasATime, ask_again, open_time, take_time, trade
from followup.contacts.services.times import (
    RequestClosed,
    cancel_time,
    choose_time,
    give_time,
    mark_visit,
    no_time_suits,
)

__all__ = [
    "BOOKER",
    "BookedMeanwhile",
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
    "close_session",
    "choose_time",
    "dial",
    "escalate",
    "escalate_case",
    "finish",
    "forget_drafts",
    "give_back",
    "give_back_all",
    "give_time",
    "hand_over",
    "letter_sent",
    "lift_passed",
    "log_call",
    "mark_visit",
    "move_by_hand",
    "moves_by_hand",
    "move_kept",
    "needs_a_time",
    "no_time_suits",
    "open_time",
    "put_off",
    "receive",
    "reopen",
    "return_run_out",
    "ring_again",
    "save_draft",
    "say_free",
    "send_draft",
    "settle_again",
    "take_back",
    "take_over",
    "take_time",
    "trade",
    "warn",
]
