"""What the frames of our pages promise to whoever writes a page."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.template import engines
from django.template.loader import render_to_string
from django.utils import translation

from followup.context import clinic_of
from followup.core import clock
from followup.jinja import error_list, field_error
from followup.people.models import Unit

VISIT = datetime(2026, 11, 26, 14, 40, tzinfo=UTC)


class Request(forms.Form):
    reason = forms.CharField(error_messages={"required": "Choose why you are getting in touch"})
    phone = forms.CharField(required=False)


def said(template: str, **context: object) -> str:
    return engines["jinja2"].from_string(template).render(context)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
@pytest.mark.parametrize("language", ["en", "sv"])
def test_a_fault_page_needs_neither_request_nor_database(status, language):
    with translation.override(language):
        page = render_to_string(f"errors/{status}.html")
    assert f'lang="{language}"' in page
    assert "<h1" in page


def test_a_title_begins_with_error_when_something_is_to_be_put_right():
    unfinished = Request({})
    page = render_to_string("base.html", {"form": unfinished})
    assert "<title>Error: " in page
    assert 'href="#reason"' in page
    assert "<title>Error: " not in render_to_string("base.html", {"form": Request()})


def test_each_error_leads_to_its_field():
    form = Request({}, prefix="call")
    assert error_list(form) == [{"text": "Choose why you are getting in touch", "href": "#call-reason"}]
    assert field_error(form, "reason") == {"text": "Choose why you are getting in touch", "visuallyHiddenText": "Error"}
    assert field_error(form, "phone") is None
    assert error_list(None) == []


def test_an_error_of_the_whole_form_leads_nowhere():
    form = Request({"reason": "flare"})
    form.add_error(None, "Somebody else was faster")
    assert error_list([form]) == [{"text": "Somebody else was faster"}]


def test_days_and_times_are_said_in_the_zone_of_the_page():
    with clock.turned(VISIT):
        assert said("{{ at | moment }}", at=VISIT, zone="Europe/Stockholm") == "3:40pm today"
        assert said("{{ at | moment }}", at=VISIT, zone="UTC") == "2:40pm today"
        assert said("{{ at | moment(zone='Europe/London', staff=true) }}", at=VISIT, zone="UTC") == "14:40 today"
        assert (
            said("{{ at | day }}, {{ at | clock24 }}", at=VISIT, zone="Europe/Stockholm") == "26 November 2026, 15:40"
        )


def test_what_people_wrote_is_shown_as_text():
    assert said("{{ words }}", words="<b>worse</b>") == "&lt;b&gt;worse&lt;/b&gt;"


def test_every_shape_of_the_board_is_drawn():
    dots = ["not_yet", "patient", "clinic", "active", "due", "late", "done", "meeting"]
    drawn = {
        said("{% from 'components/shared.html' import shape %}{{ shape(dot) }}", dot=dot).split(">", 1)[1]
        for dot in dots
    }
    # Clinic and active share a square and differ in filling.
    assert len(drawn) == len(dots) - 1


def unit(**changes: object) -> Unit:
    week = {str(weekday): [["08:00", "16:00"]] for weekday in range(5)}
    return Unit(**{"name": "Lakeside clinic", "phone": "08-465 004 00", "weekly_hours": week} | changes)


def test_the_clinic_is_said_in_the_language_of_the_reader():
    with translation.override("sv"):
        clinic = clinic_of(unit())
    assert clinic.hours_text == "måndag till fredag 08:00–16:00"
    assert (clinic.phone, clinic.phone_link) == ("08-465 004 00", "tel:0846500400")


@pytest.mark.parametrize(
    ("colour", "shown"),
    [("#0b5d57", ""), ("#0B5D57", ""), ("#5A2D82", "#5a2d82"), ("red; } body { display: none", "")],
)
def test_a_clinic_has_one_colour_of_its_own_and_no_more(colour, shown):
    assert clinic_of(unit(colour=colour)).own_colour == shown
