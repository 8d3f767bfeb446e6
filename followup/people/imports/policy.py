"""The follow-up plan that somebody has when they come in."""

from followup.people.imports.understanding import Candidate
from followup.programmes.schema import Rules

WISH, SUPPORT = "wish", "support"


def first_group(someone: Candidate, rules: Rules) -> tuple[str, str]:
    """The group, and why: `wish`, `support` or "".

    A person's own wish for visits always wins; who needs support keeps ordinary visits until somebody decides with them. For everybody else
    the group hangs on how stable they have been, which no list tells: the group stays blank, "needs a decision", and is never a default.
    (Groups of the Highland model: severity, need of monitoring and own wish, lines 1939-1957 of the founding chapter; the wish wins and
    support is decided person by person: our own derivation.)
    """
    if rules.admission and someone.wishes_visits:
        return rules.admission.visits_group, WISH
    if rules.admission and someone.needs_support:
        return rules.admission.visits_group, SUPPORT
    return "", ""
