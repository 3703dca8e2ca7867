from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trainwatch.detectors.memory_creep import MemoryCreep
from trainwatch.runs import Run

MIB = 2**20
GIB = 2**30


@pytest.fixture
def synthetic_vram() -> Callable[..., Run]:
    """SYNTHETIC device memory (no GPU was involved): leak per epoch, batch-driven peaks, segments."""

    def make(
        epochs: int = 60, *, steps: int = 20, leak: float = 0.0, fragments: float = 0.0, noise: float = 30.0,
        planned: int = 200, limit: float = 16.0 * 1024, seed: int = 0, free: bool = False,
    ) -> Run:  # fmt: skip
        rng = np.random.default_rng(seed)
        n = epochs * steps
        epoch = np.repeat(np.arange(epochs), steps)
        instances = rng.lognormal(5, 0.5, n).astype(np.int64)
        base = 2000 + leak * np.arange(n) / steps
        allocated = base + rng.exponential(noise, n)
        peak = base + 4000 + 2.0 * instances
        reserved = np.ceil(np.maximum.accumulate(peak) / 20) * 20 + np.floor(fragments * np.arange(n) / steps / 20) * 20
        columns: dict[str, Any] = {
            "step": np.arange(n), "epoch": epoch, "instances": instances,
            "vram_allocated_bytes": (allocated * MIB).astype(np.int64),
            "vram_reserved_bytes": (np.minimum(reserved, limit) * MIB).astype(np.int64),
        }  # fmt: skip
        meta: dict[str, Any] = {"trainer": "ultralytics", "planned_epochs": planned}
        if free:
            columns["vram_free_bytes"] = ((limit - np.minimum(reserved, limit)) * MIB).astype(np.int64)
        else:
            meta["hardware"] = {"gpus": [{"name": "synthetic", "total_bytes": int(limit * MIB)}]}
        return Run("x", "trainwatch", steps=pa.table(columns), meta=meta)

    return make


def crossing(leak: float, limit: float, seed: int) -> float:
    """Epoch at which the synthetic reserve, had it gone on, would pass the limit."""
    rng = np.random.default_rng(seed + 10_000)
    instances = rng.lognormal(5, 0.5, 400_000)
    peak = 6000 + leak * np.arange(400_000) / 20 + 2.0 * instances
    return float(np.argmax(np.maximum.accumulate(peak) > limit)) / 20


def test_a_linear_leak_is_forecast_from_a_third_of_the_run(synthetic_vram: Callable[..., Run]) -> None:
    limit, planned = 16.0 * 1024, 200
    leak = (limit - 8000) / 150
    near = covered = 0
    for seed in range(20):
        (finding,) = MemoryCreep().detect(synthetic_vram(60, leak=leak, planned=planned, limit=limit, seed=seed))
        assert finding.severity == "critical"
        assert finding.detail["kind"] == "leak"
        true = crossing(leak, limit, seed)
        near += abs(finding.detail["forecast_epoch"] - true) <= 0.1 * true
        covered += finding.detail["forecast_epoch_low"] <= true <= (finding.detail["forecast_epoch_high"] or np.inf)
    assert near >= 18
    assert covered >= 18


def test_a_leak_that_outlasts_the_run_is_a_warning(synthetic_vram: Callable[..., Run]) -> None:
    (finding,) = MemoryCreep().detect(synthetic_vram(60, leak=10, planned=200))
    assert finding.severity == "warning"
    assert finding.measured is not None
    assert finding.measured.value == pytest.approx(10 * MIB, rel=0.1)
    assert finding.series == "vram_allocated_bytes"
    assert "the limit of 16 GiB is hit at epoch" in finding.summary


def test_the_limit_follows_from_free_memory_where_the_device_is_not_known(synthetic_vram: Callable[..., Run]) -> None:
    (finding,) = MemoryCreep().detect(synthetic_vram(60, leak=50, free=True))
    assert finding.detail["limit_bytes"] == 16 * GIB


def test_a_growing_reserve_over_level_tensors_is_fragmentation(synthetic_vram: Callable[..., Run]) -> None:
    (finding,) = MemoryCreep().detect(synthetic_vram(60, fragments=60))
    assert finding.detail["kind"] == "fragmentation"
    assert finding.series == "vram_reserved_bytes"
    assert "live tensors hold no more than before" in finding.summary


def test_dense_batches_are_no_creep(synthetic_vram: Callable[..., Run]) -> None:
    for seed in range(20):
        assert MemoryCreep().detect(synthetic_vram(100, seed=seed)) == []


def test_a_reserve_that_grows_with_record_batches_is_put_down_to_them() -> None:
    """SYNTHETIC: every sixth epoch holds a batch denser than all before, and the reserve follows at once."""
    epoch = np.repeat(np.arange(60), 10)
    record = 100 + 50 * (np.arange(60) // 6)
    instances = np.where(np.arange(600) % 10 == 0, np.repeat(record, 10), 60)
    reserved = (4000 + 4 * np.repeat(record, 10)) * MIB
    columns = {
        "step": np.arange(600), "epoch": epoch, "vram_allocated_bytes": np.full(600, 2000 * MIB),
        "vram_reserved_bytes": reserved,
    }  # fmt: skip
    assert MemoryCreep().detect(Run("x", "trainwatch", steps=pa.table({**columns, "instances": instances}))) == []
    (finding,) = MemoryCreep().detect(Run("x", "trainwatch", steps=pa.table(columns)))
    assert finding.detail["kind"] == "fragmentation"


def test_died_of_it(synthetic_vram: Callable[..., Run]) -> None:
    run = synthetic_vram(60, leak=10, planned=60)
    run.events = [
        {"kind": "start"},
        {"kind": "oom", "message": "CUDA out of memory.", "data": {"type": "OutOfMemoryError"}},
    ]
    assert MemoryCreep().detect(run)[0].severity == "critical"


def test_flat_empty_one_row_and_nan_are_quiet() -> None:
    def flat(n: int, value: float) -> Run:
        names = ("vram_allocated_bytes", "vram_reserved_bytes", "vram_free_bytes", "instances")
        return Run(
            "x", "trainwatch", steps=pa.table({"step": range(n), "epoch": range(n), **{c: [value] * n for c in names}})
        )

    for run in (Run("x", "trainwatch"), flat(100, 1e9), flat(1, 1e9), flat(50, float("nan"))):
        assert MemoryCreep().detect(run) == []
