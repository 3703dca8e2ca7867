from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.early_stopped import EarlyStopped
from trainwatch.detectors.premature_early_stop import PrematureEarlyStop


def stopped(score: np.ndarray, patience: int = 20, planned: int = 1000, lr_end: float = 0.7, seed: int = 0) -> object:
    """A run whose best epoch is a lucky one, ``patience`` epochs before the end."""
    n = len(score)
    columns = curves(n)
    columns[SCORE] = score * (1 + np.random.default_rng(seed).normal(0, 0.02, n))
    columns[SCORE][n - 1 - patience] = 1.02 * columns[SCORE].max()
    columns["lr/pg0"] = np.linspace(0.01, 0.01 * lr_end, n)
    return epoch_log(columns, planned, {"patience": patience})


@pytest.mark.parametrize("seed", range(3))
def test_a_rising_score_stopped_by_one_lucky_epoch(seed: int) -> None:
    run = stopped(np.linspace(0.2, 0.5, 150), seed=seed)
    (finding,) = PrematureEarlyStop().detect(run)
    assert finding.severity == "warning"
    assert finding.onset.epoch == 149
    assert "70 %" in finding.summary
    assert EarlyStopped().detect(run)


def test_a_flat_score_was_stopped_rightly() -> None:
    assert PrematureEarlyStop().detect(stopped(np.full(150, 0.5))) == []


def test_near_the_end_or_with_the_rate_spent_it_costs_little() -> None:
    rising = np.linspace(0.2, 0.5, 150)
    assert PrematureEarlyStop().detect(stopped(rising, planned=160)) == []
    assert PrematureEarlyStop().detect(stopped(rising, lr_end=0.05)) == []


def test_a_run_that_was_not_stopped_by_patience_and_a_ceiling_are_quiet() -> None:
    columns = curves(100, speed=1)
    assert PrematureEarlyStop().detect(epoch_log(columns, 300)) == []
    assert PrematureEarlyStop().detect(stopped(np.linspace(0.96, 0.97, 150))) == []


def test_a_rise_that_only_makes_good_what_was_lost_is_none() -> None:
    lost = np.r_[np.full(10, 0.56), np.linspace(0.3, 0.5, 140)]
    assert PrematureEarlyStop().detect(stopped(lost)) == []


def test_a_rise_that_ended_before_the_last_patience_is_none() -> None:
    assert PrematureEarlyStop().detect(stopped(np.r_[np.linspace(0.3, 0.5, 120), np.full(40, 0.5)], patience=40)) == []
