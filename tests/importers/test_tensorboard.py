"""Event files: scalars simple and as tensors, repeated tags, torn ends, files without scalars."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tfevents import record, scalar, version

from trainwatch.errors import UnreadableRun
from trainwatch.importers import tensorboard as importer
from trainwatch.runs import read_run

NAME = "events.out.tfevents.1700000000.host.1.0"


def write(folder: Path, *records: bytes, name: str = NAME) -> Path:
    (folder / name).write_bytes(b"".join((version(), *records)))
    return folder


def test_scalars_become_epochs_under_our_names(tmp_path: Path) -> None:
    tags = {"train/box_loss": 1.0, "metrics/mAP_0.5": 0.5, "metrics/mAP_0.5:0.95": 0.3, "x/lr0": 0.01}
    write(tmp_path, *(scalar(e, t, v) for e in range(3) for t, v in tags.items()))
    (tmp_path / "opt.yaml").write_text("epochs: 9\n")
    run = read_run(tmp_path)
    assert run.source == "tensorboard"
    assert run.epochs["epoch"].tolist() == [0, 1, 2]
    assert {"train/box_loss", "metrics/mAP50", "metrics/mAP50-95", "lr/pg0"} <= set(run.epochs)
    assert run.epochs["fitness"].tolist() == pytest.approx([0.1 * 0.5 + 0.9 * 0.3] * 3)
    assert run.planned_epochs == 9


def test_tensors_of_one_number_and_nan(tmp_path: Path) -> None:
    write(tmp_path, scalar(1, "val/loss", 2.5, tensor=True), scalar(2, "val/loss", math.nan))
    series = importer.load(tmp_path).epoch_series("val/loss")
    assert series.epoch.tolist() == [0, 1]
    assert series.values[0] == 2.5
    assert math.isnan(series.values[1])


def test_the_last_of_repeated_values_counts(tmp_path: Path) -> None:
    write(tmp_path, *(scalar(0, "train/loss", float(i)) for i in range(19)), scalar(1, "train/loss", 5.0))
    run = importer.load(tmp_path)
    assert run.epochs["train/loss"].tolist() == [18.0, 5.0]
    assert any("18 values were written again" in n for n in run.notes)


def test_a_plain_loop_becomes_steps(tmp_path: Path) -> None:
    run = importer.load(write(tmp_path, *(scalar(s, "Loss", 1 / (s + 1)) for s in range(50))))
    assert len(run.steps) == 50
    assert run.steps["loss"].iloc[1] == 0.5


def test_two_files_are_one_history_and_a_torn_end_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, scalar(0, "train/loss", 1.0), name=NAME)
    write(tmp_path, scalar(1, "train/loss", 2.0), scalar(2, "train/loss", 3.0)[:-9], name=NAME.replace("1.0", "2.0"))
    run = importer.load(tmp_path)
    assert run.epochs["train/loss"].tolist() == [1.0, 2.0]
    assert any("torn" in n for n in run.notes)


def test_files_without_scalars_and_other_files_are_said_so(tmp_path: Path) -> None:
    write(tmp_path, record(b"\x10\x01"))
    with pytest.raises(UnreadableRun, match="hold no scalar"):
        read_run(tmp_path)
    (tmp_path / NAME).write_bytes(b"\xff" * 100)
    assert importer.sniff(tmp_path) == 0
    with pytest.raises(UnreadableRun, match="no TensorBoard event file"):
        importer.load(tmp_path)
