from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log
from synthetic import make_run

from trainwatch.detectors.nonfinite_validation import NonfiniteValidation

VAL = ("val/box_loss", "val/cls_loss", "val/dfl_loss")


def poisoned(since: int, n: int = 50, frozen: bool = True) -> dict:
    columns = curves(n)
    for name in VAL:
        columns[name][since:] = np.nan
    if frozen:
        columns[SCORE][since:] = columns[SCORE][since - 1] if since else 0.0
    return columns


def test_poisoned_average_is_critical_although_training_losses_are_fine() -> None:
    (finding,) = NonfiniteValidation().detect(epoch_log(poisoned(6)))
    assert finding.severity == "critical"
    assert finding.onset.epoch == 6
    assert finding.end is None
    assert "epoch 7" in finding.title
    assert "training losses are finite" in finding.summary
    assert finding.measured.value == 44


def test_from_the_first_epoch_on_with_a_score_of_zero() -> None:
    (finding,) = NonfiniteValidation().detect(epoch_log(poisoned(0, 9)))
    assert finding.severity == "critical"
    assert finding.onset.epoch == 0


def test_metrics_that_move_on_show_that_only_the_loss_overflows() -> None:
    (finding,) = NonfiniteValidation().detect(epoch_log(poisoned(20, frozen=False)))
    assert finding.severity == "warning"


def test_two_epochs_at_the_end_are_enough_and_one_is_not() -> None:
    assert NonfiniteValidation().detect(epoch_log(poisoned(2, 4)))
    assert NonfiniteValidation().detect(epoch_log(poisoned(49, 50))) == []


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_moment_in_warm_up_is_quiet(bad: float) -> None:
    columns = curves()
    columns["val/cls_loss"][:2] = bad
    columns["val/cls_loss"][60] = bad
    assert NonfiniteValidation().detect(epoch_log(columns)) == []


def test_a_logger_that_writes_nan_for_everything_is_quiet() -> None:
    nothing = np.full(50, np.nan)
    assert NonfiniteValidation().detect(make_run(epochs={"val/loss": nothing, SCORE: nothing})) == []


SPOILT = {
    "kind": "nonfinite",
    "epoch": 3,
    "data": {"place": "average", "names": ["model.0.conv.weight", "b", "c", "d"]},
}


def test_a_spoilt_average_is_told_where_no_validation_is() -> None:
    counts = [0, 0, 0, 4, 4, 4]
    (finding,) = NonfiniteValidation().detect(make_run(epochs={"ema/nonfinite": counts}, events=[SPOILT]))
    assert finding.severity == "critical"
    assert finding.onset.epoch == 3
    assert finding.measured.value == 4
    assert "4 tensors of the averaged weights (EMA) hold NaN or infinity (model.0.conv.weight, b, c and others)" in (
        finding.summary
    )
    (last,) = NonfiniteValidation().detect(make_run(epochs={"ema/nonfinite": [0, 0, 0, 0, 0, 1]}))
    assert last.severity == "warning"
    assert "1 tensor of" in last.summary
    assert "holds NaN" in last.summary
    for quiet in ([0, 0, 0], [0, 2, 0, 0]):
        assert NonfiniteValidation().detect(make_run(epochs={"ema/nonfinite": quiet})) == []


def test_a_spoilt_average_makes_moving_metrics_no_comfort() -> None:
    columns = poisoned(20, frozen=False)
    columns["ema/nonfinite"] = np.where(np.arange(50) >= 19, 2.0, 0.0)
    (finding,) = NonfiniteValidation().detect(epoch_log(columns))
    assert finding.severity == "critical"
    assert finding.onset.epoch == 19
    assert "averaged weights (EMA)" in finding.summary
