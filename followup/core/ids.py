"""Names for rows: UUIDs for machines, short references for people."""

import secrets

REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0/O, 1/I/L or U: nothing that can be misread aloud or on paper."""


def new_reference() -> str:
    """A short reference to quote on the phone, such as `K7M-4XQ`: 30^6 = 729 million of them."""
    letters = "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(6))
    return f"{letters[:3]}-{letters[3:]}"


def sort_key(*names: str) -> str:
    """A key by which lists of people are ordered: case folded, with å ä ö after z as in Swedish."""
    swedish = str.maketrans({"å": "{", "ä": "|", "æ": "|", "ö": "}", "ø": "}"})
    return " ".join(name.casefold().translate(swedish) for name in names)
