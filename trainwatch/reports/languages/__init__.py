"""The page's own words in other languages, one file per language. English is the key, and what is shown where a word is missing.

What detectors and advice measured and say stays English: their sentences carry numbers and Ultralytics' own terms. Each
finding and recommendation gets its name in the reader's language beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from trainwatch.reports.languages import zh

LANGUAGES: Final[Mapping[str, str]] = {"en": "en", "zh": "zh-CN"}
"""Choice on the command line -> language tag of the document."""

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {"en": {}, "zh": zh.WORDS}
_NAMES: Final[Mapping[str, Mapping[str, str]]] = {"en": {}, "zh": zh.NAMES}


def words(language: str) -> Callable[[str], str]:
    """Return the translation of a word or a short sentence."""
    known = _WORDS[language]
    return lambda text: known.get(text, text)


def names(language: str) -> Mapping[str, str]:
    """Return the names of findings and recommendations by id; empty for English, where the title is the name."""
    return _NAMES[language]
