from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import make_run

from trainwatch.detectors.memory_fragmentation import MemoryFragmentation
from trainwatch.result import Finding

MIB = 2**20


def detect(
    reserved: Any, allocated: Any = 2000.0, peak: Any = 6000.0, split: Any = None, n: int = 600
) -> list[Finding]:
    """SYNTHETIC device memory in MiB, 60 epochs of 10 steps."""

    def column(value: Any) -> np.ndarray:
        return (np.broadcast_to(np.asarray(value, float), n) * MIB).astype(np.int64)

    steps = {"vram_reserved_bytes": column(reserved), "vram_allocated_bytes": column(allocated)}
    steps |= {} if peak is None else {"vram_peak_bytes": column(peak)}
    steps |= {} if split is None else {"vram_inactive_split_bytes": column(split)}
    return MemoryFragmentation().detect(make_run(steps, trainer="ultralytics"))


def test_a_reserve_that_outgrows_the_peak_is_found() -> None:
    (finding,) = detect(np.linspace(6500, 12_000, 600))
    assert finding.detail["kind"] == "slack"
    assert finding.series == "vram_reserved_bytes"
    assert finding.onset is not None
    assert 20 <= (finding.onset.epoch or 0) <= 45


def test_pieces_inside_split_blocks_are_found() -> None:
    (finding,) = detect(8000, split=np.linspace(100, 4000, 600), peak=7900)
    assert finding.series == "vram_inactive_split_bytes"


def test_a_large_reserve_that_does_not_grow_is_a_cache() -> None:
    assert detect(12_000) == []
    assert detect(12_000, peak=None) == []


def test_activations_between_batches_are_no_slack() -> None:
    """What tensors hold between batches is little; the reserve holds the activations."""
    assert detect(7000, allocated=1000, peak=6900) == []


def test_reserve_and_peak_that_grow_together_are_dense_batches() -> None:
    grows = np.linspace(6000, 12_000, 600)
    assert detect(grows * 1.05, peak=grows) == []


def test_steps_up_in_the_first_epochs_are_quiet() -> None:
    assert detect(np.r_[np.full(15, 4000.0), np.full(585, 12_000.0)]) == []


def test_short_runs_are_quiet() -> None:
    assert detect(np.linspace(6500, 12_000, 60), n=60) == []
