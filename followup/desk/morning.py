"""The coordinator's morning: what came while the clinic was closed, what waits for a person, and whether today will hold.

Every number comes from the question that its list or badge asks, and leads there.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from followup.callbacks import queries as calls
from followup.cases.models import Shortage
from followup.clinic import queries as times
from followup.clinic.models import SlotKind
from followup.core import clock, words
from followup.desk import badges, presenters
from followup.desk.doors import show, staff_page
from followup.desk.sessions import week_of
from followup.people.access import unit_of
from followup.people.models import Unit
from followup.people.queries import programme_at


@dataclass(frozen=True)
class Line:
    """One number with its words, and the list it counts."""

    count: int
    text: str
    href: str
    detail: str = ""
    urgent: bool = False


@require_GET
@staff_page("see_alerts")
def morning(request: HttpRequest) -> HttpResponse:
    unit, at = unit_of(request.user), clock.now()
    lines = [
        _came(unit, at),
        *_alerts(unit),
        _nobody_on_the_line(unit, at),
    ]
    today = unit.hours.day_of(at)
    names = {
        "today": today,
        "week": today.isocalendar().week,
        "lines": [line for line in lines if line.count],
        "days": _urgent_times(unit, at),
        "at": at,
    }
    return show(request, "desk/morning.html", here="morning", zone=unit.zone, **names)


def _came(unit: Unit, at: datetime) -> Line:
    """Calls owed to those who got in touch since the clinic closed, and not rung yet."""
    found = list(calls.came_while_closed(unit).values_list("priority", "arrived_at"))
    by_priority = sorted(Counter(priority for priority, _at in found).items())
    detail = ""
    if found:
        parts = [_("%(count)s of priority %(priority)s") % {"count": n, "priority": p} for p, n in by_priority]
        oldest = presenters.near(min(arrived for _p, arrived in found), at=at, zone=unit.zone)
        detail = ", ".join(parts) + ". " + _("The oldest came %(time)s.") % {"time": oldest}
    closed_at = presenters.near(unit.hours.last_closed(at), at=at, zone=unit.zone)
    text = ngettext("request since we closed, %(time)s", "requests since we closed, %(time)s", len(found)) % {
        "time": closed_at
    }
    urgent = any(priority == 1 for priority, _count in by_priority)
    return Line(len(found), text, f"{reverse('desk:queue')}?show=new", detail, urgent)


def _alerts(unit: Unit) -> list[Line]:
    found, there = badges.alerts(unit), reverse("desk:alerts")
    shortages = Counter(found.at_risk.values_list("shortage", flat=True))
    near, late, decide = found.held_near.count(), found.late.count(), found.to_decide.count()
    asks, undelivered, unreachable = found.late_asks.count(), found.messages.count(), found.no_channel.count()
    unmarked, flags = found.unmarked.count(), found.red_flags.count()
    return [
        Line(
            flags,
            ngettext("red flag that nobody has taken", "red flags that nobody has taken", flags),
            f"{there}#flags-heading",
            urgent=True,
        ),
        Line(
            shortages[Shortage.NEEDS_A_TIME],
            ngettext(
                "person needs a time, and none is there",
                "people need a time, and none is there",
                shortages[Shortage.NEEDS_A_TIME],
            ),
            f"{there}#at-risk-heading",
            urgent=True,
        ),
        Line(
            shortages[Shortage.NOTHING_TO_HOLD],
            _("without a time kept, for none was left"),
            f"{there}#at-risk-heading",
            _("Most will not need one: the call decides."),
        ),
        Line(
            near,
            ngettext("kept time begins soon, and nobody has rung", "kept times begin soon, and nobody has rung", near),
            f"{there}#near-heading",
            urgent=True,
        ),
        Line(late, ngettext("call is late", "calls are late", late), f"{there}#late-heading", urgent=True),
        Line(
            decide,
            ngettext("person not reached: decide what happens", "people not reached: decide what happens", decide),
            f"{there}#decide-heading",
            urgent=True,
        ),
        Line(
            asks,
            ngettext("answer from a clinician is late", "answers from clinicians are late", asks),
            f"{there}#asks-heading",
        ),
        Line(
            unmarked,
            ngettext("clinic time not marked: did they come?", "clinic times not marked: did they come?", unmarked),
            f"{there}#unmarked-heading",
        ),
        Line(
            undelivered,
            ngettext("message did not arrive", "messages did not arrive", undelivered),
            f"{there}#messages-heading",
        ),
        Line(
            unreachable,
            ngettext("person whom only a letter reaches", "people whom only a letter reaches", unreachable),
            f"{there}#channel-heading",
        ),
    ]


def _nobody_on_the_line(unit: Unit, at: datetime) -> Line:
    """Open hours of today, from now, without anybody on the nurse line."""
    gaps = _line_gaps(unit, at)
    said = [
        f"{words.clock24(start, zone=unit.zone)}–{words.clock24(end, zone=unit.zone)}"  # noqa: RUF001  a span of time
        for start, end in gaps
    ]
    text = ngettext("gap on the nurse line today", "gaps on the nurse line today", len(gaps))
    return Line(len(gaps), text, reverse("desk:sessions"), ", ".join(said), urgent=True)


def _line_gaps(unit: Unit, at: datetime) -> list[tuple[datetime, datetime]]:
    gaps = []
    for opens, closes in unit.hours.spans(unit.hours.day_of(at)):
        free_from = max(opens, at)
        for start, end in [*times.nurse_hours(unit, free_from, closes), (closes, closes)]:
            if free_from < min(start, closes):
                gaps.append((free_from, min(start, closes)))
            free_from = max(free_from, end)
    return gaps


def _urgent_times(unit: Unit, at: datetime) -> list[dict] | None:
    """How many urgent times are free on each open day until somebody who writes now must have been seen; None without a programme."""
    programme = programme_at(unit)
    if programme is None:
        return None
    until = unit.hours.moment(programme.rules.see_within(), at)
    if not until:
        return []
    free = Counter(
        unit.hours.day_of(slot.starts_at) for slot in times.free_slots(unit, kind=SlotKind.URGENT, start=at, end=until)
    )
    today, days = unit.hours.day_of(at), []
    for number in range((unit.hours.day_of(until) - today).days + 1):
        day: date = today + timedelta(days=number)
        if not unit.hours.is_closed(day) and unit.hours.spans(day):
            there = f"{reverse('desk:sessions')}?week={week_of(day)}#day-{day.isoformat()}"
            days.append({"day": day, "free": free[day], "href": there})
    return days
