"""Verbs of the clinic: its rota, and the times in it."""

from followup.clinic.services.appointments import (
    CHOICE,
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
from followup.clinic.services.closing import mark_closed, one_change_at_a_time, stop_giving
from followup.clinic.services.openings import NotARevisit, close_slot, open_slot, reason, turn_urgent
from followup.clinic.services.planning import bring_up_to_date, copy_week, keep_line, plan_session
from followup.clinic.services.rota import ROTA, add_session, lay_out, lay_out_everywhere
from followup.clinic.services.week import remove_line, save_line

__all__ = [
    "CHOICE",
    "ROTA",
    "NoTimeWithinPromise",
    "NotARevisit",
    "SlotTaken",
    "TimeEnded",
    "add_session",
    "bring_up_to_date",
    "close_slot",
    "confirm",
    "copy_week",
    "give",
    "hold_choice",
    "hold_earliest",
    "hold_later",
    "keep_line",
    "lapse_choice",
    "lay_out",
    "lay_out_everywhere",
    "mark",
    "mark_closed",
    "one_change_at_a_time",
    "open_slot",
    "plan_session",
    "reason",
    "release",
    "remove_line",
    "save_line",
    "stop_giving",
    "turn_urgent",
]
