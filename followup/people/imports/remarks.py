"""What there is to say about a row: why it was refused, what was left out, what a person must look at."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

WORDS = {
    # refused
    "cut_short": _("the row is cut short: %(found)s of %(expected)s cells"),
    "too_many_cells": _(
        "the row has %(found)s cells and the heading %(expected)s; is a separator or a quote out of place?"
    ),
    "runs_on": _("a quote runs on to line %(last)s"),
    "missing": _("%(field)s is missing"),
    "too_long": _("%(field)s is longer than %(most)s characters"),
    "not_text": _("%(field)s is not a text that a person wrote"),
    "number_letters": _("the patient number holds other signs than letters, digits, dots and dashes"),
    "no_date": _("%(field)s: %(found)s is not a date; write it as 1975-02-13"),
    "future": _("%(field)s is in the future"),
    "too_old": _("the birth date is too long ago"),
    "before_birth": _("%(field)s is before the birth date"),
    "personal_number": _("the personal number is not one"),
    "check_digit": _("the check digit of the personal number is wrong"),
    "birth_dates": _("the birth date and the personal number do not agree"),
    "child": _("younger than %(age)s: not in this programme"),
    "no_diagnosis_code": _("%(found)s is not a diagnosis code"),
    "other_diagnosis": _("the diagnosis %(found)s is not in this programme"),
    # warnings
    "no_phone": _("%(found)s is not a telephone number of a country that this unit serves: comes in without texts"),
    "no_texts": _("the telephone takes no texts: comes in without texts"),
    "no_email": _("the e-mail is not an address: comes in without e-mail"),
    "no_channel": _("no channel: neither a usable telephone nor e-mail"),
    "contact_before_diagnosis": _("the last contact is before the diagnosis"),
    "language": _("%(found)s is not a language we know: messages go out in the language of the unit"),
    "sex": _("%(found)s is not understood as a sex: left open"),
    "yes_no": _("%(field)s: %(found)s is neither yes nor no: left open"),
    # a person decides
    "other_name_and_phone": _("known by this number, with another family name and another telephone"),
    "other_names": _("known by this number, with another name"),
    "other_person": _("known by this patient number, with another personal number or birth date"),
    "other_number": _("known by this personal number, with another patient number"),
    "two_people": _("the patient number and the personal number belong to two people"),
    "same_name_and_birth": _("somebody with the same name and birth date is here under another number"),
    "said_otherwise": _("line %(line)s of this file says something else about the same person"),
    "other_programme": _("is followed in another programme, or was followed here before"),
    "meanwhile": _("changed here while you looked: bring the list in again"),
}


@dataclass(frozen=True)
class Remark:
    """One thing about one row. `code` is stable; `str()` is in the language of the moment."""

    code: str
    values: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return str(WORDS[self.code]) % dict(self.values)


def remark(code: str, **values: object) -> Remark:
    return Remark(code, tuple(values.items()))


def quoted(found: str) -> str:
    """What stood in a cell, short enough for a line and without signs that would act on a screen."""
    return "“" + "".join(sign if sign.isprintable() else "?" for sign in found[:40]) + "”"
