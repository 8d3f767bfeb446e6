"""A condition's way of working, as data: reasons, red flags, promises, outcomes, messages."""

from followup.programmes.texts import text

__all__ = ["text"]
