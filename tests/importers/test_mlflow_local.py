"""MLflow's local store: folders of files and the database."""

from __future__ import annotations

import math
from pathlib import Path

import mlflowdb
import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import mlflow_local as importer
from trainwatch.runs import how_it_ended, read_run


def run_folder(experiment: Path, name: str, start: int, losses: list[str], status: int = 3) -> Path:
    folder = experiment / name
    (folder / "metrics" / "val").mkdir(parents=True)
    (folder / "params").mkdir()
    (folder / "meta.yaml").write_text(f"run_id: {name}\nstatus: {status}\nstart_time: {start}\n")
    (folder / "metrics" / "train_loss").write_text("".join(f"170000000{i} {v} {i}\n" for i, v in enumerate(losses)))
    (folder / "metrics" / "val" / "loss").write_text("".join(f"170000000{i} {i} {i}\n" for i in range(len(losses))))
    (folder / "params" / "epochs").write_text("7")
    return folder


def test_files_of_a_run(tmp_path: Path) -> None:
    run = read_run(run_folder(tmp_path / "0", "abc", 1, ["3.0", "nan", "1.0"], status=4))
    assert run.source == "mlflow-local"
    series = run.epoch_series("train/loss")
    assert series.epoch.tolist() == [0, 1, 2]
    assert math.isnan(series.values[1])
    assert run.epochs["val/loss"].tolist() == [0.0, 1.0, 2.0]
    assert run.planned_epochs == 7
    assert any("FAILED" in n for n in run.notes)


def test_the_newest_of_several_runs_counts_and_is_said(tmp_path: Path) -> None:
    run_folder(tmp_path / "mlruns" / "0", "zzz", 1, ["9"] * 3)
    run_folder(tmp_path / "mlruns" / "0", "aaa", 2, ["1"] * 3)
    run = read_run(tmp_path / "mlruns")
    assert run.epochs["train/loss"].tolist() == [1.0] * 3
    assert any("aaa" in n and "1 other" in n for n in run.notes)


def test_a_database(tmp_path: Path) -> None:
    values = [("loss", 2.0, 0, False), ("loss", 0.0, 1, True), ("loss", importer.INFINITE * 1.0000001, 2, False)]
    mlflowdb.write(
        tmp_path / "mlflow.db",
        {"old": [("loss", 9.0, 0, False)], "new": values + [("val_loss", float(i), i, False) for i in range(3)]},
    )
    run = read_run(tmp_path)
    series = run.epoch_series("train/loss")
    assert series.values[0] == 2.0
    assert math.isnan(series.values[1])
    assert math.isinf(series.values[2])
    assert run.planned_epochs == 3
    assert any("1 other" in n for n in run.notes)


def test_what_is_no_such_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(importer.SQLITE + b"\xff" * 500)
    with pytest.raises(UnreadableRun, match="no database of MLflow"):
        importer.load(tmp_path)
    run = run_folder(tmp_path / "0", "abc", 1, [])
    (run / "loop").symlink_to(run)
    with pytest.raises(UnreadableRun, match="nothing was logged"):
        importer.load(run)


def test_the_status_tells_how_it_ended(tmp_path: Path) -> None:
    for status, kind in ((3, "early-stop"), (4, "exception"), (5, "killed"), (1, "truncated")):
        assert how_it_ended(read_run(run_folder(tmp_path / "0", f"run{status}", 1, ["1"] * 3, status))).kind == kind
    folder = run_folder(tmp_path / "1", "other", 1, ["1"] * 3)
    (folder / "params" / "epochs").rename(folder / "params" / "trainer.max_epochs")
    assert read_run(folder).planned_epochs == 7
