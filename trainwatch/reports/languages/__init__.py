"""The page in other languages, one folder per language. English is the key, and what is shown where a translation is missing.

``WORDS`` are the page's own words. ``SENTENCES`` are the templates of what detectors, advice and the verdict say
(:mod:`trainwatch.reports.languages.sentences`). ``NAMES`` are the names of findings and recommendations by id, ``CHECKS``
what they do in one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from trainwatch.reports.languages.sentences import Sentences

LANGUAGES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-CN"}
"""Choice on the command line -> language tag of the document."""


def words(language: str) -> Callable[[str], str]:
    """Return the translation of a word or a short sentence of the page itself."""
    if language == "en":
        return lambda text: text
    from trainwatch.reports.languages import zh

    return lambda text: zh.WORDS.get(text, text)


def names(language: str) -> Mapping[str, str]:
    """Return the names of findings and recommendations by id; empty for English, where the title is the name."""
    if language == "en":
        return {}
    from trainwatch.reports.languages import zh

    return zh.NAMES


def checks(language: str) -> Mapping[str, str]:
    """Return what each check and advice does in one sentence, by id; empty for English, where the documentation says it."""
    if language == "en":
        return {}
    from trainwatch.reports.languages import zh

    return zh.CHECKS


@cache
def catalogue(language: str) -> Sentences:
    """Return the catalogue of sentences; for English an empty one, which returns every text as it is."""
    from trainwatch.reports.languages.sentences import Sentences

    if language == "en":
        return Sentences({})
    from trainwatch.reports.languages import zh

    return Sentences(zh.SENTENCES)
