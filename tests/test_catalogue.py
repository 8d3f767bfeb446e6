"""Every text has its Swedish, whole and with the same gaps."""

import re

import pytest

from followup.running import catalogues

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
TAG = re.compile(r"</?\w+[^>]*>")


@pytest.fixture(scope="module")
def texts():
    return [text for text in catalogues.extract() if text.id]


@pytest.fixture(scope="module")
def swedish():
    return catalogues.read(catalogues.LOCALE / "sv" / "LC_MESSAGES" / "django.po")


def both_forms(string) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


def test_every_text_is_translated(texts, swedish):
    said = [(text.id, swedish.get(text.id, text.context)) for text in texts]
    missing = [key for key, there in said if there is None or not all(both_forms(there.string)) or there.fuzzy]
    assert not missing, "run `followup messages`, then translate"


def test_nothing_is_translated_that_is_not_said_any_more(texts, swedish):
    known = {(str(text.id), text.context) for text in texts}
    assert [text.id for text in swedish if text.id and (str(text.id), text.context) not in known] == []


def test_a_translation_has_the_gaps_and_the_marks_of_its_text(swedish):
    wrong = []
    for text in swedish:
        if not text.id:
            continue
        for source, said in zip(both_forms(text.id)[-1:] * 2, both_forms(text.string), strict=False):
            allowed = {frozenset(PLACEHOLDER.findall(form)) for form in both_forms(text.id)}
            if frozenset(PLACEHOLDER.findall(said)) not in allowed or TAG.findall(source) != TAG.findall(said):
                wrong.append(f"{source!r}: {said!r}")
    assert not wrong


def test_a_label_begins_and_ends_as_its_text_does(swedish):
    """A full stop lost, or a capital where the English goes on in the middle of a sentence, shows on the page."""
    wrong = []
    for text in swedish:
        if not text.id or not text.string or not isinstance(text.id, str):
            continue
        if (text.id[-1] in ".?:") != (text.string[-1] in ".?:") or text.id[:1].isspace() != text.string[:1].isspace():
            wrong.append(f"{text.id!r}: {text.string!r}")
        first = text.id[0], text.string[0]
        if all(map(str.isalpha, first)) and first[0].isupper() != first[1].isupper():
            wrong.append(f"{text.id!r}: {text.string!r}")
    assert not wrong


def test_the_gap_check_itself_can_fail():
    from babel.messages.catalog import Catalog

    texts, translated = Catalog(), Catalog(locale="sv")
    texts.add("Call %(name)s")
    translated.add("Call %(name)s", "Ring %(nmn)s", flags=["python-format"])
    assert catalogues.gaps(texts, translated)
    assert catalogues.gaps(texts, Catalog(locale="sv"))
