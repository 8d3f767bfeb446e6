"""The only code that knows Twilio."""

from datetime import timedelta
from urllib.parse import urlsplit

import requests
from django.conf import settings
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from followup.messages.gateways.answers import Gateway, Never, NotNow, Uncertain, rest
from followup.messages.models import Message, State

TWILIO = "https://api.twilio.com"
TIMEOUT_SECONDS = 10
NOT_TAKEN = (401, 403, 408, 429, 503)
"""Answers that say for certain that nothing was done, and that may be otherwise later: our account, or how busy they are."""
FAULT_OF_THEIRS = "their fault:"
LONGEST_WAIT = 6 * 3600.0


class _Http(TwilioHttpClient):
    """Sends the official client's requests to TWILIO_BASE_URL, where one is set: a relay, or a test's own server.

    Reads what the client throws away: for how long we are asked to wait. Looks once into the environment for a proxy and for
    certificates: for each text that was a fifth of what the client costs.
    """

    def __init__(self):
        super().__init__(timeout=TIMEOUT_SECONDS, max_retries=0)
        found = self.session.merge_environment_settings(settings.TWILIO_BASE_URL or TWILIO, {}, None, None, None)
        self.session.proxies, self.session.verify = found["proxies"], found["verify"]
        self.session.trust_env = False

    def request(self, method, url, *args, **kwargs):
        if settings.TWILIO_BASE_URL:
            url = settings.TWILIO_BASE_URL.rstrip("/") + urlsplit(url)._replace(scheme="", netloc="").geturl()
        try:
            answer = super().request(method, url, *args, **kwargs)
        except requests.exceptions.RequestException as error:
            if isinstance(error, requests.exceptions.ConnectTimeout) or "NewConnectionError" in repr(error):
                raise NotNow("no connection", wait_seconds=rest()) from error
            raise
        if answer.status_code in NOT_TAKEN:
            raise NotNow(f"{answer.status_code}", wait_seconds=_wait(answer.headers))
        return answer


def _wait(headers) -> float | None:
    """Seconds that Retry-After asks for; a date, or anything else, is left to our own gaps."""
    said = (headers or {}).get("Retry-After", "")
    return min(float(said), LONGEST_WAIT) if said.isdecimal() else None


class TwilioGateway(Gateway):
    """Texts through Twilio. Our own id stands in the address that Twilio reports back to."""

    def __init__(self):
        self.per_second = settings.FOLLOWUP_SMS_PER_SECOND
        self.client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, http_client=_Http())

    def send(self, message: Message, body: str) -> str:
        try:
            taken = self.client.messages.create(
                to=message.to,
                body=body,
                status_callback=f"{settings.FOLLOWUP_PUBLIC_URL}/webhooks/twilio/status?message={message.id}",
                **self._sender(message),
            )
        except TwilioException as error:
            status = int(getattr(error, "status", 0))
            if status < 400 or status >= 500:
                raise Uncertain(f"{FAULT_OF_THEIRS} {status}") from error
            raise Never(str(getattr(error, "code", status))) from error
        except requests.exceptions.Timeout as error:
            raise Uncertain("no answer", wait_seconds=rest()) from error
        except requests.exceptions.ConnectionError as error:
            raise Uncertain("the line broke") from error
        except requests.exceptions.RequestException as error:
            raise Uncertain(type(error).__name__) from error
        except (KeyError, TypeError, ValueError) as error:
            raise Uncertain("an answer that makes no sense") from error
        return taken.sid

    def find(self, message: Message, body: str) -> str | None:
        """Look in Twilio's own list, by receiver, sender, day and equal body.

        What we know to be another message is passed over. Where several with the same words are in doubt and not all are there, nobody can
        tell which. That it is not there proves nothing, but for a message that Twilio answered with a fault of its own.
        """
        day = message.attempted_at - timedelta(days=1)  # the list knows days, and their clock is not ours
        sender = {name: value for name, value in self._sender(message).items() if name == "from_"}
        try:
            listed = self.client.messages.list(to=message.to, date_sent_after=day, limit=50, **sender)
        except requests.exceptions.Timeout as error:
            raise NotNow("no answer", wait_seconds=rest()) from error
        except (TwilioException, requests.exceptions.RequestException, KeyError, TypeError, ValueError) as error:
            raise NotNow(type(error).__name__) from error
        same = {each.sid for each in listed if each.body == body}
        others = Message.objects.filter(to=message.to).exclude(id=message.id)
        unclaimed = sorted(same - set(others.filter(provider_id__in=same).values_list("provider_id", flat=True)))
        in_doubt = others.filter(body=message.body, state__in=(State.IN_FLIGHT, State.UNKNOWN)).count()
        if len(unclaimed) > in_doubt:
            return unclaimed[0]
        return "" if not unclaimed and message.trouble.startswith(FAULT_OF_THEIRS) else None

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
