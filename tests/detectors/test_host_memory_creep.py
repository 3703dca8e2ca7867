from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trainwatch.detectors.host_memory_creep import HostMemoryCreep
from trainwatch.runs import Run

MIB = 2**20
GIB = 2**30


def run_of(level: np.ndarray, steps: int = 4, noise: float = 1.0, seed: int = 0, **meta: Any) -> Run:
    """A run whose resident memory follows ``level`` (MiB per epoch), synthetic."""
    rng = np.random.default_rng(seed)
    epoch = np.repeat(np.arange(len(level)), steps)
    rss = (np.repeat(level, steps) + rng.normal(0, noise, len(epoch))) * MIB
    table = pa.table({"step": np.arange(len(epoch)), "epoch": epoch, "rss_bytes": rss.astype(np.int64)})
    meta = {"trainer": "ultralytics", "planned_epochs": 600, "hardware": {"memory_limit_bytes": 16 * GIB}, **meta}
    return Run("x", "trainwatch", steps=table, meta=meta)


@pytest.mark.parametrize("epochs", [12, 20, 40])
@pytest.mark.parametrize("slope", [15.0, 60.0])
def test_a_leak_in_a_short_run(epochs: int, slope: float) -> None:
    true = (16 * 1024 - 700) / slope
    covered = 0
    for seed in range(20):
        (finding,) = HostMemoryCreep().detect(run_of(700 + slope * np.arange(epochs), noise=4, seed=seed))
        assert finding.id == "host-memory-creep"
        assert finding.measured is not None
        assert finding.measured.value == pytest.approx(slope * MIB, rel=0.1)
        assert finding.detail["forecast_epoch"] == pytest.approx(true, rel=0.1)
        covered += finding.detail["forecast_epoch_low"] <= true <= (finding.detail["forecast_epoch_high"] or np.inf)
        assert finding.severity == ("critical" if true < 600 else "warning")
    assert covered >= 18
    assert "limit of 16 GiB is hit at epoch" in finding.summary


def test_the_onset_is_where_the_leak_begins() -> None:
    level = 800 + 30 * np.maximum(0, np.arange(60) - 25.0)
    (finding,) = HostMemoryCreep().detect(run_of(level))
    assert finding.onset is not None
    assert finding.onset.epoch == pytest.approx(25, abs=2)
    assert finding.onset.step == pytest.approx(100, abs=8)


def test_epochs_are_shown_from_one() -> None:
    (finding,) = HostMemoryCreep().detect(run_of(700 + 20.0 * np.arange(20)))
    assert finding.onset is not None
    assert f"at epoch {finding.onset.epoch + 1} " in finding.summary
    assert "to 1.06 GiB at epoch 20," in finding.summary


def test_start_up_then_a_leak() -> None:
    level = 300 + np.minimum(np.arange(40), 3) * 400 + 20.0 * np.arange(40)
    (finding,) = HostMemoryCreep().detect(run_of(level))
    assert finding.measured is not None
    assert finding.measured.value == pytest.approx(20 * MIB, rel=0.1)


@pytest.mark.parametrize(
    "level",
    [
        np.full(40, 900.0),
        900 + np.minimum(np.arange(40) * 150.0, 600),  # start-up, done after four epochs
        500 + 4000 * (1 - np.exp(-np.arange(40) / 10)),  # a cache that fills
        500 + 4000 * (1 - np.exp(-np.arange(40) / 20)),
        500 + 300 * np.sqrt(np.arange(40)),
        500 + 400 * np.log1p(np.arange(200)),
        np.where(np.arange(60) < 20, 900.0, 1500.0),  # one step (a stage, the first plot)
        900 + 0.2 * np.arange(600),  # allocator drift of a long run: below the slope
        2000 - 10.0 * np.arange(40),
    ],
)
def test_growth_that_levels_off_is_left_alone(level: np.ndarray) -> None:
    for seed in range(5):
        assert HostMemoryCreep().detect(run_of(level, noise=5, seed=seed)) == []


def test_healthy_drift_never_fires() -> None:
    """Random walks in steps of 3 MiB per epoch: no trend, though autocorrelated."""
    fired = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        fired += bool(HostMemoryCreep().detect(run_of(900 + np.cumsum(rng.normal(0, 3, 100)), seed=seed)))
    assert fired <= 1


def test_a_wild_random_walk_seldom_fires() -> None:
    """Steps of 15 MiB per epoch; without the standard errors 13 of 300 such runs were called a leak, with them 3."""
    fired = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        level = 2900 + np.cumsum(rng.normal(0, 15, int(rng.choice([20, 100, 300]))))
        fired += bool(HostMemoryCreep().detect(run_of(level, seed=seed)))
    assert fired <= 3


def test_without_a_limit_there_is_no_forecast() -> None:
    (finding,) = HostMemoryCreep().detect(run_of(700 + 20.0 * np.arange(20), hardware={}))
    assert finding.severity == "warning"
    assert finding.detail["forecast_epoch"] is None
    assert "At this rate" not in finding.summary


def test_a_run_that_died_of_it_is_critical_whatever_the_forecast() -> None:
    run = run_of(700 + 20.0 * np.arange(20), hardware={})
    message = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."
    run.events = [{"kind": "start"}, {"kind": "oom", "message": message, "data": {"type": "RuntimeError"}}]
    assert HostMemoryCreep().detect(run)[0].severity == "critical"


def test_a_resumed_process_starts_anew() -> None:
    level = np.concatenate([700 + 50.0 * np.arange(20), np.full(20, 700.0)])
    run = run_of(level)
    run.events = [{"kind": "start", "step": 0}, {"kind": "start", "step": 80}]
    assert HostMemoryCreep().detect(run) == []


def test_empty_one_row_and_nan_are_quiet() -> None:
    assert HostMemoryCreep().detect(Run("x", "trainwatch")) == []
    assert HostMemoryCreep().detect(run_of(np.array([700.0]), steps=1)) == []
    table = pa.table({"step": range(50), "epoch": range(50), "rss_bytes": [np.nan] * 50})
    assert HostMemoryCreep().detect(Run("x", "trainwatch", steps=table)) == []
