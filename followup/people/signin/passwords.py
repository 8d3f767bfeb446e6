"""Passwords that are easy to guess: words of the house, and what zxcvbn knows from lists of leaked ones. Staff alone have passwords."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from followup.people.models import Unit
from followup.programmes.models import Programme

HOUSE_WORDS = (
    *("followup", "uppföljning", "clinic", "clinics", "mottagning", "mottagningen", "klinik", "kliniken"),
    *("nurse", "clinician", "coordinator", "administrator", "sjuksköterska", "läkare", "koordinator"),
    *("patient", "patienten", "hospital", "sjukhus", "sjukhuset", "password", "passphrase", "lösenord", "demo"),
)
"""Beside these: the names, places and senders of the units, and the names of the programmes."""

LETTERS_OF_ONES_OWN = 8
"""So many letters and figures must be left when the words of the house are taken out."""

SHORTEST_WORD = 3
READ_BY_ZXCVBN = 72
"""Its time grows with the square of the length; whatever is longer is not guessed from a list."""


class HouseWords:
    """Refuses a password that is little more than words of the house."""

    def validate(self, password: str, user=None) -> None:
        left = password.casefold()
        for word in sorted(_words(), key=len, reverse=True):
            left = left.replace(word, " ")
        if len(re.findall(r"[^\W_]", left)) < LETTERS_OF_ONES_OWN:
            raise ValidationError(
                _("That is little more than words that everybody here knows. Add words of your own"), code="house-words"
            )

    def get_help_text(self) -> str:
        return _("Not the name of the clinic, the product or a role.")


class EasilyGuessed:
    """Refuses what is guessed in fewer than a million tries: leaked passwords and what people make of them, rows of keys, dates."""

    def validate(self, password: str, user=None) -> None:
        # Half a megabyte of lists, which only a change of password needs.
        from zxcvbn import zxcvbn

        own = [str(getattr(user, name, "")) for name in ("username", "name", "email")] if user else []
        if (
            len(password) <= READ_BY_ZXCVBN
            and zxcvbn(password, user_inputs=[word for word in own if word])["score"] < 2
        ):
            raise ValidationError(
                _("That is easy to guess. A short sentence of your own is good"), code="easily-guessed"
            )

    def get_help_text(self) -> str:
        return _("A short sentence of your own is good.")


def _words() -> set[str]:
    texts = [*HOUSE_WORDS, *Programme.objects.values_list("key", flat=True).distinct()]
    for unit in Unit.objects.values_list("name", "place", "sender"):
        texts += unit
    found = re.findall(r"[^\W\d_]+", " ".join(texts).casefold())
    return {word for word in found if len(word) >= SHORTEST_WORD}
