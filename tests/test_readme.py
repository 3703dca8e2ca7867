"""What README.md shows is what is printed today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainwatch.analysis import analyse
from trainwatch.reports import text
from trainwatch.runs import read_run

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"(`trainwatch analyze (\S+)`:\n\n```text\n)(.*?)(```\n)", re.DOTALL)


def test_the_output_shown_is_the_output(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    readme = ROOT / "README.md"
    written = readme.read_text(encoding="utf-8")
    shown = SHOWN.search(written)
    assert shown is not None
    now = text.render(analyse(read_run(shown[2])), width=80)
    if request.config.getoption("--rebaseline"):
        readme.write_text(SHOWN.sub(lambda m: m[1] + now + m[4], written), encoding="utf-8")
        return
    assert shown[3] == now, "If the change is meant: python -m pytest tests/test_readme.py --rebaseline"
