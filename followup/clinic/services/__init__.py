"""Verbs of the clinic: its rota, and the times in it."""

from followup.clinic.services.appointments import (
    NoTimeWithinPromise,
    SlotTaken,
    TimeEnded,
    confirm,
    give,
    hold_choice,
    hold_earliest,
    hold_later,
    lapse_choice,
    mark,
    release,
)
from followup.clinic.services.openings import NotARevisit, close_slot, open_slot, turn_urgent
from followup.clinic.services.rota import ROTA, add_session, lay_out, lay_out_everywhere

__all__ = [
    "ROTA",
    "NoTimeWithinPromise",
    "NotARevisit",
    "SlotTaken",
    "TimeEnded",
    "add_session",
    "close_slot",
    "confirm",
    "give",
    "hold_choice",
    "hold_earliest",
    "hold_later",
    "lapse_choice",
    "lay_out",
    "lay_out_everywhere",
    "mark",
    "open_slot",
    "release",
    "turn_urgent",
]
