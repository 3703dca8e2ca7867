"""Event files: scalars simple and as tensors, repeated tags, torn ends, files without scalars."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from tfevents import record, scalar, version

from trainwatch.analysis import analyse
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


def test_a_resumed_training_in_a_second_file_replaces_what_it_wrote_again(tmp_path: Path) -> None:
    write(tmp_path, *(scalar(s, "Loss", 1.0) for s in range(50)), name=NAME)
    write(tmp_path, *(scalar(s, "Loss", 2.0) for s in range(47, 60)), name=NAME.replace("1.0", "2.0"))
    run = importer.load(tmp_path)
    assert run.steps["step"].tolist() == list(range(60))
    assert run.steps["loss"].tolist() == [1.0] * 47 + [2.0] * 13
    assert run.steps["attempt"].tolist() == [0] * 47 + [1] * 13
    assert any("go back 1 time(s), first to 47" in n for n in run.notes)


def test_a_start_from_scratch_leaves_no_step_of_the_longer_one_before(tmp_path: Path) -> None:
    write(tmp_path, *(scalar(s, "Loss", 1.0) for s in range(500)), *(scalar(s, "Loss", 2.0) for s in range(20)))
    run = importer.load(tmp_path)
    assert run.steps["loss"].tolist() == [2.0] * 20
    assert set(run.steps["attempt"]) == {1}


def test_epochs_of_two_starts_are_told_apart_as_in_a_log_of_epochs(tmp_path: Path) -> None:
    (tmp_path / "opt.yaml").write_text("epochs: 10\n")
    tags = ("train/box_loss", "metrics/mAP_0.5:0.95")
    write(tmp_path, *(scalar(e, t, 1.0) for e in range(8) for t in tags))
    write(tmp_path, *(scalar(e, t, 2.0) for e in range(5) for t in tags), name=NAME.replace("1.0", "2.0"))
    run = importer.load(tmp_path)
    assert run.epoch_table["epoch"].to_pylist() == [*range(8), *range(5)]
    assert run.epoch_table["attempt"].to_pylist() == [0] * 8 + [1] * 5
    assert run.epoch_series("train/box_loss").values.tolist() == [2.0] * 5
    assert "restarted-log" in {f.id for f in analyse(run).findings}


def test_a_tag_on_an_axis_of_its_own_is_no_restart(tmp_path: Path) -> None:
    rows = [scalar(e, t, 1.0) for e in range(6) for t in ("train/box_loss", "val/box_loss", "metrics/mAP50(B)")]
    classes = [scalar(c, "per_class", 0.5) for _ in range(6) for c in range(4)]
    run = importer.load(write(tmp_path, *rows, *classes))
    assert set(run.epoch_table["attempt"].to_pylist()) == {0}
    assert not any("go back" in n for n in run.notes)


def test_files_written_at_one_time_are_ranks_and_no_restart(tmp_path: Path) -> None:
    write(tmp_path, *(scalar(s, "Loss", 1.0, at=1e9 + s) for s in range(20)))
    write(tmp_path, *(scalar(s, "Loss", 2.0, at=1e9 + s + 0.5) for s in range(20)), name=NAME.replace("1.0", "2.0"))
    run = importer.load(tmp_path)
    assert len(run.steps) == 20
    assert not any("go back" in n for n in run.notes)


def test_an_epoch_tag_puts_steps_and_evaluations_on_one_axis(tmp_path: Path) -> None:
    """Lightning and the Hugging Face Trainer log everything by global step."""
    rows = [scalar(50 * i, t, v) for i in range(1, 9) for t, v in (("train/loss", 1 / i), ("train/epoch", i / 4))]
    rows += [scalar(200 * i, "eval/loss", 2 / i) for i in (1, 2)]
    (tmp_path / "hparams.yaml").write_text("max_epochs: 3\n")
    run = importer.load(write(tmp_path, *rows))
    assert run.steps["step"].tolist() == [50 * i for i in range(1, 9)]
    assert run.epoch_series("val/loss").values.tolist() == [2.0, 1.0]
    assert run.epochs_done == 2
    assert run.planned_epochs == 3


def test_evaluations_far_apart_are_counted_not_taken_as_epochs(tmp_path: Path) -> None:
    rows = [scalar(s, "Loss/train", 1.0) for s in range(0, 1000, 10)]
    rows += [scalar(s, "Loss/val", 1.0) for s in range(90, 1000, 100)]
    run = importer.load(write(tmp_path, *rows))
    assert run.epochs_done == 10
    assert len(run.steps) == 100


def test_training_values_per_step_beside_evaluations_per_epoch_are_steps(tmp_path: Path) -> None:
    rows = [scalar(s, t, 1.0) for s in range(300) for t in ("train/loss", "train/accuracy")]
    rows += [scalar(e, "val/loss", 1.0) for e in range(5)]
    run = importer.load(write(tmp_path, *rows))
    assert run.epochs_done == 5
    assert run.steps["loss"].tolist() == [1.0] * 300
    assert set(run.steps) == {"step", "epoch", "attempt", "loss"}


def test_more_starts_than_can_be_told_apart_are_one_history(tmp_path: Path) -> None:
    rows = [scalar(s, "Loss", 1.0) for _ in range(importer.MAX_ATTEMPTS + 9) for s in range(3)]
    run = importer.load(write(tmp_path, *rows))
    assert run.steps["step"].tolist() == [0, 1, 2]


def test_many_files_take_seconds(tmp_path: Path) -> None:
    for i in range(200):
        rows = (scalar(100 * i + s, "Loss", 1.0) for s in range(100))
        write(tmp_path, *rows, name=f"events.out.tfevents.{1_700_000_000 + i}.host.1.0")
    start = time.process_time()
    run = importer.load(tmp_path)
    assert time.process_time() - start < 10
    assert len(run.steps) == 20_000
    assert run.steps["attempt"].max() == 0


def test_the_subfolders_of_keras_are_one_training(tmp_path: Path) -> None:
    for name, factor in (("train", 1.0), ("validation", 2.0)):
        (tmp_path / name).mkdir()
        rows = [scalar(e, t, factor / (e + 1)) for e in range(6) for t in ("epoch_loss", "epoch_accuracy")]
        rows += [scalar(100 * e, "evaluation_loss_vs_iterations", 1.0) for e in range(6)] if factor > 1 else []
        write(tmp_path / name, *rows)
    run = read_run(tmp_path)
    assert run.source == "tensorboard"
    assert run.epochs_done == 6
    assert run.epochs["val/epoch_loss"].tolist() == pytest.approx([2 / (e + 1) for e in range(6)])
    assert run.epochs["train/epoch_loss"].tolist() == pytest.approx([1 / (e + 1) for e in range(6)])
    assert not any("go back" in n for n in run.notes)
    assert run.epochs["metrics/epoch_accuracy"].notna().all()
    assert not [c for c in run.epochs if c.startswith("val/") and "loss" not in c]


def test_a_folder_of_runs_one_of_which_is_named_train_is_no_training(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    write(tmp_path / "train", scalar(0, "train/box_loss", 1.0))
    assert importer.sniff(tmp_path) == 0
