from __future__ import annotations

from types import SimpleNamespace

import pytest

from trainwatch_hooks.probes import vram

# Recorded keys of torch.cuda.memory_stats(), values injected: no device here.
STATS = {
    "allocated_bytes.all.current": 11 << 30,
    "reserved_bytes.all.current": 14 << 30,
    "allocated_bytes.all.peak": 13 << 30,
    "inactive_split_bytes.all.current": 1 << 30,
    "num_alloc_retries": 0,
}


def test_counters_become_columns() -> None:
    assert vram.columns(STATS, 2 << 30) == {
        "vram_allocated_bytes": float(11 << 30),
        "vram_reserved_bytes": float(14 << 30),
        "vram_peak_bytes": float(13 << 30),
        "vram_inactive_split_bytes": float(1 << 30),
        "vram_free_bytes": float(2 << 30),
    }


def test_missing_counters_are_not_zero() -> None:
    assert vram.columns({}, None) == {}


def test_nothing_without_cuda() -> None:
    assert vram.read(SimpleNamespace(type="cpu")) == {}
    assert vram.read(None) == {}


@pytest.mark.cuda
def test_on_a_device() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    block = torch.zeros(64 << 20, dtype=torch.uint8, device="cuda")
    row = vram.read(block.device)
    assert row["vram_allocated_bytes"] >= 64 << 20
    assert set(row) == set(vram.columns(STATS, 1))
