"""Moments and spans of time as staff read them: 24 hours, in the unit's zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followup.core import words


@dataclass(frozen=True)
class Stand:
    """How a call stands: `state` names the drawn shape, `text` is the word beside it."""

    state: str
    text: str


def near(moment: datetime, *, at: datetime, zone: tzinfo) -> str:
    """14:10 for today, else with its day."""
    if moment.astimezone(zone).date() == at.astimezone(zone).date():
        return words.clock24(moment, zone=zone)
    return words.day_and_time(moment, zone=zone, now=at, staff=True)


def day_words(day: date, *, today: date) -> str:
    """Today, tomorrow, else the day by name."""
    near_by = {today: _("Today"), today + timedelta(days=1): _("Tomorrow")}
    name = words.day_name(day)
    return f"{near_by[day]}, {name}" if day in near_by else name[:1].upper() + name[1:]


def ago(moment: datetime, at: datetime) -> str:
    """5 seconds, 22 minutes: how long ago."""
    seconds = int((at - moment).total_seconds())
    if seconds < 60:
        return ngettext("%(count)s second", "%(count)s seconds", max(seconds, 1)) % {"count": max(seconds, 1)}
    return words.duration(timedelta(seconds=seconds))


def late_words(due: datetime, at: datetime) -> str:
    """Late 22 min."""
    return _("Late %(time)s") % {"time": words.duration(at - due, short=True)}


def due_stand(due: datetime, *, at: datetime, zone: tzinfo) -> Stand:
    """When an answer is owed."""
    if due < at:
        return Stand("late", late_words(due, at))
    if due.astimezone(zone).date() == at.astimezone(zone).date():
        return Stand("today", _("Today"))
    return Stand("planned", _("To come"))
