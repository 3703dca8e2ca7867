from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.underfitting import Underfitting


def detect(score: np.ndarray, planned: int | None = None, args: dict | None = None) -> list:
    columns = curves(len(score), speed=1)
    columns[SCORE] = score * (1 + np.random.default_rng(0).normal(0, 0.005, len(score)))
    return Underfitting().detect(epoch_log(columns, planned, args))


STEADY = np.linspace(0.05, 0.5, 100)


def test_a_score_that_rises_to_the_planned_end() -> None:
    (finding,) = detect(STEADY)
    assert finding.severity == "info"
    assert finding.onset.epoch == 75
    assert finding.measured.value == pytest.approx(0.24, abs=0.05)


def test_before_the_close_of_mosaic_the_same() -> None:
    score = STEADY.copy()
    score[95:] *= 1.2
    assert detect(score, args={"close_mosaic": 5})


def test_an_unfinished_run_is_not_judged() -> None:
    assert detect(STEADY, planned=300) == []
    assert detect(np.linspace(0.05, 0.5, 10)) == [], "in warm-up"


def test_what_levels_off_is_quiet() -> None:
    x = np.arange(200) / 200
    assert detect(0.5 * (1 - np.exp(-8 * x))) == []
    assert detect(0.3 + 0.2 * (1 - np.cos(np.pi * x)) / 2) == [], "a cosine schedule"


def test_a_jump_at_the_close_of_mosaic_is_no_slope() -> None:
    score = np.full(100, 0.5)
    score[90:] = 0.6
    assert detect(score, args={"close_mosaic": 10}) == []


def test_a_training_loss_that_stands_still_is_not_underfitting() -> None:
    columns = curves(100, speed=1)
    columns[SCORE] = STEADY
    for name in columns:
        if name.startswith("train/"):
            columns[name] = np.linspace(1, 1.2, 100)
    assert Underfitting().detect(epoch_log(columns)) == []


def test_a_score_that_rises_from_next_to_nothing_is_no_lack_of_epochs() -> None:
    assert detect(0.03 * STEADY) == []
