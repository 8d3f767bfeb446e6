"""Swedish personal numbers: read, checked, and held against the birth date.

Coordination numbers, given to those who are not registered in Sweden, have 60 added to the day. `stdnum` checks the last digit; its own
reading of the number knows neither coordination numbers nor our clock.
"""

import re
from datetime import date

from stdnum import luhn

TYPED = re.compile(r"(\d\d)?(\d\d)(\d\d)(\d\d)[-+ ]?(\d{4})", re.ASCII)


class Wrong(ValueError):
    """No personal number of this person: the text is the code of a remark."""


def read(typed: str, born_on: date) -> str:
    """The number as YYYYMMDD-NNNN, of 10 or 12 digits. Raises Wrong."""
    parts = TYPED.fullmatch(typed.strip())
    if not parts:
        raise Wrong("personal_number")
    century, year, month, day, end = parts.groups()
    if not luhn.is_valid(year + month + day + end):
        raise Wrong("check_digit")
    days = (f"{born_on:%d}", f"{born_on.day + 60}")
    centuries = (None, f"{born_on.year // 100:02}")
    if century not in centuries or (year, month) != (f"{born_on.year % 100:02}", f"{born_on:%m}") or day not in days:
        raise Wrong("birth_dates")
    return f"{born_on.year:04}{month}{day}-{end}"
