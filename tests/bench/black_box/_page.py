"""Renews one table of README.md between its marks."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "README.md"


def write(name: str, lines: list[str]) -> None:
    """Put the lines between ``<!-- name -->`` and ``<!-- end name -->``."""
    text = PAGE.read_text(encoding="utf-8")
    mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    assert mark.search(text), f"{PAGE.name} has no place for {name}"
    body = "\n".join(lines) + "\n"
    PAGE.write_text(mark.sub(lambda found: found[1] + body + found[2], text), encoding="utf-8")
