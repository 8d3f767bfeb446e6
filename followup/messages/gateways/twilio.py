"""The only code that knows Twilio."""

from datetime import timedelta
from urllib.parse import urlsplit

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from followup.messages.gateways.answers import Never, NotNow, Uncertain
from followup.messages.models import Message

TIMEOUT_SECONDS = 10


class _Elsewhere(TwilioHttpClient):
    """Sends the official client's requests to TWILIO_BASE_URL, where one is set: a relay, or a test's own server."""

    def request(self, method, url, *args, **kwargs):
        if settings.TWILIO_BASE_URL:
            url = settings.TWILIO_BASE_URL.rstrip("/") + urlsplit(url)._replace(scheme="", netloc="").geturl()
        return super().request(method, url, *args, **kwargs)


class TwilioGateway:
    """Texts through Twilio. Our own id stands in the address that Twilio reports back to."""

    def __init__(self):
        http = _Elsewhere(timeout=TIMEOUT_SECONDS, max_retries=0)
        self.client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=http)

    def send(self, message: Message, body: str) -> str:
        try:
            taken = self.client.messages.create(
                to=message.to,
                body=body,
                status_callback=f"{settings.FOLLOWUP_PUBLIC_URL}/webhooks/twilio/status?message={message.id}",
                **self._sender(message),
            )
        except TwilioRestException as error:
            if error.status == 429 or error.status >= 500:
                raise NotNow(f"{error.status}") from error
            raise Never(str(error.code)) from error
        except requests.exceptions.ConnectTimeout as error:
            raise NotNow("no connection") from error
        except requests.exceptions.ConnectionError as error:
            if "NewConnectionError" in repr(error):
                raise NotNow("no connection") from error
            raise Uncertain("the line broke") from error
        except requests.exceptions.RequestException as error:
            raise Uncertain(type(error).__name__) from error
        return taken.sid

    def find(self, message: Message) -> str | None:
        """Look in Twilio's own list, by receiver, day and equal body.

        A body that holds a code is unlike the one kept here: of such a message nobody can tell.
        """
        if message.template == "code":
            return None
        day = message.attempted_at - timedelta(minutes=5)
        try:
            listed = self.client.messages.list(to=message.to, date_sent_after=day, limit=50)
        except (TwilioRestException, requests.exceptions.RequestException):
            return None
        return next((each.sid for each in listed if each.body == message.body), None)

    @staticmethod
    def _sender(message: Message) -> dict[str, str]:
        if message.template == "code" and settings.TWILIO_CODE_FROM:
            return {"from_": settings.TWILIO_CODE_FROM}
        if settings.TWILIO_MESSAGING_SERVICE_SID:
            return {"messaging_service_sid": settings.TWILIO_MESSAGING_SERVICE_SID}
        return {"from_": settings.TWILIO_FROM}


def is_genuine(url: str, fields: dict[str, str], signature: str) -> bool:
    """Did Twilio itself send this to us? Without an account nobody can have: an empty token would sign for anybody."""
    token = settings.TWILIO_AUTH_TOKEN
    return bool(token) and RequestValidator(token).validate(url, fields, signature)
