from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import lognormal, make_run

from trainwatch.detectors.loss_imbalance import LossImbalance
from trainwatch.result import Finding


def detect(box: float, cls: float, dfl: float, n: int = 60, **more: Any) -> list[Finding]:
    levels = {"box_loss": box, "cls_loss": cls, "dfl_loss": dfl}
    epochs = {f"train/{k}": lognormal(n, 0.1, v, seed=i) for i, (k, v) in enumerate(levels.items())}
    return LossImbalance().detect(make_run(None, {**epochs, **more}))


def test_a_component_that_is_nearly_all_is_named_with_its_gains() -> None:
    gains = {"gain/box_loss": np.full(60, 0.05), "gain/cls_loss": np.full(60, 0.5)}
    (finding,) = detect(0.02, 1.5, 0.02, **gains)
    assert finding.detail["component"] == "cls_loss"
    assert finding.detail["gains"] == {"box_loss": 0.05, "cls_loss": 0.5}
    assert finding.series == "train/cls_loss"
    assert finding.measured is not None
    assert finding.measured.value > 0.95


def test_steps_are_preferred_to_epochs() -> None:
    steps = {"loss/box_loss": lognormal(300, 0.3, 20.0), "loss/cls_loss": lognormal(300, 0.3, 1.0, seed=1)}
    (finding,) = LossImbalance().detect(make_run(steps))
    assert finding.series == "loss/box_loss"


def test_usual_mixtures_are_quiet() -> None:
    assert detect(1.0, 0.8, 1.1) == []
    assert detect(0.5, 0.45, 1.4) == [], "0.60: the largest share seen in healthy runs"
    assert detect(1.0, 0.5, 0.0) == [], "dfl is zero by design in YOLO26"


def test_an_explosion_is_no_imbalance() -> None:
    cls = lognormal(60, 0.1)
    cls[20:] *= 1e4
    epochs = {"train/box_loss": lognormal(60, 0.1, 1.0), "train/cls_loss": cls}
    assert LossImbalance().detect(make_run(None, epochs)) == []


def test_labels_that_are_missing_are_no_imbalance() -> None:
    assert detect(0.0, 110.0, 0.0) == []


def test_short_nan_and_negative_are_quiet() -> None:
    assert detect(0.01, 5.0, 0.01, n=8) == []
    assert detect(np.nan, 5.0, 0.01) == []
    epochs = {"train/kl": np.full(60, -1e8), "train/rec": np.ones(60)}
    assert LossImbalance().detect(make_run(None, epochs)) == []


def test_one_component_is_not_applicable() -> None:
    assert LossImbalance().missing(make_run(None, {"train/loss": [1.0]})) is not None


def test_the_onset_is_the_start_where_the_share_was_held_from_there() -> None:
    (finding,) = detect(0.02, 1.5, 0.02)
    assert finding.onset is not None
    assert finding.onset.epoch == 0


def test_a_component_that_was_learnt_away_does_not_lack_weight() -> None:
    fall = np.exp(-np.arange(300) / 25)
    steps = {
        "loss/cls_loss": lognormal(300, 0.1, 1.0),
        "loss/reg_loss": lognormal(300, 0.1, 1.0, seed=1) * np.maximum(fall, 0.01),
    }
    assert LossImbalance().detect(make_run(steps)) == []


def test_the_usual_share_of_boxes_in_yolov7_is_quiet() -> None:
    assert detect(0.029, 0.0, 0.003) == []
