"""Where each room's pages hang."""

from django.urls import path
from django.views.i18n import set_language

from followup import health

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("language", set_language, name="set_language"),
]

handler403 = "followup.faults.not_allowed"
handler404 = "followup.faults.not_found"
handler500 = "followup.faults.broken"
