"""What a verb says when it will not do what was asked.

Each room names its own refusals after what the caller can say ("NoTimeWithinPromise"). Pages show `str(refusal)`, the API puts `code`
into a problem document. Anything that is not a `Refused` is a bug and is loud.
"""

from django.utils.translation import gettext_lazy as _


class Refused(Exception):
    """An expected no. `code` is stable and public; `words` is for people; `field` names the input it belongs to, if any."""

    code = "refused"
    words = _("That cannot be done.")

    def __init__(self, words: str | None = None, *, field: str | None = None):
        self.field = field
        super().__init__(words or self.words)

    def __str__(self) -> str:
        return str(self.args[0])


class NotAllowed(Refused):
    """The person is known but may not do this."""

    code = "not-allowed"
    words = _("You do not have access to this.")


class Unknown(Refused):
    """No such row, or one that this person may not know of: the answer is the same."""

    code = "not-found"
    words = _("We cannot find this.")


class Invalid(Refused):
    """The input is wrong; `errors` maps field names to words."""

    code = "invalid"
    words = _("Some answers need another look.")

    def __init__(self, errors: dict[str, str]):
        self.errors = errors
        super().__init__(field=next(iter(errors), None))
