"""The alphabet of a plain text message (3GPP TS 23.038).

A message holds 160 characters, but only 70 as soon as one of them lies outside this alphabet.
"""

ONE_MESSAGE = 160

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes two places


def outside(text: str) -> str:
    """The characters of `text` that a plain text message cannot carry, each once, in order."""
    return "".join(dict.fromkeys(c for c in text if c not in _BASIC and c not in _EXTENDED))


def length(text: str) -> int:
    """The places `text` takes in a plain text message; meaningful when nothing of it lies outside."""
    return len(text) + sum(c in _EXTENDED for c in text)
