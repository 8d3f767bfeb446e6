"""A case that has no time: the ways out of it, each one press."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.callbacks import queries as calls
from followup.cases.models import Case
from followup.cases.queries import case_for
from followup.clinic import queries as times
from followup.clinic.models import Appointment, SlotKind
from followup.clinic.services import SlotTaken
from followup.contacts import services as contacts
from followup.contacts import shortages
from followup.contacts.queries import standing
from followup.core import clock, words
from followup.core.errors import Invalid, Refused
from followup.desk import presenters
from followup.desk.call_page import holds
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import Id, Text, Typed
from followup.people.access import may
from followup.people.models import User
from followup.people.queries import clinicians_of

LENGTHS = (15, 20, 30, 45, 60)
REFUSALS = (SlotTaken, contacts.HasATime, contacts.RequestClosed)


class WayForm(Typed):
    """A free time after the promised day, or one that another has: always with a reason."""

    slot = Id(required=False)
    appointment = Id(required=False)
    why = Text()


@require_GET
@staff_page("manage_times")
def ways_out(request: HttpRequest, case_id) -> HttpResponse:
    return _page(request, case_for(request.user, case_id), WayForm())


@require_POST
@staff_page("manage_times")
def take(request: HttpRequest, case_id) -> HttpResponse:
    """A free time, from the alert or from the list."""
    case, form = case_for(request.user, case_id), _form(request)
    if not form.cleaned_data["slot"]:
        form.add_error("slot", _("Choose a time."))
        return _page(request, case, form, status=422)
    slot = times.slot_for(request.user, form.cleaned_data["slot"])
    return _done(request, case, form, lambda: contacts.take_time(case, slot, by=request.user, why=form.typed("why")))


@require_POST
@staff_page("manage_times")
def trade(request: HttpRequest, case_id) -> HttpResponse:
    case, form = case_for(request.user, case_id), _form(request)
    if not form.cleaned_data["appointment"]:
        form.add_error("appointment", _("Choose whose time it is."))
        return _page(request, case, form, status=422)
    theirs = times.appointment_for(request.user, form.cleaned_data["appointment"])
    return _done(request, case, form, lambda: contacts.trade(case, theirs, by=request.user, why=form.typed("why")))


def _form(request: HttpRequest) -> WayForm:
    form = WayForm(request.POST)
    form.is_valid()
    return form


def _done(request: HttpRequest, case: Case, form: Typed, act) -> HttpResponse:
    try:
        given = act()
    except Invalid as refused:
        form.take(refused)
        return _page(request, case, form, status=422)
    except REFUSALS as refused:
        form.add_error(None, str(refused))
        return _page(request, case, form, status=409)
    note(request, said_of(case, given))
    return redirect("desk:alerts")


def said_of(case: Case, given: Appointment) -> str:
    said = {
        "name": case.patient.name,
        "time": presenters.time_words(given.slot, at=clock.now(), zone=case.unit.zone),
    }
    if given.state == "held":
        return _("A time is kept for %(name)s: %(time)s. The call decides whether it is used.") % said
    return _("%(name)s has a time: %(time)s. They are told.") % said


def _page(request: HttpRequest, case: Case, form: Typed, *, status: int = 200) -> HttpResponse:
    case.refresh_from_db()
    at, zone, stand = clock.now(), case.unit.zone, standing(case)
    open_still = case.closed is None
    ways = shortages.ways_for(case) if open_still else shortages.Ways([], [])
    see_by = stand.contact.see_by
    names = {
        "case": case,
        "stand": stand,
        "form": form,
        "see_by": presenters.near(see_by, at=at, zone=zone) if see_by else "",
        "inside": [(slot, kind_words(slot.kind)) for slot in ways.inside],
        "later": [presenters.time_choice(slot, at=at, zone=zone, kept=False) for slot in ways.later],
        "trades": [_trade_choice(each, at, zone) for each in shortages.tradable_for(case)] if open_still else [],
        "add_session": f"/desk/sessions/add/?day={_a_day(case, see_by, at).isoformat()}&case={case.id}",
        "words": presenters,
        "at": at,
    }
    return show(request, "desk/ways_out.html", here="alerts", status=status, zone=zone, **names)


def kind_words(kind: str) -> str:
    return {SlotKind.URGENT: _("urgent time"), SlotKind.REVISIT: _("revisit time")}.get(SlotKind(kind), kind)


def _trade_choice(each: shortages.Tradable, at: datetime, zone) -> dict[str, Any]:
    """A radio for somebody's kept time, with how well they could wait."""
    row, contact = each.appointment, each.contact
    said = presenters.time_words(row.slot, at=at, zone=zone)
    facts = [presenters.appointment_words(row)]
    if each.priority:
        facts.append(_("call of priority %(number)s") % {"number": each.priority})
    if contact.see_by:
        facts.append(_("to be seen by %(time)s") % {"time": presenters.near(contact.see_by, at=at, zone=zone)})
    if each.instead:
        instead = presenters.time_words(each.instead, at=at, zone=zone)
        facts.append(_("would get %(time)s instead") % {"time": instead})
    else:
        facts.append(_("would be without a time, and at risk"))
    text = f"{_capital(said)}, {row.patient.name}"
    return {
        "value": str(row.id),
        "text": text,
        "hint": {"text": f"{row.slot.session.person.name}. {', '.join(facts)}."},
    }


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _a_day(case: Case, see_by: datetime | None, at: datetime) -> date:
    """The last day on which a new session would still help; the next open one where nothing is promised or it has passed."""
    hours = case.unit.hours
    if see_by and see_by > at:
        return hours.day_of(see_by)
    return hours.next_open_day(hours.day_of(at))


# A time outside the template


class OpenTimeForm(Typed):
    """Who sees them, when, for how long, and why outside the template."""

    person = Id(required=False)
    day = Text()
    start = Text()
    length = Text()
    why = Text()

    def moment(self, zone, days: list[date]) -> datetime | None:
        """When it starts; what is missing or wrong is put beside its field."""
        said = self.cleaned_data
        if said["person"] is None:
            self.add_error("person", _("Choose who sees them."))
        if said["day"] not in {day.isoformat() for day in days}:
            self.add_error("day", _("Choose a day."))
        if not said["why"].strip():
            self.add_error("why", _("Say why: it stands in the journal."))
        if said["length"] not in {str(minutes) for minutes in LENGTHS}:
            self.add_error("length", _("Choose how long."))
        try:
            start = time.fromisoformat(said["start"].strip().replace(".", ":").zfill(5))
        except ValueError:
            self.add_error("start", _("Write when it starts, such as 14:30."))
        return None if self.errors else datetime.combine(date.fromisoformat(said["day"]), start, zone)


@require_http_methods(["GET", "POST"])
@staff_page("give_times")
def open_time(request: HttpRequest, case_id) -> HttpResponse:
    case = case_for(request.user, case_id)
    days = _days(case)
    form = OpenTimeForm(
        request.POST if request.method == "POST" else None,
        initial={"day": days[0].isoformat(), "length": "30"},
    )
    status = 200
    if request.method == "POST":
        form.is_valid()
        status = _open(request, case, form, days)
        if status == 302:
            case.refresh_from_db()
            return redirect(_back(request.user, case))
    return _open_page(request, case, form, days, status)


def _open(request: HttpRequest, case: Case, form: OpenTimeForm, days: list[date]) -> int:
    starts_at = form.moment(case.unit.zone, days)
    chosen = form.cleaned_data.get("person")
    person = clinicians_of(case.unit).filter(id=chosen).first()
    if person is None and chosen:
        form.add_error("person", _("Choose a clinician from the list."))
    if form.errors or starts_at is None or person is None:
        return 422
    length = timedelta(minutes=int(form.cleaned_data["length"]))
    try:
        given = contacts.open_time(
            case, person=person, starts_at=starts_at, ends_at=starts_at + length, why=form.typed("why"), by=request.user
        )
    except Invalid as refused:
        form.take(refused)
        return 422
    except Refused as refused:
        form.add_error(None, str(refused))
        return 409
    note(request, said_of(case, given))
    return 302


def _open_page(request: HttpRequest, case: Case, form: OpenTimeForm, days: list[date], status: int) -> HttpResponse:
    at, zone, stand = clock.now(), case.unit.zone, standing(case)
    see_by = stand.contact.see_by
    names = {
        "case": case,
        "form": form,
        "see_by": presenters.near(see_by, at=at, zone=zone) if see_by else "",
        "people": [{"value": str(each.id), "text": each.name} for each in clinicians_of(case.unit)],
        "days": [{"value": day.isoformat(), "text": _capital(words.day_name(day))} for day in days],
        "lengths": [
            {"value": str(each), "text": ngettext("%(count)s minute", "%(count)s minutes", each) % {"count": each}}
            for each in LENGTHS
        ],
        "back": _back(request.user, case),
    }
    return show(request, "desk/open_time.html", here="alerts", status=status, zone=zone, **names)


def _days(case: Case) -> list[date]:
    """The open days inside the promise; where nothing is promised or it has passed, the next five."""
    hours, at, see_by = case.unit.hours, clock.now(), case.contact.see_by
    today = hours.day_of(at)
    close = hours.close_of(today)
    days = [today if close and at < close else hours.next_open_day(today)]
    last = hours.day_of(see_by) if see_by and see_by > at else None
    while len(days) < 5 and (last is None or days[-1] < last):
        days.append(hours.next_open_day(days[-1]))
    return days


def _back(user: User, case: Case) -> str:
    """To the call that this person is making, else to the alerts."""
    callback = calls.open_of_case(case.id)
    if callback and may(user, "answer_calls") and holds(callback, user):
        return reverse("desk:call", args=[callback.id])
    return (
        reverse("desk:ways_out", args=[case.id])
        if may(user, "manage_times") and case.shortage
        else reverse("desk:alerts")
    )
