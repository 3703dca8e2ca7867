from __future__ import annotations

import numpy as np
from epoch_logs import SCORE, curves, epoch_log

from trainwatch.detectors.missing_labels import MissingLabels
from trainwatch.detectors.no_learning import NoLearning


def without_labels(part: str, n: int = 30) -> dict:
    columns = curves(n)
    columns[f"{part}/box_loss"][:] = columns[f"{part}/dfl_loss"][:] = 0.0
    columns[SCORE][:] = 0.0
    return columns


def test_no_training_labels_are_critical_and_nothing_else_is_said() -> None:
    run = epoch_log(without_labels("train"))
    (finding,) = MissingLabels().detect(run)
    assert finding.severity == "critical"
    assert finding.onset.epoch == 0
    assert finding.detail == {"training": True, "validation": False}
    assert NoLearning().detect(run) == []


def test_no_validation_labels_are_a_warning() -> None:
    (finding,) = MissingLabels().detect(epoch_log(without_labels("val")))
    assert finding.severity == "warning"
    assert "validation set" in finding.title


def test_legal_zeros_are_quiet() -> None:
    for name in ("dfl_loss", "cls_loss"):
        columns = curves()
        columns[f"train/{name}"][:] = columns[f"val/{name}"][:] = 0.0
        assert MissingLabels().detect(epoch_log(columns)) == []


def test_a_score_above_zero_proves_validation_labels() -> None:
    columns = without_labels("val")
    columns[SCORE] = curves(30)[SCORE]
    assert MissingLabels().detect(epoch_log(columns)) == []


def test_all_zero_is_not_measured_rather_than_without_labels() -> None:
    columns = without_labels("val")
    columns["val/cls_loss"][:] = 0.0
    assert MissingLabels().detect(epoch_log(columns)) == []


def test_one_epoch_with_a_box_is_enough_to_be_quiet_and_two_epochs_are_too_few() -> None:
    columns = without_labels("train")
    columns["train/box_loss"][7] = 1.0
    assert MissingLabels().detect(epoch_log(columns)) == []
    assert MissingLabels().detect(epoch_log(without_labels("train", 2))) == []


def test_other_tasks_are_not_applicable() -> None:
    run = epoch_log({"train/loss": np.ones(5), "metrics/accuracy_top1": np.ones(5)})
    assert MissingLabels().missing(run) is not None


def test_the_other_component_may_reach_exactly_zero_later() -> None:
    columns = {"train/box_loss": np.zeros(20), "train/cls_loss": np.r_[np.geomspace(1, 1e-7, 15), np.zeros(5)]}
    (finding,) = MissingLabels().detect(epoch_log(columns))
    assert finding.severity == "critical"
