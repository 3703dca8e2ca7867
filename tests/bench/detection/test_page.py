"""The tables of README.md are renewed, and the prose around them stays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from page import README, section, write_section

PAGE = """# Title

Before.

<!-- one -->
| old |
<!-- /one -->

Prose behind a table.

<!-- two -->
<!-- /two -->
"""


def test_prose_behind_a_table_stays(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    write_section("one", "| new |\n\nsaid with it", page)
    write_section("two", "| first |", page)
    assert section("one", page) == "| new |\n\nsaid with it"
    assert section("two", page) == "| first |"
    assert "<!-- /one -->\n\nProse behind a table.\n\n<!-- two -->" in page.read_text()
    write_section("one", "| old |", page)
    write_section("two", "", page)
    assert page.read_text().replace("\n\n<!-- /two", "\n<!-- /two") == PAGE


@pytest.mark.parametrize("lacking", ["<!-- one -->", "<!-- /one -->"])
def test_a_missing_marker_is_told(tmp_path: Path, lacking: str) -> None:
    page = tmp_path / "README.md"
    page.write_text(PAGE.replace(lacking, ""))
    with pytest.raises(SystemExit, match="marker"):
        section("one", page)


def test_the_readme_has_every_section() -> None:
    for name in ("table", "event-free", "planted", "baselines", "forecast", "cure"):
        assert section(name), name
    assert README.read_text().count("<!-- /") == 6
