"""What the patient can read again: our messages, who looked, earlier contacts and what was agreed."""

from collections.abc import Callable
from datetime import UTC, datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from followup.contacts import queries as contacts
from followup.contacts.agreed import agreed_in
from followup.core import journal
from followup.messages import queries as messages
from followup.people.models import Patient, Unit
from followup.people.signin.sessions import not_a_use
from followup.portal.doors import patient_page
from followup.portal.presenters import reason_of
from followup.portal.told_presenters import address_of, channel_of, place_of, role_of, sending_of

PAGE = 20
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


@require_safe
@patient_page
def told(request: HttpRequest, patient: Patient) -> HttpResponse:
    """What we told you, newest first."""
    rows = messages.told_to(patient).filter(created_at__lt=_before(request))
    shown = [(row, channel_of(row), address_of(row), sending_of(row)) for row in rows[: PAGE + 1]]
    return render(
        request,
        "portal/messages.html",
        {"messages": shown[:PAGE], "older": _older(shown, lambda row: row[0].created_at)},
    )


@require_safe
@patient_page
def who_looked(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Everybody who opened this patient's record, newest first."""
    rows = journal.looks_at(patient.id).filter(at__lt=_before(request))
    shown = [(look, role_of(look), place_of(look)) for look in rows[: PAGE + 1]]
    return render(
        request, "portal/who_looked.html", {"looks": shown[:PAGE], "older": _older(shown, lambda row: row[0].at)}
    )


@require_safe
@patient_page
def earlier(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Every time the patient got in touch, and what was agreed."""
    rows = contacts.earlier_contacts(patient, before=_before(request), limit=PAGE + 1)
    led_to = agreed_in([row.case for row in rows])
    shown = [(row, reason_of(row.case.programme.rules, row.reason), led_to[row.case_id]) for row in rows]
    return render(
        request,
        "portal/contacts.html",
        {"contacts": shown[:PAGE], "older": _older(shown, lambda row: row[0].received_at)},
    )


@not_a_use
@require_safe
def demo_messages(request: HttpRequest) -> HttpResponse:
    """The telephone of the demonstration: whatever its local gateway delivered, sign-in codes too. Nowhere else does it exist."""
    unit = Unit.objects.filter(demo=True).order_by("created_at").first()
    if unit is None:
        raise Http404
    template = "portal/_demo_messages.html" if request.htmx else "portal/demo_messages.html"
    return render(request, template, {"deliveries": messages.local_deliveries(unit)[:12], "zone": unit.zone})


def _before(request: HttpRequest) -> datetime:
    """Where the page of older rows begins; whatever is no moment begins at the newest."""
    try:
        return datetime.strptime(request.GET.get("before", ""), MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _older(shown: list, moment: Callable[[tuple], datetime]) -> str:
    """The `before` of the next page, if there is one."""
    return moment(shown[PAGE - 1]).astimezone(UTC).strftime(MOMENT) if len(shown) > PAGE else ""
