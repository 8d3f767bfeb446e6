"""Sessions and their times in words, for the pages of the rota."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followup.clinic.models import Session, SessionKind, Slot, SlotKind, TemplateLine
from followup.clinic.rota_queries import Gap
from followup.core import words
from followup.people.models import User


def kind_words(kind: str) -> str:
    return {
        SlotKind.URGENT: _("urgent"),
        SlotKind.REVISIT: _("revisit"),
        SlotKind.REFERRAL: _("referral"),
        SlotKind.PLANNING: _("planning"),
    }[SlotKind(kind)]


def session_words(kind: str) -> str:
    return _("Nurse line") if kind == SessionKind.NURSE_LINE else _("Clinic")


def kind_items(chosen: Any) -> list[dict[str, Any]]:
    return [
        {"value": kind.value, "text": kind_words(kind).capitalize(), "checked": kind == chosen} for kind in SlotKind
    ]


def person_items(people: list[User], chosen: Any) -> list[dict[str, Any]]:
    nobody = {"value": "", "text": _("Choose")}
    return [
        nobody,
        *({"value": str(each.id), "text": each.name, "selected": str(each.id) == str(chosen)} for each in people),
    ]


def free_words(count: int) -> str:
    return ngettext("%(count)s time free", "%(count)s times free", count) % {"count": count}


def used_words(slots: list[Slot]) -> str:
    """What became of times that are over: "6 of 8 used"."""
    return _("%(used)s of %(all)s used") % {"used": sum(slot.taken is not None for slot in slots), "all": len(slots)}  # type: ignore[attr-defined]


def came_words(slots: list[Slot]) -> str:
    """5 came, 1 did not, 1 not marked."""
    states = Counter(slot.taken for slot in slots)  # type: ignore[attr-defined]
    said = {"attended": _("%(count)s came"), "missed": _("%(count)s did not"), "booked": _("%(count)s not marked")}
    return ", ".join(text % {"count": states[state]} for state, text in said.items() if states[state])


def taken_words(slot: Slot, at: datetime) -> str:
    if slot.closed_at:
        return _("Closed")
    return {
        None: _("Not used") if slot.starts_at <= at else _("Free"),
        "held": _("Kept"),
        "booked": _("Booked"),
        "attended": _("Came"),
        "missed": _("Did not come"),
    }[slot.taken]  # type: ignore[attr-defined]


def gap_words(gap: Gap) -> str:
    """ "Thursday 26 November: 1 urgent time, usual need 3"."""
    day = words.day_name(gap.day)
    day = day[:1].upper() + day[1:]
    if not gap.need:
        return _("%(day)s: no nurse on the line") % {"day": day}
    times = ngettext("%(count)s urgent time", "%(count)s urgent times", gap.there) % {"count": gap.there}
    return _("%(day)s: %(times)s, usual need %(need)s") % {"day": day, "times": times, "need": gap.need}


@dataclass(frozen=True)
class Cell:
    """One session in the week. `read` is said before `what`, so that the link is read whole; `quiet`: closed, or over."""

    href: str
    read: str
    what: str
    detail: list[str]
    quiet: bool
    day: date


def cell_of(session: Session, *, day: date, zone: tzinfo, at: datetime) -> Cell:
    hours = f"{words.clock24(session.starts_at, zone=zone)}–{words.clock24(session.ends_at, zone=zone)}"
    detail, over = [hours], session.ends_at <= at
    if session.kind == SessionKind.NURSE_LINE:
        what = session_words(session.kind)
        detail += [_("in charge")] if session.in_charge else []
    elif over:
        what = used_words(session.times)  # type: ignore[attr-defined]
        detail += filter(None, [came_words(session.times)])  # type: ignore[attr-defined]
    else:
        free = Counter(slot.kind for slot in _free(session.times, at))  # type: ignore[attr-defined]
        what = free_words(free.total())
        detail += [session.room] if session.room else []
        by_kind = [f"{free[kind]} {kind_words(kind)}" for kind in SlotKind if free[kind]]
        detail += [", ".join(by_kind)] if by_kind else []
    if session.closed_at:
        what, detail = _("Closed"), [hours]
    return Cell(
        href=reverse("desk:session", args=[session.id]),
        read=f"{words.day_name(day)}, {session.person.name}, ",
        what=what,
        detail=detail,
        quiet=over or bool(session.closed_at),
        day=day,
    )


def _free(slots: list[Slot], at: datetime) -> list[Slot]:
    return [slot for slot in slots if slot.taken is None and slot.starts_at > at]  # type: ignore[attr-defined]


def urgent_words(sessions: list[Session], at: datetime) -> str:
    """How many urgent times a day has, and how many are free: "2 of 3 free"; or were used, once the last has begun."""
    slots = [slot for each in sessions if not each.closed_at for slot in each.times if slot.kind == SlotKind.URGENT]  # type: ignore[attr-defined]
    if not slots:
        return _("none")
    if all(slot.starts_at <= at for slot in slots):
        return used_words(slots)
    return _("%(free)s of %(all)s free") % {"free": len(_free(slots, at)), "all": len(slots)}


def day_items(days: dict[int, str], chosen: Any) -> list[dict[str, Any]]:
    named = [
        {"value": str(day), "text": name.capitalize(), "selected": str(day) == str(chosen)}
        for day, name in days.items()
    ]
    return [{"value": "", "text": _("Choose")}, *named]


def line_times(line: TemplateLine) -> str:
    """ "urgent 10:20, 13:40; revisit 09:00"."""
    by_kind = [(kind_words(kind), [at for each, at in line.slots if each == kind]) for kind in SlotKind]
    return "; ".join(f"{kind} {', '.join(times)}" for kind, times in by_kind if times)
