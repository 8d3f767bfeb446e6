"""What staff type, parsed. The rules are the rooms' own: what they refuse is put beside its field."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext as _

from followup.core.errors import Invalid


class Many(forms.Field):
    """Ticked boxes: a list of texts."""

    widget = forms.SelectMultiple

    def to_python(self, value: Any) -> list[str]:
        return [str(each) for each in value or []]


class Id(forms.Field):
    """An id from a list; what is none counts as not chosen."""

    def to_python(self, value: Any) -> UUID | None:
        try:
            return UUID(str(value)) if value else None
        except ValueError:
            return None


class Text(forms.CharField):
    """Free text: PostgreSQL takes no NUL, and the rooms say how long is too long."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> str:
        return super().to_python(str(value or "").replace("\x00", ""))


class Typed(forms.Form):
    """A form whose typed values can be shown again, field by field."""

    def typed(self, name: str) -> Any:
        if not self.is_bound:
            return self.initial.get(name, [] if isinstance(self.fields.get(name), Many) else "")
        if isinstance(self.fields.get(name), Many):
            return self.data.getlist(name)
        return self.data.get(name, "")

    def take(self, refused: Invalid, words: Mapping[str, Any] | None = None) -> None:
        """Put each line of a refusal beside its field, or above them all if that is not here; `words` say it otherwise, by field."""
        for name, said in refused.errors.items():
            short = name.rpartition(".")[2]
            self.add_error(short if short in self.fields else None, (words or {}).get(short, said))

    def unchecked(self) -> "Typed":
        """The same with what was typed and no complaints: for a page on which nothing was to be saved yet."""
        self._errors = ErrorDict()
        return self


def day_in(boxes: Mapping[str, Any], name: str, refusal: str) -> date | None:
    """The day typed into the three boxes `<name>_day`, `<name>_month` and `<name>_year`; None where they are empty."""
    parts = [boxes.get(f"{name}_{part}", "").strip() for part in ("year", "month", "day")]
    if not any(parts):
        return None
    try:
        year, month, day = (int(part) for part in parts)
        return date(year + 2000 if year < 100 else year, month, day)
    except (ValueError, OverflowError):
        raise forms.ValidationError(refusal) from None


class OutcomeForm(Typed):
    """What a call led to."""

    outcome = Text()
    also = Many(required=False)
    advice = Many(required=False)
    slot = Id(required=False)
    to = Id(required=False)
    call_again_on_day = Text()
    call_again_on_month = Text()
    call_again_on_year = Text()
    call_again_on = forms.Field(required=False)
    note = Text()
    agreed = Text()

    def clean_call_again_on(self) -> date | None:
        refusal = _("The day to call again must be a real day, such as 26 11 2026.")
        return day_in(self.cleaned_data, "call_again_on", refusal)


class ClockTime(forms.Field):
    """A time of day as people write it: 16:00, 16.00, 16."""

    def to_python(self, value: Any) -> time | None:
        hour, _colon, minute = str(value or "").strip().replace(".", ":").partition(":")
        try:
            return time(int(hour), int(minute or 0))
        except (ValueError, OverflowError):
            return None


class Day(forms.Field):
    """A day from a list."""

    def to_python(self, value: Any) -> date | None:
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            return None


class DecisionForm(Typed):
    """When we ring again somebody whom nobody reached, and why then."""

    day = Day(required=False)
    time = ClockTime(required=False)
    why = Text()


class LaterForm(Typed):
    """Until when a call waits within the day."""

    time = ClockTime(required=False)
    why = Text()
    agreed = Many(required=False)


class HandOverForm(Typed):
    """Which colleague takes a call, and what they should know."""

    to = Id(required=False)
    note = Text()


class RequestForm(Typed):
    """A request that somebody makes by telephone, on paper or in a mail."""

    channel = Text()
    red_flags = Many(required=False)
    reason = Text()
    message = Text()
    since = Text()
    medicine = Text()
    days_left = Text()
    sooner = Text()
    phone = Text()
    not_before = Text()
    not_after = Text()
    voicemail = Text()

    @property
    def answers(self) -> dict[str, Any]:
        said = self.cleaned_data
        names = ("red_flags", "since", "medicine", "days_left", "sooner")
        return {name: said[name] for name in names if said[name] not in ("", [])}

    @property
    def preferred(self) -> dict[str, Any]:
        said = self.cleaned_data
        wishes = {name: said[name] for name in ("phone", "not_before", "not_after") if said[name]}
        return wishes | ({"voicemail": said["voicemail"] == "yes"} if said["voicemail"] else {})


class AnswerForm(Typed):
    """A clinician's answer."""

    words = Text()
    way = Text()
    to_patient = Text()
    slot = Id(required=False)


class ReopenForm(Typed):
    """Why a finished request is opened again, and for whom."""

    why = Text()
    to = Id(required=False)


class MoveForm(Typed):
    """Where staff move a case by hand, and why."""

    move = Text()
    why = Text()
