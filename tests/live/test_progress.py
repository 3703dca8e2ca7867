from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.live.progress import memory_now, progress

NOW = 1e9 + 1000.0


def run_of(epochs: int, extra: int = 0, planned: int | None = 100) -> object:
    n = 10 * epochs + extra
    return make_run(
        {"loss": np.ones(n), "time_s": 1e9 + np.arange(n) * 1.0, "step_s": np.full(n, 0.9), "rss_bytes": np.full(n, 2**30)},
        {"time_s": 1e9 + 12.0 * np.arange(1, epochs + 1)} if epochs else None,
        planned_epochs=planned, loop={"steps_per_epoch": 10}, hardware={"memory_limit_bytes": 2**32},
    )  # fmt: skip


def test_remaining_time_counts_validation_and_the_epoch_under_way() -> None:
    found = progress(run_of(20, extra=5), NOW)
    assert found.epoch_s == pytest.approx(12.0)
    assert found.share == pytest.approx(0.205)
    assert found.remaining_s == pytest.approx((100 - 20.5) * 12.0)
    assert found.elapsed_s == pytest.approx(1000.0)


def test_in_the_first_epoch_it_is_estimated_from_steps() -> None:
    found = progress(run_of(0, extra=5), NOW)
    assert found.epoch_s == pytest.approx(9.0)
    assert found.remaining_s == pytest.approx(99.5 * 9.0)


def test_what_is_not_known_is_none() -> None:
    found = progress(run_of(3, planned=None), NOW)
    assert found.remaining_s is None
    assert found.share is None
    bare = progress(make_run(epochs={"fitness": [0.1]}), NOW)
    assert (bare.epoch_s, bare.step_s, bare.elapsed_s) == (None, None, None)


def test_memory() -> None:
    now = memory_now(run_of(2))
    assert now is not None
    assert (now.what, now.used, now.limit) == ("memory", 2.0**30, 2**32)
    assert memory_now(make_run(epochs={"fitness": [0.1]})) is None
