"""How each kind of case moves: a table of steps and of the moves that are allowed. Nothing else knows them.

The pictures in `docs/flows/` are drawn from these tables by `followup draw-flows`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Flow:
    """`moves` says from each step where a case may go; `by_hand` the moves that staff may make themselves, with a reason."""

    kind: str
    moves: Mapping[str, tuple[str, ...]]
    by_hand: frozenset[tuple[str, str]] = frozenset()

    @property
    def first(self) -> str:
        return next(iter(self.moves))

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.moves)

    def allows(self, step: str, to: str) -> bool:
        return to in self.moves.get(step, ())


CONTACT = Flow(
    kind="contact",
    moves={
        "received": ("call_booked", "ringing", "unreached", "with_clinician", "clinic_time", "closed"),
        "call_booked": ("ringing", "unreached", "with_clinician", "clinic_time", "closed"),
        "ringing": ("received", "call_booked", "unreached", "with_clinician", "clinic_time", "closed"),
        "unreached": ("call_booked", "ringing", "with_clinician", "clinic_time", "closed"),
        "with_clinician": ("call_booked", "clinic_time", "closed"),
        "clinic_time": ("call_booked", "with_clinician", "closed"),
        "closed": ("with_clinician",),
    },
    by_hand=frozenset({("closed", "with_clinician")}),
)

REVIEW = Flow(
    kind="review",
    moves={
        "invited": ("ready", "closed"),
        "ready": ("call_booked", "ringing", "closed"),
        "call_booked": ("ringing", "unreached", "with_clinician", "visit", "closed"),
        "ringing": ("call_booked", "unreached", "with_clinician", "visit", "closed"),
        "unreached": ("call_booked", "ringing", "with_clinician", "visit", "closed"),
        "with_clinician": ("call_booked", "visit", "closed"),
        "visit": ("with_clinician", "closed"),
        "closed": ("with_clinician",),
    },
    by_hand=frozenset({("invited", "ready"), ("invited", "closed"), ("closed", "with_clinician")}),
)

VISIT = Flow(
    kind="visit",
    moves={
        "due": ("booked", "closed"),
        "booked": ("due", "attended", "missed", "closed"),
        "attended": ("closed",),
        "missed": ("booked", "closed"),
        "closed": (),
    },
    by_hand=frozenset({("due", "closed"), ("missed", "closed")}),
)

REFERRAL = Flow(
    kind="referral",
    moves={
        "received": ("triaged", "closed"),
        "triaged": ("booked", "closed"),
        "booked": ("triaged", "seen", "closed"),
        "seen": ("grouped", "closed"),
        "grouped": ("closed",),
        "closed": (),
    },
    by_hand=frozenset({("received", "closed"), ("triaged", "closed")}),
)

STAY = Flow(
    kind="stay",
    moves={
        "admitted": ("in_treatment", "left"),
        "in_treatment": ("ready_to_leave", "left"),
        "ready_to_leave": ("in_treatment", "left"),
        "left": ("closed",),
        "closed": (),
    },
    by_hand=frozenset(
        {
            ("admitted", "in_treatment"),
            ("in_treatment", "ready_to_leave"),
            ("ready_to_leave", "left"),
            ("ready_to_leave", "in_treatment"),
        }
    ),
)

FLOWS: dict[str, Flow] = {flow.kind: flow for flow in (CONTACT, REVIEW, VISIT, REFERRAL, STAY)}
