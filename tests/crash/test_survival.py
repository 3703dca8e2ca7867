"""Kills inside a rotation and disks that refuse; ``tests/bench/black_box/survival.py`` does more of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench" / "black_box" / "survival.py"
spec = importlib.util.spec_from_file_location("survival", BENCH)
assert spec is not None
assert spec.loader is not None
survival: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(survival)

EVERY = 5
"""Of the calls of a rotation; the bench kills at each."""


@pytest.mark.parametrize("offset", range(EVERY))
def test_a_kill_at_any_call_of_a_rotation_loses_and_doubles_nothing(offset: int, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    calls = survival.rotate(tmp_path / "whole")
    assert survival.rows_of(tmp_path / "whole") == list(range(survival.ROWS))
    assert calls > 50
    for at in range(offset * 2, calls, EVERY * 2):
        finished, rows = survival.kill_at_call(tmp_path / f"at{at}", at)
        assert sorted(set(rows)) == rows, f"doubled at call {at}"
        assert set(range(finished)) <= set(rows) <= set(range(finished + 1)), f"lost at call {at}"


def test_the_leftover_of_a_killed_rotation_goes_at_the_next_start(tmp_path: Path) -> None:
    steps = tmp_path / "trainwatch" / "steps"
    steps.mkdir(parents=True)
    (steps / ".rank0-000000.parquet.77.tmp").write_text("half")
    (steps / ".rank1-000000.parquet.78.tmp").write_text("another rank's")
    survival.rotate(tmp_path)
    assert [p.name for p in steps.glob(".*")] == [".rank1-000000.parquet.78.tmp"]


@pytest.fixture(scope="module")
def bare() -> list[float]:
    pytest.importorskip("torch")
    weights: list[float] = survival.train(None, steps=600)[0]
    return weights


@pytest.mark.parametrize("trouble", ["deleted", "read-only", "EIO", "ENOSPC", "clock"])
def test_the_training_goes_on_and_ends_in_the_same_weights(trouble: str, bare: list[float], tmp_path: Path) -> None:
    weights, dropped, _ = survival.train(tmp_path / "run", trouble, steps=600)
    assert weights == bare
    assert dropped == (0 if trouble == "clock" else 400)


def test_a_real_full_disk(bare: list[float]) -> None:
    from trainwatch.runs import read_run

    with survival.small_disk() as disk:
        if disk is None:
            pytest.skip("may not mount here")
        weights, dropped, _ = survival.train(disk / "run", steps=600)
        assert weights == bare
        run = read_run(disk / "run")
        steps = run.steps["step"].tolist()
        assert steps == sorted(set(steps))
        assert len(steps) + dropped == 600
