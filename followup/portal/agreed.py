"""What we agreed: a page for each finished call, to read again and to print."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from followup.contacts.agreed import agreement_for
from followup.core import clock
from followup.people.models import Patient
from followup.portal.doors import patient_page


@require_safe
@patient_page
def agreed(request: HttpRequest, patient: Patient, outcome_id: UUID) -> HttpResponse:
    agreement = agreement_for(request.user, outcome_id)
    return render(request, "portal/agreed.html", {"agreed": agreement, "patient": patient, "at": clock.now()})
