from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import lognormal, make_run

from trainwatch.detectors.dataloader_bound import DataloaderBound
from trainwatch.result import Finding


def detect(wait: np.ndarray, work: np.ndarray, **meta: Any) -> list[Finding]:
    return DataloaderBound().detect(make_run({"data_s": wait, "step_s": work}, **meta))


def test_half_the_time_waiting() -> None:
    (finding,) = detect(lognormal(500, 0.5, 0.1), lognormal(500, 0.2, 0.1, seed=1), args={"workers": 1})
    assert finding.measured is not None
    assert 0.45 < finding.measured.value < 0.6
    assert finding.detail["workers"] == 1
    assert finding.detail["where"] == "every batch"


def test_workers_that_start_anew_each_epoch() -> None:
    wait = np.full(500, 0.001)
    wait[::10] = 2.0
    (finding,) = detect(wait, np.full(500, 0.1))
    assert finding.detail["where"] == "the start of each epoch"


def test_first_batches_alone_do_not_count_as_waiting() -> None:
    wait = np.full(500, 0.001)
    wait[::10] = 0.2
    assert detect(wait, np.full(500, 0.1)) == []


def test_a_small_wait_a_short_run_and_a_bad_stretch_are_quiet() -> None:
    assert detect(np.full(500, 0.01), np.full(500, 0.1)) == []
    assert detect(np.full(100, 0.2), np.full(100, 0.1)) == []
    assert detect(np.where(np.arange(1000) < 450, 0.3, 0.001), np.full(1000, 0.1)) == []


def test_zero_and_nan_are_quiet() -> None:
    assert detect(np.zeros(500), np.zeros(500)) == []
    assert detect(np.full(500, np.nan), np.full(500, np.nan)) == []
