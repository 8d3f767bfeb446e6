"""Verbs of the call queue. What a call means for its case is a verb of the room above (`contacts`); here a promise is made, taken, kept."""

from followup.callbacks.services.endings import finish
from followup.callbacks.services.ground import LONGEST_NOTE, AlreadyEnded, NotYours, PatientOnTheLine, ReasonNeeded
from followup.callbacks.services.holding import extend, give_back, hold_on, keep_note, return_run_out, seen
from followup.callbacks.services.promises import hasten, lay_window, lift_passed
from followup.callbacks.services.queue import claim_chosen, claim_next, promise
from followup.callbacks.services.tries import dial, nobody_answered

__all__ = [
    "LONGEST_NOTE",
    "AlreadyEnded",
    "NotYours",
    "PatientOnTheLine",
    "ReasonNeeded",
    "claim_chosen",
    "claim_next",
    "dial",
    "extend",
    "finish",
    "give_back",
    "hasten",
    "hold_on",
    "keep_note",
    "lay_window",
    "lift_passed",
    "nobody_answered",
    "promise",
    "return_run_out",
    "seen",
]
