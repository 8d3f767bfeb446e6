"""What people type, as the database can keep it."""

from typing import Any


def storable(typed: Any) -> Any:
    """`typed` without the one character that PostgreSQL takes nowhere (NUL), inside lists and dictionaries too."""
    if isinstance(typed, str):
        return typed.replace("\x00", "")
    if isinstance(typed, list):
        return [storable(each) for each in typed]
    if isinstance(typed, dict):
        return {name: storable(each) for name, each in typed.items()}
    return typed
