"""SIGKILL at a random moment of a real training, then ``trainwatch resume``: the rest is bit for bit the same.

``tests/bench/stabilisers/resume_kills.py`` does the same more often and writes a table.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ultralytics")

BENCH = Path(__file__).parents[1] / "bench" / "stabilisers" / "resume_kills.py"


@pytest.mark.training
def test_a_kill(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("resume_kills", BENCH)
    assert spec is not None
    assert spec.loader is not None
    kills: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kills)
    from shapes import make_dataset

    kills.EPOCHS, kills.BATCHES = 3, 4
    data = make_dataset(tmp_path / "data", train=kills.BATCHES * 8, val=16, size=64)
    kills.train(tmp_path / "reference", data)
    row = kills.one_kill(tmp_path, data, 0, tmp_path / "reference")
    assert row[5:7] == ["yes", "yes"], f"losses and end state of {row}"
    assert 0.0 <= float(row[3]) <= 1.0, "at most the epoch under way is lost"
