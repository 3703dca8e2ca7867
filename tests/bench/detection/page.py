"""Writes sections of README.md."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).with_name("README.md")


def section(name: str, page: Path = README) -> str:
    """Return what stands between ``<!-- name -->`` and the next heading or the end."""
    found = re.search(rf"<!-- {name} -->\n(.*?)(?=\n## |\n<!-- |\Z)", page.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise SystemExit(f"{page.name} has no marker <!-- {name} -->")
    return found[1].strip("\n")


def write_section(name: str, text: str, page: Path = README) -> None:
    """Replace that part."""
    old = section(name, page)
    whole = page.read_text(encoding="utf-8")
    head, rest = whole.split(f"<!-- {name} -->\n", 1)
    rest = rest.replace(old, text, 1) if old else f"{text}\n{rest}"
    page.write_text(f"{head}<!-- {name} -->\n{rest}", encoding="utf-8")
