"""The translations: collected from code and templates, compiled for Django, all with Babel.

`python -m followup.running.catalogues`   compile what changed; `--check` exits 1 when there is something to compile
`... --update`                            collect the texts anew into every language's catalogue
`... --complete`                          exit 1 and say which texts have no translation, or are not in the catalogues
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
LOCALE = ROOT / "followup" / "locale"
LANGUAGES = ("sv",)  # English is the language the texts are written in

# Where texts stand, and how they are read.
METHODS = [
    ("followup/**.py", "python"),
    ("api/**.py", "python"),
    ("worker/**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("templates/**.txt", "jinja2"),
]
OPTIONS = {
    "templates/**.html": {"trimmed": "true", "silent": "false"},
    "templates/**.txt": {"trimmed": "true", "silent": "false"},
}
KEYWORDS: dict = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def main(arguments: list[str]) -> int:
    if "--update" in arguments:
        update()
    if "--complete" in arguments:
        return complete()
    return compile_all(only_look="--check" in arguments)


def compile_all(only_look: bool = False) -> int:
    for po in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        mo = po.with_suffix(".mo")
        compiled = BytesIO()
        write_mo(compiled, read(po))
        if mo.exists() and mo.read_bytes() == compiled.getvalue():
            continue
        if only_look:
            return 1
        mo.write_bytes(compiled.getvalue())
    return 0


def extract() -> Catalog:
    """Every text marked in code and templates, in a stable order."""
    catalogue = Catalog(project="Followup", charset="utf-8")
    found = extract_from_dir(str(ROOT), METHODS, OPTIONS, KEYWORDS, ("Translators:",), directory_filter=is_ours)
    for filename, _line, text, comments, context in found:
        # No line numbers: they would change the catalogue with every unrelated edit.
        catalogue.add(text, None, [(filename, 0)], auto_comments=comments, context=context)
    return catalogue


def is_ours(folder: str) -> bool:
    path = Path(folder).relative_to(ROOT)
    return path == Path() or path.parts[0] in {"followup", "api", "worker", "templates"}


def update() -> None:
    texts = extract()
    for language in LANGUAGES:
        po = LOCALE / language / "LC_MESSAGES" / "django.po"
        catalogue = read(po) if po.exists() else Catalog(locale=language, project="Followup")
        catalogue.update(texts, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        po.parent.mkdir(parents=True, exist_ok=True)
        with po.open("wb") as file:
            write_po(file, catalogue, width=110, sort_output=True, omit_header=False, include_lineno=False)


def complete() -> int:
    """0 when every text has a translation with the same placeholders in every language."""
    texts, wrong = extract(), []
    for language in LANGUAGES:
        po = LOCALE / language / "LC_MESSAGES" / "django.po"
        translated = read(po) if po.exists() else Catalog(locale=language)
        wrong += [f"{language}: {gap}" for gap in gaps(texts, translated)]
    print("\n".join(wrong) if wrong else "All texts are translated.")
    return 1 if wrong else 0


def gaps(texts: Catalog, translated: Catalog) -> list[str]:
    """What a catalogue lacks of the texts, and translations whose placeholders are not those of the text."""
    found = []
    for text in texts:
        if not text.id:
            continue
        there = translated.get(text.id, text.context)
        strings = there.string if there else ""
        if not strings or (isinstance(strings, tuple) and not all(strings)):
            found.append(f"not translated: {text.id!r}")
        else:
            found += [f"{error}: {text.id!r}" for error in there.check()]
    return found


def read(po: Path) -> Catalog:
    with po.open("rb") as file:
        return read_po(file, locale=po.parent.parent.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
