"""Who somebody is and how they are reached, in short texts."""

from babel import Locale, UnknownLocaleError
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followup.contacts.models import Contact
from followup.core import words
from followup.people import phones
from followup.people.models import Patient


def language_name(code: str) -> str:
    """The name of a language in the language of the page; the code itself when nobody knows it."""
    try:
        return Locale.parse(code).get_language_name(get_language() or "en") or code
    except (ValueError, UnknownLocaleError):
        return code


def speaks(patient: Patient, contact: Contact | None = None) -> str:
    """Swedish; Arabic, interpreter."""
    wish = contact.preferred if contact else {}
    code = wish.get("language") or patient.spoken_language or patient.language
    name = language_name(code)
    if wish.get("interpreter", patient.interpreter):
        return _("%(language)s, interpreter") % {"language": name}
    return name


def reach(patient: Patient) -> str:
    return reach_words(patient.reach)


def reach_words(reach: str) -> str:
    return {"phone_only": _("Phone only"), "no_channel": _("No channel")}.get(reach, "")


def born(patient: Patient) -> str:
    return _("born %(day)s") % {"day": words.day(patient.born_on)}


def check_sentence() -> str:
    return _("Read out: “May I have your full name and date of birth, please?”")


def facts_of(patient: Patient, contact: Contact | None = None) -> list[str]:
    """Short facts for a caller: language, voicemail, how they are reached."""
    wish = contact.preferred if contact else {}
    voicemail = wish.get("voicemail", patient.voicemail)
    said = [
        speaks(patient, contact),
        _("You may leave a voicemail") if voicemail else _("Leave no voicemail"),
        reach(patient),
    ]
    return [capfirst(fact) for fact in said if fact]


def phone_of(patient: Patient) -> str:
    """The number as it was typed; one that came in without spaces is set apart."""
    typed = patient.phone_shown or patient.phone
    return phones.shown(typed) if typed.startswith("+") and typed == patient.phone else typed


def wished_hours(contact: Contact) -> str:
    """When they would like to be rung, as they said it."""
    earliest, latest = contact.preferred.get("not_before"), contact.preferred.get("not_after")
    if earliest and latest:
        return _("between %(from)s and %(to)s") % {"from": earliest, "to": latest}
    if earliest:
        return _("after %(from)s") % {"from": earliest}
    return _("before %(to)s") % {"to": latest} if latest else ""


def channel_words(channel: str) -> str:
    return {
        "web": _("on the web"),
        "phone": _("by telephone"),
        "sms": _("by text message"),
        "email": _("by e-mail"),
        "paper": _("on paper"),
    }.get(channel, channel)
