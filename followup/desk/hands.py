"""A call changes hands or waits: taken over, handed over, put off within the day, given back before a break; and what is decided
when nobody answered the last try."""

from datetime import date, datetime, time

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback
from followup.clinic import queries as rota
from followup.contacts import services as contacts
from followup.contacts.queries import standing
from followup.core import clock, words
from followup.core.errors import Invalid, Refused
from followup.desk import presenters, queue
from followup.desk.call_page import about_the_patient
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import DecisionForm, HandOverForm, LaterForm
from followup.people import access
from followup.people.models import Role

DAYS_TO_CHOOSE = 5
OVER = (callbacks.NotYours, callbacks.AlreadyEnded, callbacks.PatientOnTheLine, callbacks.NothingToDecide)


@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def take_over(request: HttpRequest, callback_id) -> HttpResponse:
    """A colleague has this call: it is taken over with a reason."""
    callback = calls.callback_for(request.user, callback_id)
    at, error = clock.now(), ""
    why = request.POST.get("why", "").replace("\x00", "")[:500]
    if request.method == "POST":
        try:
            contacts.take_over(callback, by=request.user, why=why)
            return redirect("desk:call", callback.id)
        except callbacks.ReasonNeeded as refused:
            error = str(refused)
        except OVER as refused:
            return queue.page(request, lost=_why_not(callback, refused), status=409)
    elif not callback.is_held(at) or callback.claimed_by_id == request.user.id:
        return redirect("desk:call" if callback.claimed_by_id == request.user.id else "desk:open", callback.id)
    names = {
        "callback": callback,
        "holder": callback.claimed_by.name if callback.claimed_by else "",
        "since": presenters.ago(callback.claimed_at or at, at),
        "rings": callback.is_held(at) and callback.dialled_at is not None,
        "why": why,
        "errors": [{"text": error, "href": "#why"}] if error else [],
        "error": error,
    }
    return show(request, "desk/take_over.html", here="queue", status=422 if error else 200, **names)


@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def hand_over(request: HttpRequest, callback_id) -> HttpResponse:
    """To a named colleague, with a note."""
    callback = calls.callback_for(request.user, callback_id)
    form = HandOverForm(request.POST if request.method == "POST" else None)
    colleagues = list(calls.colleagues_of(request.user))
    if form.is_bound and form.is_valid():
        to = next((each for each in colleagues if each.id == form.cleaned_data["to"]), None)
        try:
            if to is None:
                raise callbacks.NotAColleague
            contacts.hand_over(callback, to=to, note=form.cleaned_data["note"], by=request.user)
            said = {"name": callback.patient.name, "colleague": to.name}
            note(request, _("%(colleague)s has the call to %(name)s now, with your notes.") % said)
            return redirect("desk:queue")
        except callbacks.NotAColleague as refused:
            form.add_error("to", str(refused))
        except OVER as refused:
            return queue.page(request, lost=_why_not(callback, refused), status=409)
    names = {"callback": callback, "form": form}
    names["colleagues"] = [
        {"value": str(each.id), "text": each.name, "hint": {"text": Role(each.works_as).label}} for each in colleagues
    ]
    return show(request, "desk/hand_over.html", here="queue", status=422 if form.errors else 200, **names)


@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def later(request: HttpRequest, callback_id) -> HttpResponse:
    """Not before 16:00: a call is put off within the day."""
    callback = calls.callback_for(request.user, callback_id)
    hours, at = callback.unit.hours, clock.now()
    form = LaterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            contacts.put_off(
                callback,
                by=request.user,
                start=_moment(hours.day_of(at), said["time"], hours.zone),
                why=said["why"],
                agreed=said["agreed"] == ["yes"],
            )
            saved = {"name": callback.patient.name, "time": f"{said['time']:%H:%M}"}
            note(request, _("%(name)s is rung after %(time)s today.") % saved)
            return redirect("desk:queue")
        except Invalid as refused:
            form.take(refused)
        except callbacks.CannotWait as refused:
            form.add_error("time", str(refused))
        except OVER as refused:
            return queue.page(request, lost=_why_not(callback, refused), status=409)
    names = {
        "callback": callback,
        "form": form,
        "promised": presenters.promised(callback, at=at, zone=hours.zone),
        "closes": words.clock24(hours.close_of(hours.day_of(at)), zone=hours.zone) if hours.is_open(at) else "",
        "cannot": callback.priority == 1,
    }
    return show(request, "desk/later.html", here="queue", status=422 if form.errors else 200, **names)


@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def going(request: HttpRequest) -> HttpResponse:
    """A break, or home: what this nurse has goes back, with one note to whoever comes next."""
    signs_out = request.GET.get("then") == "out"
    at, zone = clock.now(), access.unit_of(request.user).zone
    if request.method == "POST":
        back = contacts.give_back_all(by=request.user, note=request.POST.get("note", ""))
        if signs_out:
            logout(request)
            return redirect("account_login")
        count = len(back)
        said = ngettext("%(count)s call is back in the queue.", "%(count)s calls are back in the queue.", count)
        note(request, said % {"count": count} if back else _("You have no calls in hand."))
        return redirect("desk:queue")
    mine = [
        {
            "call": each,
            "reason": presenters.reason_of(each),
            "promised": presenters.promised(each, at=at, zone=zone),
            "draft": each.draft_note,
        }
        for each in calls.held_by(request.user)
    ]
    return show(request, "desk/going.html", here="queue", mine=mine, signs_out=signs_out)


@require_POST
@staff_page("see_patients")
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out. Calls in hand are offered back first; `anyway` lets their leases run out instead."""
    if not request.POST.get("anyway") and calls.held_by(request.user):
        return redirect(f"{reverse('desk:going')}?then=out")
    logout(request)
    return redirect("account_login")


@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def decide(request: HttpRequest, callback_id) -> HttpResponse:
    """Nobody answered the last try: ring again at a chosen time, a letter, or the call page and its outcome."""
    callback = calls.callback_for(request.user, callback_id)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if request.method == "GET":
        if callback.ended_at or callback.decide_since is None:
            return redirect("desk:call", callback.id)
        access.open_record(callback.patient, by=request.user, where="decision page")
        return _decision_page(request, callback, form)
    form.is_valid()
    act = {"letter": _letter, "open": _open}.get(request.POST.get("do", ""), _ring_again)
    try:
        return act(request, callback, form)
    except Invalid as refused:
        form.take(refused)
        return _decision_page(request, callback, form)
    except OVER as refused:
        return queue.page(request, lost=_why_not(callback, refused), status=409)


def _ring_again(request: HttpRequest, callback: Callback, form: DecisionForm) -> HttpResponse:
    if form.errors:
        return _decision_page(request, callback, form)
    said, zone = form.cleaned_data, callback.unit.zone
    start = _moment(said["day"], said["time"], zone)
    contacts.ring_again(callback, by=request.user, start=start, why=said["why"])
    when = {"name": callback.patient.name, "time": presenters.near(start, at=clock.now(), zone=zone)}
    note(request, _("%(name)s is rung again: %(time)s.") % when)
    return redirect("desk:queue")


def _letter(request: HttpRequest, callback: Callback, form: DecisionForm) -> HttpResponse:
    callback = contacts.letter_sent(callback, by=request.user)
    zone = callback.unit.zone
    said = {"name": callback.patient.name, "day": words.day_name(callback.due, zone=zone)}
    note(request, _("The letter to %(name)s is noted. It is due for another look on %(day)s.") % said)
    return redirect("desk:queue")


def _open(request: HttpRequest, callback: Callback, form: DecisionForm) -> HttpResponse:
    callbacks.claim_chosen(callback, by=request.user, why=_("To decide after the last try."))
    return redirect("desk:call", callback.id)


def _decision_page(request: HttpRequest, callback: Callback, form: DecisionForm) -> HttpResponse:
    at, hours = clock.now(), callback.unit.hours
    stand = standing(callback.case)
    days = _open_days(hours, at)
    names = about_the_patient(stand, at) | {
        "callback": callback,
        "form": form,
        "tries": [
            {"at": presenters.near(each.at, at=at, zone=hours.zone), "by": each.by.name}
            for each in calls.tries_of_case(callback.case_id).filter(callback=callback)
        ],
        "decider": presenters.decider(callback, stand.contact, rota.nurse_in_charge(callback.unit, at)),
        "in_charge_decides": presenters.in_charge_decides(callback, stand.contact),
        "letter": presenters.letter_words(callback, at=at, zone=hours.zone),
        "look_again": words.day_name(
            hours.add_working_days(at, stand.rules.queue.letter_wait_working_days), zone=hours.zone
        ),
        "days": [{"value": day.isoformat(), "text": presenters.day_words(day, today=hours.day_of(at))} for day in days],
        "chosen_day": form.typed("day") or days[0].isoformat(),
    }
    status = 422 if form.errors else 200
    return show(request, "desk/decide.html", here="queue", status=status, zone=hours.zone, **names)


def _open_days(hours, at: datetime) -> list[date]:
    """Today if there is still an open hour in it, and the next open days."""
    closes = hours.close_of(hours.day_of(at))
    day = hours.day_of(at) if closes and closes > at else hours.next_open_day(hours.day_of(at))
    days = [day]
    while len(days) < DAYS_TO_CHOOSE:
        days.append(hours.next_open_day(days[-1]))
    return days


def _moment(day: date | None, clock_time: time | None, zone) -> datetime | None:
    return datetime.combine(day, clock_time, zone) if day and clock_time else None


def _why_not(callback: Callback, refused: Refused) -> str:
    callback.refresh_from_db()
    whose = isinstance(refused, callbacks.NotYours | callbacks.AlreadyEnded)
    return presenters.taken_by(callback, clock.now()) if whose else str(refused)
