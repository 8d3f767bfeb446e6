"""The ways out. Each is one small class with `send` and `find`; which one serves a channel, the settings say."""

from django.conf import settings

from followup.messages.gateways.answers import Gateway, Never, NotNow, Trouble, Uncertain
from followup.messages.gateways.email import EmailGateway
from followup.messages.gateways.local import LocalGateway
from followup.messages.models import Channel

__all__ = ["Gateway", "Never", "NotNow", "Trouble", "Uncertain", "gateway_for"]


def gateway_for(channel: str) -> Gateway:
    if channel == Channel.SMS and settings.TWILIO_ACCOUNT_SID:
        from followup.messages.gateways.twilio import TwilioGateway  # heavy, and of no use without an account

        return TwilioGateway()
    if channel == Channel.EMAIL and settings.EMAIL_URL:
        return EmailGateway()
    return LocalGateway()
