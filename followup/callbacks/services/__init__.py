"""Verbs of the call queue. What a call means for its case is a verb of the room above (`contacts`); here a promise is made, taken, kept."""

from followup.callbacks.services.decisions import NothingToDecide, letter_sent, ring_again
from followup.callbacks.services.endings import finish
from followup.callbacks.services.ground import LONGEST_NOTE, AlreadyEnded, NotYours, PatientOnTheLine, ReasonNeeded
from followup.callbacks.services.holding import (
    NotAColleague,
    extend,
    give_back,
    hand_over,
    hold_on,
    keep_note,
    leave_note,
    return_run_out,
    seen,
)
from followup.callbacks.services.promises import CannotWait, bring_forward, hasten, lay_window, lift_passed, put_off
from followup.callbacks.services.queue import claim_chosen, claim_next, promise, take_over
from followup.callbacks.services.tries import dial, nobody_answered

__all__ = [
    "LONGEST_NOTE",
    "AlreadyEnded",
    "CannotWait",
    "NotAColleague",
    "NotYours",
    "NothingToDecide",
    "PatientOnTheLine",
    "ReasonNeeded",
    "bring_forward",
    "claim_chosen",
    "claim_next",
    "dial",
    "extend",
    "finish",
    "give_back",
    "hand_over",
    "hasten",
    "hold_on",
    "keep_note",
    "lay_window",
    "leave_note",
    "letter_sent",
    "lift_passed",
    "nobody_answered",
    "promise",
    "put_off",
    "return_run_out",
    "ring_again",
    "seen",
    "take_over",
]
