"""Each way to die once, for real; ``tests/bench/black_box/deaths.py`` does it 50 times and writes a table."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from trainwatch.analysis import analyse
from trainwatch.runs import read_run

BENCH = Path(__file__).parents[1] / "bench" / "black_box" / "deaths.py"
spec = importlib.util.spec_from_file_location("deaths", BENCH)
assert spec is not None
assert spec.loader is not None
deaths: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(deaths)

FINDING = {
    "native-crash": "native-crash", "machine-down": "machine-down", "oom-killer": "killed", "sigkill": "killed",
    "unknown": "killed",
}  # fmt: skip


@pytest.mark.parametrize("way", deaths.WAYS)
def test_the_record_tells_how_it_died(way: str, tmp_path: Path) -> None:
    deaths.die(tmp_path / "run", way)
    cause, confidence = deaths.told(tmp_path / "run")
    assert cause in deaths.WAYS[way]
    assert confidence > deaths.CONFIDENT or cause == "unknown"
    result = analyse(read_run(tmp_path / "run"))
    if cause in FINDING:
        assert result.verdict.cause == FINDING[cause]
        assert result.verdict.status == "crashed"
    if way == "oom-killer":
        assert "out-of-memory killer" in result.verdict.headline
    if way.startswith("segfault"):
        assert "segmentation fault" in result.findings[0].summary.lower()
    assert not result.checks.could_not_run
