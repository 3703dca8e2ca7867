from __future__ import annotations

import json

import pytest

from trainwatch.cli import run
from trainwatch.registry import modules


def test_lists_the_whole_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checks", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [r["id"] for r in rows] == list(modules("trainwatch.detectors"))
    assert {"lower-lr"} <= set(next(r for r in rows if r["id"] == "gradient-explosion")["answered_by"])
    assert run(["checks"]) == 0
    assert f"{len(rows)} checks" in capsys.readouterr().out
