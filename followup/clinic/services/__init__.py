"""Verbs of the clinic: its rota, and the times in it."""

from followup.clinic.services.appointments import (
    NoTimeWithinPromise,
    SlotTaken,
    TimeEnded,
    confirm,
    give,
    hold_earliest,
    lapse_choice,
    mark,
    release,
)
from followup.clinic.services.rota import ROTA, add_session, lay_out, lay_out_everywhere

__all__ = [
    "ROTA",
    "NoTimeWithinPromise",
    "SlotTaken",
    "TimeEnded",
    "add_session",
    "confirm",
    "give",
    "hold_earliest",
    "lapse_choice",
    "lay_out",
    "lay_out_everywhere",
    "mark",
    "release",
]
