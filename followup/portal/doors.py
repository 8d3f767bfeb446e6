"""Who may open a page of the portal."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from followup.core.errors import Unknown


def patient_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page of one patient, given to the view as its second argument: whoever has signed in, and nobody else.

    To staff these pages do not exist; what a patient may not know of does not either. Strangers sign in and come back.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.path if request.method in ("GET", "HEAD") else "/")
        patient = request.user.as_patient
        if patient is None:
            raise Http404
        try:
            return view(request, patient, *args, **kwargs)
        except Unknown as no:
            raise Http404 from no

    return guarded
