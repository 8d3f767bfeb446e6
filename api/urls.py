"""Where the API hangs. Whatever is not there, or is no id, answers like what a caller may not know of."""

from django.urls import include, path, re_path
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from api.webhooks import twilio
from followup.core.errors import Unknown


@extend_schema(exclude=True)
class Nowhere(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request, **_) -> None:
        raise Unknown

    post = put = patch = delete = options = get


urlpatterns = [
    path("api/v1/", include("api.v1.urls")),
    re_path(r"^api/", Nowhere.as_view()),
    path("webhooks/twilio/status", twilio.status),
]
