"""A clinic's own list of patients comes in.

Pure stages, each a module: `reading` (bytes to rows), `headings` (whose column is which), `understanding` (a row to a candidate, or why
not), `comparing` (a candidate beside the unit's patients). `plan` runs them and writes nothing; `carry_out` writes what was approved.
"""

from followup.people.imports.comparing import CHANGED, CLOSE, NEW, REFUSED, SAME, Judged
from followup.people.imports.reading import MOST_ROWS, Unreadable
from followup.people.imports.services import Plan, carry_out, plan

__all__ = [
    "CHANGED",
    "CLOSE",
    "MOST_ROWS",
    "NEW",
    "REFUSED",
    "SAME",
    "Judged",
    "Plan",
    "Unreadable",
    "carry_out",
    "plan",
]
