"""The queue of calls: the next one, a chosen one, and the table that keeps itself up to date."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.callbacks import queries as calls
from followup.callbacks import services as callbacks
from followup.callbacks.models import Callback, CallbackWords
from followup.callbacks.policy import PRESSED_AGAIN
from followup.clinic import queries as times
from followup.core import clock, words
from followup.desk import presenters
from followup.desk.doors import note, part, show, staff_page
from followup.people.access import unit_of
from followup.people.models import Unit
from followup.people.queries import programme_at
from followup.people.signin.sessions import not_a_use

MOST_ROWS = 200
FILTERS: dict[str, Callable[[Unit], CallbackWords]] = {
    "all": calls.in_queue,
    "new": calls.came_while_closed,
    "flare": lambda unit: calls.in_queue(unit).filter(reason="flare"),
    "retry": lambda unit: calls.in_queue(unit).filter(unanswered__gt=0, decide_since=None),
    "decide": lambda unit: calls.in_queue(unit).to_decide(),
}


@require_GET
@staff_page("answer_calls")
def queue(request: HttpRequest) -> HttpResponse:
    return page(request)


@not_a_use
@require_GET
@staff_page("answer_calls")
def rows(request: HttpRequest) -> HttpResponse:
    """The table by itself, for a page that keeps itself up to date."""
    return part(request, "desk/_queue.html", **table(request)) if request.htmx else page(request)


def page(request: HttpRequest, *, lost: str = "", lost_text: str = "", status: int = 200) -> HttpResponse:
    """The queue; `lost` says why a nurse is back here, `lost_text` is what she had typed."""
    return show(
        request, "desk/queue.html", here="queue", status=status, lost=lost, lost_text=lost_text, **table(request)
    )


def table(request: HttpRequest) -> dict:
    unit, at = unit_of(request.user), clock.now()
    chosen = request.GET.get("show", "all")
    chosen = chosen if chosen in FILTERS else "all"
    rows = presenters.queue_rows(
        _found(unit, chosen), request.user, at=at, zone=unit.zone, in_charge=times.nurse_in_charge(unit, at)
    )
    numbers = calls.numbers(unit, request.user)
    return {
        "rows": rows,
        "mark": presenters.mark_of(rows),
        "counts": _counts(unit, numbers),
        "filters": _filters(chosen, numbers),
        "mine": numbers.mine,
        "chosen": chosen,
        "as_of": words.clock24(at, zone=unit.zone),
        "news": _("%(waiting)s waiting, %(late)s late") % {"waiting": numbers.waiting, "late": numbers.late},
        "next_planned": _next_planned(unit) if not rows else "",
    }


def _found(unit: Unit, chosen: str) -> list[Callback]:
    rows = FILTERS[chosen](unit).select_related("case__programme", "case__contact")
    return list(rows[:MOST_ROWS])


def _counts(unit: Unit, numbers: calls.Numbers) -> list[dict]:
    at = clock.now()
    programme = programme_at(unit)
    until = unit.hours.moment(programme.rules.see_within(), at) if programme else None
    longest = words.duration(at - numbers.oldest, short=True) if numbers.oldest else "–"
    return [
        {"text": _("Waiting"), "value": numbers.waiting},
        {"text": _("Late"), "value": numbers.late, "late": True},
        {"text": _("Mine"), "value": numbers.mine},
        {"text": _("To decide"), "value": numbers.to_decide},
        {"text": _("Longest wait"), "value": longest},
        {"text": _("Urgent times left"), "value": times.urgent_left(unit, until) if until else 0},
    ]


def _filters(chosen: str, numbers: calls.Numbers) -> list[dict]:
    names = {
        "all": _("All"),
        "new": _("New since we closed"),
        "flare": _("Flare-up"),
        "retry": _("Retry"),
        "decide": _("To decide"),
    }
    counts = {"decide": numbers.to_decide}
    return [{"id": id, "text": name, "here": id == chosen, "count": counts.get(id, 0)} for id, name in names.items()]


def _next_planned(unit: Unit) -> str:
    planned, at = calls.next_planned(unit), clock.now()
    return presenters.near(planned, at=at, zone=unit.zone) if planned else ""


@require_POST
@staff_page("answer_calls")
def take_next(request: HttpRequest) -> HttpResponse:
    return go_to_next(request)


def go_to_next(request: HttpRequest, saved: str = "") -> HttpResponse:
    """To the next call, or back to the queue with a word about when there will be one."""
    callback = callbacks.claim_next(by=request.user, just_opened=PRESSED_AGAIN)
    if callback:
        if saved:
            note(request, saved)
        return redirect("desk:call", callback.id)
    planned = _next_planned(unit_of(request.user))
    nobody = (
        _("Nobody can be rung now. The next planned call: %(time)s.") % {"time": planned}
        if planned
        else _("Nobody is waiting.")
    )
    note(request, f"{saved} {nobody}".strip())
    return redirect("desk:queue")


@require_http_methods(["GET", "POST"])
@staff_page("answer_calls")
def open_chosen(request: HttpRequest, callback_id) -> HttpResponse:
    """Take this call out of its turn: asks why."""
    callback = calls.callback_for(request.user, callback_id)
    why = request.POST.get("why", "").replace("\x00", "")[:500]
    error = ""
    if request.method == "POST":
        try:
            callbacks.claim_chosen(callback, by=request.user, why=why)
            return redirect("desk:call", callback.id)
        except callbacks.ReasonNeeded as refused:
            error = str(refused)
        except (callbacks.NotYours, callbacks.AlreadyEnded) as _refused:
            callback.refresh_from_db()
            return page(request, lost=presenters.taken_by(callback, clock.now()), status=409)
        except callbacks.PatientOnTheLine as refused:
            return page(request, lost=str(refused), status=409)
    elif callback.is_held(clock.now()) or callback.ended_at:
        return redirect("desk:call", callback.id)
    names = {
        "callback": callback,
        "why": why,
        "errors": [{"text": error, "href": "#why"}] if error else [],
        "error": error,
    }
    return show(request, "desk/open.html", here="queue", status=422 if error else 200, **names)
