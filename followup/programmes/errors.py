"""What this room refuses, by name."""

from django.utils.translation import gettext_lazy as _

from followup.core.errors import Refused
from followup.programmes.checks import Finding


class ProgrammeInvalid(Refused):
    """The file has errors; `findings` say where and what."""

    code = "programme-invalid"
    words = _("The programme file has errors.")

    def __init__(self, findings: list[Finding]):
        self.findings = findings
        super().__init__()


class ProgrammeChanged(Refused):
    """This version is loaded with other content: a loaded version never changes."""

    code = "programme-changed"
    words = _("This version of the programme is already loaded with other content. Give the file a new version.")


class NoSuchProgramme(Refused):
    """No programme of that name, or not that version of it."""

    code = "no-such-programme"
    words = _("There is no such programme.")
