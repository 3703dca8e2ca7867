"""Offline runs of Weights & Biases: history, configuration, torn and damaged records, the summary alone."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from wandblog import BLOCK, config, exited, history, log

from trainwatch.errors import UnreadableRun
from trainwatch.importers import wandb_offline as importer
from trainwatch.runs import how_it_ended, read_run


def folder(tmp_path: Path, data: bytes) -> Path:
    run = tmp_path / "offline-run-20240101_000000-abc"
    (run / "files").mkdir(parents=True)
    (run / "run-abc.wandb").write_bytes(data)
    return run


def test_history_and_configuration(tmp_path: Path) -> None:
    rows = [history(s, epoch=s // 10, **{"train/loss": 5 - s / 10, "lr": 0.1}) for s in range(30)]
    rows += [history(30 + e, epoch=e, val_loss=3 - e, val_acc=0.5 + e / 10) for e in range(3)]
    run = read_run(folder(tmp_path, log(config(epochs=3, model="m"), *rows, exited(1))))
    assert run.source == "wandb-offline"
    assert len(run.steps) == 30
    assert run.steps["loss"].iloc[10] == 4.0
    assert run.steps["epoch"].iloc[-1] == 2
    assert run.epochs["val/loss"].tolist() == [3.0, 2.0, 1.0]
    assert run.epochs["metrics/acc"].tolist() == pytest.approx([0.5, 0.6, 0.7])
    assert run.planned_epochs == 3
    assert run.args["model"] == "m"
    assert any("ended with code 1" in n for n in run.notes)


def test_nan_is_measured_and_words_are_not(tmp_path: Path) -> None:
    data = log(history(0, loss="NaN", epoch=0), history(1, loss="hello", epoch=1), history(2, loss=math.inf, epoch=2))
    series = importer.load(folder(tmp_path, data)).epoch_series("train/loss")
    assert series.epoch.tolist() == [0, 2]
    assert not series.finite.any()


def test_records_over_several_blocks(tmp_path: Path) -> None:
    big = history(0, note="x" * (2 * BLOCK), loss=2.5, epoch=0)
    run = importer.load(folder(tmp_path, log(big, history(1, loss=1.5, epoch=1))))
    assert run.epochs["train/loss"].tolist() == [2.5, 1.5]
    assert not any("damaged" in n for n in run.notes)


def test_a_torn_end_is_dropped_with_a_note(tmp_path: Path) -> None:
    data = log(history(0, loss=2.5, epoch=0), history(1, loss=1.5, epoch=1))
    run = importer.load(folder(tmp_path, data[:-9]))
    assert run.epochs["train/loss"].tolist() == [2.5]
    assert any("damaged or torn" in n for n in run.notes)


def test_the_summary_alone_is_one_row_and_said_so(tmp_path: Path) -> None:
    run_folder = folder(tmp_path, b"")
    (run_folder / "run-abc.wandb").unlink()
    (run_folder / "files" / "wandb-summary.json").write_text(json.dumps({"_step": 9, "train_loss": 0.5, "epoch": 4}))
    (run_folder / "files" / "config.yaml").write_text("epochs:\n  value: 5\n")
    run = read_run(run_folder)
    assert run.epochs["train/loss"].tolist() == [0.5] or run.steps["loss"].tolist() == [0.5]
    assert run.planned_epochs == 5
    assert any("last values only" in n for n in run.notes)


def test_what_is_no_such_run_is_refused(tmp_path: Path) -> None:
    run = folder(tmp_path, log(config(epochs=3)))
    with pytest.raises(UnreadableRun, match="nothing was logged yet"):
        importer.load(run)
    (run / "run-abc.wandb").write_bytes(b":W&B nonsense")
    assert importer.sniff(run) == 0
    with pytest.raises(UnreadableRun, match="no run of Weights"):
        importer.load(run)


def test_the_exit_code_tells_how_it_ended(tmp_path: Path) -> None:
    rows = [history(e, epoch=e, loss=3.0 - e, val_loss=3.0 - e) for e in range(3)]
    for code, planned, kind in ((1, 9, "exception"), (0, 9, "early-stop"), (0, 3, "completed")):
        data = log(config(trainer={"max_epochs": planned}), *rows, exited(code))
        run = read_run(folder(tmp_path / f"{code}{planned}", data))
        assert run.planned_epochs == planned
        assert how_it_ended(run).kind == kind


def test_epochs_that_are_counted_evaluations_are_not_compared_with_planned_ones(tmp_path: Path) -> None:
    rows = [history(s, loss=1.0, **({"val_loss": 1.0} if s % 10 == 9 else {})) for s in range(40)]
    run = read_run(folder(tmp_path, log(config(epochs=100), *rows)))
    assert run.epochs_done == 4
    assert run.planned_epochs is None
