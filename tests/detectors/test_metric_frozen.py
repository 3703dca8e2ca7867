from __future__ import annotations

import numpy as np
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.metric_frozen import MetricFrozen

VAL = ("val/box_loss", "val/cls_loss", "val/dfl_loss")


def frozen(since: int, n: int = 60, val: float | None = np.nan) -> dict:
    """Metrics repeat after epoch ``since``; validation losses are ``val`` then, None: they repeat too."""
    columns = curves(n)
    columns[SCORE][since:] = columns[SCORE][since]
    for name in VAL:
        columns[name][since + 1 :] = columns[name][since] if val is None else val
    return columns


def test_nan_and_a_score_that_repeats() -> None:
    (finding,) = MetricFrozen().detect(epoch_log(frozen(6)))
    assert finding.severity == "warning"
    assert finding.onset.epoch == 6
    assert finding.measured.value == 53
    assert not finding.detail["validation_loss_finite"]


def test_everything_validated_repeats_while_training_goes_on() -> None:
    (finding,) = MetricFrozen().detect(epoch_log(frozen(30, val=None)))
    assert finding.detail["validation_loss_finite"]


def test_three_repeats_with_nan_are_enough_and_two_are_not() -> None:
    assert MetricFrozen().detect(epoch_log(frozen(3, 7)))
    assert MetricFrozen().detect(epoch_log(frozen(3, 6))) == []


def test_a_ceiling_is_not_frozen_while_the_validation_loss_moves() -> None:
    columns = curves()
    columns[SCORE][5:] = 0.995
    assert MetricFrozen().detect(epoch_log(columns)) == []


def test_repeats_of_a_tiny_data_set_are_not_frozen() -> None:
    """An optimizer step only every fourth epoch: three of four validated rows repeat, and so do the last three."""
    columns = curves(80)
    rows = np.arange(80) // 4 * 4
    for name in (*VAL, SCORE):
        columns[name] = columns[name][rows]
    assert MetricFrozen().detect(epoch_log(columns)) == []


def test_zero_is_no_learning_and_a_constant_log_says_nothing() -> None:
    columns = frozen(0)
    columns[SCORE][:] = 0.0
    assert MetricFrozen().detect(epoch_log(columns)) == []
    assert MetricFrozen().detect(epoch_log({k: np.full(60, 0.5) for k in curves()})) == []


def test_a_healthy_run_and_one_that_thawed_are_quiet() -> None:
    assert MetricFrozen().detect(epoch_log(curves())) == []
    columns = frozen(20, val=None)
    columns[SCORE][-1] += 0.01
    assert MetricFrozen().detect(epoch_log(columns)) == []
