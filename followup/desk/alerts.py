"""What needs a person today: for coordinators and the nurse in charge."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from followup.core import clock
from followup.desk import badges, presenters
from followup.desk.doors import show, staff_page
from followup.people.access import may, unit_of
from followup.people.queries import programme_at

MOST_ROWS = 50


@require_GET
@staff_page("see_alerts")
def alerts(request: HttpRequest) -> HttpResponse:
    unit = unit_of(request.user)
    found = badges.alerts(unit)
    programme = programme_at(unit)
    unsigned = [] if unit.demo or programme is None else programme.rules.unsigned()
    lists = {name: list(rows[:MOST_ROWS]) for name, rows in vars(found).items()}
    names = {
        "lists": lists,
        "count": found.count,
        "unsigned": unsigned,
        "may_call": may(request.user, "answer_calls"),
        "words": presenters,
        "at": clock.now(),
    }
    return show(request, "desk/alerts.html", here="alerts", zone=unit.zone, **names)
