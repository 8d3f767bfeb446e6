"""What is typed about sessions and their times, parsed; what fits where is the clinic's own rule."""

import re
from datetime import date, time
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from followup.clinic.models import Session, SlotKind, TemplateLine
from followup.clinic.template import SLOT_MINUTES
from followup.desk.forms import Id, Text, Typed, day_in


def read_clock(typed: str) -> time | None:
    """08:00, 8.00, 0800 or 8 as a time of day."""
    found = re.fullmatch(r"(\d{1,2})(?:[:.]?(\d{2}))?", typed.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


class Clock(forms.Field):
    """A time of day, or nothing: the clinic says when it is needed."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> time | None:
        typed = str(value or "").strip()
        read = read_clock(typed)
        if typed and read is None:
            raise forms.ValidationError(_("Give a time of day, such as 14:30."))
        return read


class Clocks(forms.Field):
    """Some times of day: "10:20, 13:40"."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> list[time]:
        typed = [each for each in re.split(r"[,;\s]+", str(value or "")) if each]
        read = [read_clock(each) for each in typed]
        if None in read:
            wrong = typed[read.index(None)]
            raise forms.ValidationError(
                _("%(typed)s is no time of day. Write times such as 10:20, 13:40.") % {"typed": wrong}
            )
        return [each for each in read if each]


class Minutes(forms.Field):
    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> int:
        typed = str(value or "").strip() or str(SLOT_MINUTES)
        if not re.fullmatch(r"\d{1,4}", typed):
            raise forms.ValidationError(_("Give minutes as a number, such as 30."))
        return int(typed)


class OnADay(Typed):
    """A day in three boxes."""

    day_day = Text()
    day_month = Text()
    day_year = Text()
    day = forms.Field(required=False)

    def clean_day(self) -> date | None:
        return day_in(self.cleaned_data, "day", _("The day must be a real day, such as 26 11 2026."))


class HoursForm(Typed):
    """Somebody's hours, and the times in them."""

    person = Id(required=False)
    kind = Text()
    starts = Clock()
    ends = Clock()
    room = Text()
    in_charge = Text()
    minutes = Minutes()
    urgent = Clocks()
    revisit = Clocks()
    referral = Clocks()
    planning = Clocks()

    def said(self) -> dict[str, Any]:
        """As the clinic's verbs take it, without the person."""
        given = self.cleaned_data
        clinic = given["kind"] == "clinic"
        slots = [(kind.value, start) for kind in SlotKind for start in given[kind.value]] if clinic else []
        return {name: given[name] for name in ("kind", "starts", "ends", "room", "minutes")} | {"slots": slots}

    @property
    def in_charge_too(self) -> bool:
        return self.cleaned_data["in_charge"] == "yes"


class SessionForm(OnADay, HoursForm):
    """A session on one day."""


class LineForm(HoursForm):
    """A line of the weekly template."""

    weekday = Text()
    also_laid = Text()

    def clean_weekday(self) -> int | None:
        typed = self.cleaned_data["weekday"]
        return int(typed) if re.fullmatch(r"[0-6]", typed) else None


class TimeForm(OnADay):
    """One time outside the template."""

    person = Id(required=False)
    kind = Text()
    start = Clock()
    minutes = Minutes()
    room = Text()
    why = Text()


class ReasonForm(Typed):
    why = Text()


def day_parts(day: date) -> dict[str, str]:
    return {"day_day": str(day.day), "day_month": str(day.month), "day_year": str(day.year)}


def initial_of(line: TemplateLine) -> dict[str, str]:
    """A line as it stands, as it would be typed."""
    times = {kind.value: ", ".join(at for each, at in line.slots if each == kind) for kind in SlotKind}
    return times | {
        "person": str(line.person_id),
        "kind": line.kind,
        "starts": f"{line.starts:%H:%M}",
        "ends": f"{line.ends:%H:%M}",
        "room": line.room,
        "in_charge": "yes" if line.leads else "",
        "minutes": str(line.slot_minutes),
        "weekday": str(line.weekday),
    }


def initial_time(session: Session | None) -> dict[str, str]:
    """A time that is opened from a session's page begins with its person, day and room."""
    if session is None:
        return {}
    day = session.unit.hours.day_of(session.starts_at)
    return day_parts(day) | {"person": str(session.person_id), "room": session.room}
