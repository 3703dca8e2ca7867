"""Renews one table of a page between its marks; what stands around it stays."""

from __future__ import annotations

from pathlib import Path


def renew(page: Path, name: str, table: str) -> None:
    """Put a table between ``<!-- name -->`` and ``<!-- end of name -->``.

    Args:
        page: A Markdown file that has both marks.
        name: Text of the mark.
        table: Markdown without a line's end at its end.

    Raises:
        ValueError: If a mark is missing.
    """
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = page.read_text(encoding="utf-8")
    start = text.index(first) + len(first)
    page.write_text(f"{text[:start]}\n{table}\n{text[text.index(last, start) :]}", encoding="utf-8")
