"""Writes sections of README.md: what stands between ``<!-- name -->`` and ``<!-- /name -->``. All else is prose, and stays."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).with_name("README.md")


def section(name: str, page: Path = README) -> str:
    """Return what stands between the two markers of a section."""
    return _parts(name, page)[1].strip("\n")


def write_section(name: str, text: str, page: Path = README) -> None:
    """Replace what stands between the two markers of a section."""
    before, _, behind = _parts(name, page)
    page.write_text(f"{before}\n{text}\n{behind}", encoding="utf-8")


def _parts(name: str, page: Path) -> tuple[str, str, str]:
    """Return a page up to a section's first marker, what is between, and the rest from its last marker on."""
    first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(first)
    between, ended, behind = rest.partition(last)
    if not (found and ended):
        raise SystemExit(f"{page.name} lacks the marker {last if found else first}")
    return before + first, between, last + behind
