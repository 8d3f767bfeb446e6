"""Text in the reader's language, and templates whose gaps are known."""

from collections.abc import Mapping
from string import Formatter

from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, Field

FALLBACK = "en"


class Text(BaseModel):
    """One thing said in each language of the product. English is always there; `check` names what is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    en: str = Field(min_length=1)
    sv: str | None = Field(default=None, min_length=1)

    def __str__(self) -> str:
        return text(self)


def text(value: Text | Mapping[str, str] | str | None, language: str | None = None) -> str:
    """`value` in `language` (without it the active one), else in English. A plain string stays as it is, None is ""."""
    if value is None or isinstance(value, str):
        return value or ""
    said = value.model_dump() if isinstance(value, Text) else value
    wanted = (language or get_language() or FALLBACK).split("-")[0].split("_")[0]
    return said.get(wanted) or said.get(FALLBACK) or next(iter(said.values()), "") or ""


def gaps(template: str) -> list[str]:
    """The names a template leaves open as {name}. Raises ValueError for braces that are anything but a plain name.

    Filling happens with values about people, so a template may not reach into them ({name.secret}) or format them.
    """
    names = []
    for _, name, spec, conversion in Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is not a plain name")
        names.append(name)
    return names
