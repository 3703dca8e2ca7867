from __future__ import annotations

import numpy as np
from epoch_logs import curves, epoch_log

from trainwatch.detectors.transient_nonfinite import TransientNonfinite


def detect(places: list[int], n: int = 100, bad: float = np.inf) -> list:
    columns = curves(n)
    columns["val/cls_loss"][places] = bad
    return TransientNonfinite().detect(epoch_log(columns))


def test_infinite_in_warm_up_is_information() -> None:
    (finding,) = detect([0, 1])
    assert finding.severity == "info"
    assert (finding.onset.epoch, finding.end.epoch) == (0, 1)
    assert "infinite in epoch 1, 2" in finding.summary
    assert "all in warm-up" in finding.summary
    assert finding.detail["in_warm_up"]


def test_later_epochs_are_named_as_well_but_not_all_of_many() -> None:
    (finding,) = detect([20, 70], bad=np.nan)
    assert "NaN" in finding.summary
    assert not finding.detail["in_warm_up"]
    (finding,) = detect(list(range(5, 50, 3)))
    assert "and 9 more" in finding.summary


def test_finite_losses_and_lasting_ones_are_quiet() -> None:
    assert detect([]) == []
    assert detect(list(range(60, 100))) == [], "nonfinite-validation's"
    assert detect([99]) == [], "it cannot be told yet"


def test_an_average_that_was_mended_is_information() -> None:
    columns = {"ema/nonfinite": np.array([0.0, 0.0, 3.0, 0.0, 0.0])}
    (finding,) = TransientNonfinite().detect(epoch_log(columns))
    assert finding.severity == "info"
    assert (finding.onset.epoch, finding.end.epoch) == (2, 2)
    assert "3 tensors of the averaged weights" in finding.summary
    assert TransientNonfinite().detect(epoch_log({"ema/nonfinite": np.array([0.0, 3.0, 3.0])})) == [], "lasting"
    both = curves(100)
    both["val/cls_loss"][20] = np.nan
    both["ema/nonfinite"] = np.where(np.arange(100) == 20, 1.0, 0.0)
    (told,) = TransientNonfinite().detect(epoch_log(both))
    assert "averaged weights" in told.summary
