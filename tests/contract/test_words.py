"""Words that readers of the pages stumbled over do not come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from spoken import spoken

PACKAGE = Path(__file__).parents[2] / "trainwatch"
SOURCES = [
    f
    for folder in (".", "detectors", "advice", "signals", "comparison")
    for f in sorted((PACKAGE / folder).glob("*.py"))
]

STUMBLED = ("refuted", "by heart", "in vain", "never left")
"""Legal, bookish or figurative words, each with a plain one in its place: wrong if, memorises, wasted, at best."""


@pytest.mark.parametrize("source", SOURCES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_no_sentence_uses_them(source: Path) -> None:
    said = [s for s in spoken(source) for text in s.texts if any(word in text.lower() for word in STUMBLED)]
    assert [f"{s.file.name}:{s.line}: {s.template}" for s in said] == []
