"""What the pages say about messages that were sent and about who looked. Pure: rows in, words out."""

from django.utils.translation import gettext as _

from followup.core.models import Entry
from followup.messages.models import Channel, Message
from followup.messages.models import State as Sending
from followup.people import phones
from followup.people.models import Role


def channel_of(message: Message) -> str:
    return _("Text message") if message.channel == Channel.SMS else _("E-mail")


def address_of(message: Message) -> str:
    """Where it went, a number as people read it."""
    return phones.shown(message.to) if message.channel == Channel.SMS else message.to


def sending_of(message: Message) -> str:
    return {
        Sending.QUEUED: _("On its way"),
        Sending.IN_FLIGHT: _("On its way"),
        Sending.SENT: _("Sent"),
        Sending.DELIVERED: _("Delivered"),
        Sending.FAILED: _("Could not be sent"),
        Sending.UNKNOWN: _("We do not know whether it arrived"),
    }[Sending(message.state)]


def role_of(look: Entry) -> str:
    return str(Role(look.actor_role).label) if look.actor_role in Role.values else look.actor_role


def place_of(look: Entry) -> str:
    """Where somebody saw the record, in words."""
    where = str(look.detail.get("where", ""))
    return {
        "call page": _("When preparing a call with you"),
        "call": _("When preparing a call with you"),
        "record": _("On your patient page"),
        "request page": _("When reading your request"),
        "contact": _("When reading your request"),
        "question page": _("When answering a question about you"),
        "question from a call": _("When answering a question about you"),
    }.get(where, _("In your record"))
