"""The Jinja2 environment of all our pages: components of the NHS.UK frontend, translation, and our way of saying days and times."""

from collections.abc import Iterable
from datetime import date, datetime, time

from django.forms import BaseForm
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, npgettext, pgettext
from django_htmx.jinja import htmx_script
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader, pass_context
from jinja2.runtime import Context

from followup.core import clock, words
from followup.core.words import Zone


class Pages(Environment):
    def make_globals(self, d):
        """No template of ours has globals of its own. Without the layer for them an import is looked up in half the time: the
        components import one another some four hundred times a page.
        """
        return super().make_globals(d) if d else self.globals


def environment(**options) -> Environment:
    # The NHS.UK components read parameters nobody gave, two levels deep.
    options["undefined"] = ChainableUndefined
    options["loader"] = ChoiceLoader([options["loader"], PackageLoader("nhsuk_frontend_jinja")])
    options["extensions"] = ["jinja2.ext.i18n", *options.get("extensions", [])]
    env = Pages(trim_blocks=True, lstrip_blocks=True, **options)  # nosec B701  # noqa: S701  Django's backend says autoescape=True
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(
        gettext=gettext, ngettext=ngettext, pgettext=pgettext, npgettext=npgettext, newstyle=True
    )
    env.globals |= {
        "static": static,
        "url": _url,
        "get_language": get_language,
        "htmx_script": htmx_script,
        "now": clock.now,
        "error_list": error_list,
        "field_error": field_error,
    }
    env.filters |= {
        "day": day,
        "day_name": day_name,
        "clock_time": clock_time,
        "clock24": clock24,
        "moment": moment,
        "day_and_time": day_and_time,
        "duration": words.duration,
        "capital": capfirst,
    }
    return env


def _url(name: str, *args, **kwargs) -> str:
    return reverse(name, args=args, kwargs=kwargs)


def _zone(context: Context, zone: Zone | None) -> Zone:
    """The clinic's zone: as given, else the page's `zone`, else the one in force (inside macros the page's names are not seen)."""
    return zone or context.get("zone") or timezone.get_current_timezone()


@pass_context
def day(context: Context, value: date, zone: Zone | None = None) -> str:
    return words.day(value, zone=_zone(context, zone))


@pass_context
def day_name(context: Context, value: date, zone: Zone | None = None) -> str:
    return words.day_name(value, zone=_zone(context, zone))


@pass_context
def clock_time(context: Context, value: datetime | time, zone: Zone | None = None) -> str:
    return words.clock_time(value, zone=_zone(context, zone))


@pass_context
def clock24(context: Context, value: datetime | time, zone: Zone | None = None) -> str:
    return words.clock24(value, zone=_zone(context, zone))


@pass_context
def moment(
    context: Context, value: datetime, now: datetime | None = None, zone: Zone | None = None, staff: bool = False
) -> str:
    return words.moment(value, now=now or clock.now(), zone=_zone(context, zone), staff=staff)


@pass_context
def day_and_time(
    context: Context, value: datetime, now: datetime | None = None, zone: Zone | None = None, staff: bool = False
) -> str:
    return words.day_and_time(value, now=now or clock.now(), zone=_zone(context, zone), staff=staff)


def error_list(forms: BaseForm | Iterable[BaseForm] | None) -> list[dict[str, str]]:
    """The lines of the error summary, each leading to its field: a component's first input has the field's name as its id."""
    if not forms:
        return []
    several = [forms] if isinstance(forms, BaseForm) else forms
    return [
        {"text": message, "href": f"#{form.add_prefix(name)}"} if name != "__all__" else {"text": message}
        for form in several
        for name, messages in form.errors.items()
        for message in messages
    ]


def field_error(form: BaseForm | None, name: str) -> dict[str, str] | None:
    """The `errorMessage` of one field for a component, or None."""
    messages = form.errors.get(name) if form else None
    return {"text": " ".join(messages), "visuallyHiddenText": gettext("Error")} if messages else None
