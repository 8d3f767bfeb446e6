"""Another number, or other hours, for the call that is owed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from followup.cases.queries import open_contact_of
from followup.contacts import services as contacts
from followup.core.errors import Invalid
from followup.people.models import Patient
from followup.portal.doors import patient_page


@require_http_methods(["GET", "HEAD", "POST"])
@patient_page
def reach(request: HttpRequest, patient: Patient) -> HttpResponse:
    case = open_contact_of(patient)
    if case is None:
        return redirect("portal:home")
    preferred, errors = dict(case.contact.preferred), {}
    if request.method == "POST":
        preferred = {name: request.POST.get(name, "").strip() for name in ("phone", "not_before")}
        preferred |= {name: request.POST.get(name) == "yes" for name in ("voicemail", "interpreter")}
        try:
            contacts.change_how_to_reach(patient=patient, by=request.user, preferred=preferred)
            return redirect(f"{reverse('portal:tell_us')}?saved=reach")
        except contacts.NothingOpen:
            return redirect("portal:home")
        except Invalid as invalid:
            errors = {name.rpartition(".")[2]: words for name, words in invalid.errors.items()}
    names = {
        "preferred": preferred | {"phone": preferred.get("phone") or patient.phone_shown or patient.phone},
        "problems": {name: {"text": words, "visuallyHiddenText": _("Error")} for name, words in errors.items()},
        "errors": [{"text": words, "href": f"#{name}"} for name, words in errors.items()],
    }
    return render(request, "portal/reach.html", names, status=422 if errors else 200)
