"""Keras' CSVLogger."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import keras_csv as importer
from trainwatch.runs import read_run


def test_loss_and_metrics_of_both_kinds(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(
        "epoch,accuracy,loss,learning_rate,val_accuracy,val_loss\n0,0.5,2.0,0.001,0.4,2.2\n1,0.6,1.5,0.001,NA,nan\n"
    )
    run = read_run(file)
    assert run.source == "keras-csv"
    assert run.epochs["train/loss"].tolist() == [2.0, 1.5]
    assert run.epochs["metrics/train_accuracy"].tolist() == [0.5, 0.6]
    assert run.epoch_series("metrics/accuracy").epoch.tolist() == [0], "NA is not measured"
    assert len(run.epoch_series("val/loss")) == 2, "nan is measured"
    assert run.epochs["lr/pg0"].tolist() == [0.001, 0.001]


def test_what_is_no_such_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("epoch,loss\n")
    with pytest.raises(UnreadableRun, match="no complete row"):
        importer.load(tmp_path)
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableRun):
        importer.load(tmp_path)
