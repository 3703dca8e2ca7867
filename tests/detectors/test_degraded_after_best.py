from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.degraded_after_best import DegradedAfterBest


def detect(change: np.ndarray, noise: float = 0.004, args: dict | None = None) -> list:
    columns = curves(len(change), noise=noise)
    columns[SCORE] = columns[SCORE] * change
    return DegradedAfterBest().detect(epoch_log(columns, args=args))


def falling(n: int = 100, since: int = 60, drop: float = 0.3) -> np.ndarray:
    return np.r_[np.ones(since), np.linspace(1, 1 - drop, n - since)]


def test_a_large_drop_is_a_warning_and_a_small_one_information() -> None:
    (finding,) = detect(falling())
    assert finding.severity == "warning"
    assert 40 <= finding.onset.epoch <= 65
    assert finding.measured.value == pytest.approx(0.28, abs=0.04)
    assert detect(falling(drop=0.1))[0].severity == "info"


def test_a_sudden_fall_at_the_end() -> None:
    change = np.ones(60)
    change[-6:] = 0.7
    assert detect(change)[0].severity == "warning"


@pytest.mark.parametrize(
    "change",
    [
        np.ones(100),
        falling(drop=0.03),
        np.r_[np.ones(60), np.full(10, 0.5), np.ones(30)],
        np.r_[np.ones(99), 0.5],
        falling(10, 5),
    ],
    ids=["healthy", "small", "came back", "one epoch", "too short"],
)
def test_quiet(change: np.ndarray) -> None:
    assert detect(change) == []


def test_noise_is_no_drop() -> None:
    assert detect(np.ones(80), noise=0.06) == []


def test_a_score_that_never_was_one_and_a_frozen_one_are_quiet() -> None:
    columns = curves()
    columns[SCORE] = np.r_[np.full(50, 0.004), np.full(50, 0.001)]
    assert DegradedAfterBest().detect(epoch_log(columns)) == []
    columns[SCORE] = np.r_[np.full(50, 0.5), np.full(50, 0.3)]
    assert DegradedAfterBest().detect(epoch_log(columns)) == [], "metric-frozen's"


def test_a_frozen_score_counts_where_the_validation_loss_got_worse_as_well() -> None:
    columns = curves()
    columns[SCORE] = np.r_[columns[SCORE][:50], np.full(50, 0.2)]
    for name in [n for n in columns if n.startswith("val/")]:
        columns[name] = np.r_[columns[name][:50], columns[name][50:] * 1.8]
    (finding,) = DegradedAfterBest().detect(epoch_log(columns))
    assert finding.severity == "warning"


@pytest.mark.parametrize("seed", range(3))
def test_a_drop_that_the_noise_of_single_epochs_would_hide(seed: int) -> None:
    score = 0.6 * falling(drop=0.12) + np.random.default_rng(seed).normal(0, 0.02, 100)
    columns = curves(100)
    columns[SCORE] = score
    assert DegradedAfterBest().detect(epoch_log(columns))
