"""What needs a person today: each line has an owner, a next step and one main button."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from followup.callbacks import queries as calls
from followup.cases.models import Case
from followup.clinic.queries import nurse_in_charge
from followup.contacts import escalations, shortages
from followup.core import clock, outbox
from followup.core.errors import Invalid, Unknown
from followup.desk import badges, presenters
from followup.desk.doors import note, show, staff_page
from followup.desk.forms import Text, Typed
from followup.messages import services as messages
from followup.messages.queries import message_for
from followup.people import duty
from followup.people.access import may, unit_of
from followup.people.models import Unit, User
from followup.people.queries import programme_at

MOST_ROWS = 50


@require_GET
@staff_page("see_alerts")
def alerts(request: HttpRequest) -> HttpResponse:
    unit, at = unit_of(request.user), clock.now()
    found = badges.alerts(unit)
    programme = programme_at(unit)
    lists = {name: list(rows[:MOST_ROWS]) for name, rows in vars(found).items() if name != "count"}
    in_charge = nurse_in_charge(unit, at)
    names = {
        "lists": lists,
        "count": found.count,
        "unsigned": [] if unit.demo or programme is None else programme.rules.unsigned(),
        "silence": escalations.silence(unit),
        "in_charge": in_charge.name if in_charge else "",
        "told": escalations.told_of(unit),
        "done": done_words(),
        "may_call": may(request.user, "answer_calls"),
        "may_manage": may(request.user, "manage_times"),
        "may_give": may(request.user, "give_times"),
        "may_ask": may(request.user, "hand_asks"),
        "unit_day": unit.hours.day_of,
        "words": presenters,
        "at": at,
        **_offers(unit, lists["at_risk"], lists["held_near"]),
    }
    return show(request, "desk/alerts.html", here="alerts", zone=unit.zone, **names)


def _offers(unit: Unit, at_risk: list[Case], held_near: Iterable[Case]) -> dict[str, Any]:
    """The earliest time for each case at risk, and the open call of each whose held time is near."""
    owed = calls.of_cases([case.id for case in held_near])
    return {
        "offered": shortages.earliest_for_each(at_risk) if at_risk else {},
        "calls": {id: call for id, call in owed.items() if call.ended_at is None},
    }


def done_words() -> list[tuple[str, str]]:
    """What a person may have done about a message that did not arrive."""
    return [
        ("rang", _("I rang them")),
        ("letter", _("I wrote a letter")),
        ("address", _("I mended the address")),
        ("told", _("I told them another way")),
    ]


@require_POST
@staff_page("see_alerts")
def settle_message(request: HttpRequest, message_id) -> HttpResponse:
    message = message_for(request.user, message_id)
    try:
        messages.settle_message(message.id, by=request.user, done=request.POST.get("done", ""))
    except Invalid as refused:
        note(request, " ".join(refused.errors.values()))
    else:
        name = message.patient.name if message.patient else _("a colleague")
        note(request, _("Dealt with: the message to %(name)s.") % {"name": name})
    return redirect("desk:alerts")


@require_POST
@staff_page("manage_times")
def try_again(request: HttpRequest, row_id: int) -> HttpResponse:
    row = badges.given_up(unit_of(request.user)).filter(id=row_id).first()
    if row is None:
        raise Unknown
    outbox.try_again(row.id, by=request.user)
    note(request, _("It is tried again now. If it fails once more, it comes back here."))
    return redirect("desk:alerts")


class WhereForm(Typed):
    """The address for closed hours, and a field `number-<id>` for each of the staff."""

    email = Text()
    phone = Text()

    def __init__(self, people: list[User], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for each in people:
            self.fields[f"number-{each.id}"] = Text()
            self.initial[f"number-{each.id}"] = each.phone


@require_http_methods(["GET", "POST"])
@staff_page("manage_times")
def told_where(request: HttpRequest) -> HttpResponse:
    unit = unit_of(request.user)
    people = list(duty.who_is_told(unit))
    now = {"email": unit.on_call_email, "phone": unit.on_call_phone}
    form = WhereForm(people, request.POST if request.method == "POST" else None, initial=now)
    if request.method == "POST":
        form.is_valid()
        said = form.cleaned_data
        numbers = {each.id: said[f"number-{each.id}"] for each in people}
        try:
            duty.say_where(unit, by=request.user, email=said["email"], phone=said["phone"], numbers=numbers)
        except Invalid as refused:
            form.take(refused)
        else:
            note(request, _("Saved: where staff are told."))
            return redirect("desk:alerts")
    return show(
        request, "desk/told_where.html", here="alerts", status=422 if form.errors else 200, form=form, people=people
    )
