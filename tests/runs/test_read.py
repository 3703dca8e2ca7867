"""Which log of a folder is read, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfevents import scalar, version

from trainwatch.errors import UnreadableRun
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder

CSV = "epoch,train/box_loss,metrics/mAP50-95(B),lr/pg0\n1,2,0.1,0.01\n2,1,0.2,0.01\n"


def events(folder: Path) -> None:
    (folder / "events.out.tfevents.1.h").write_bytes(version() + scalar(0, "train/loss", 7.0))


def test_the_surest_is_read_and_the_others_are_said(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text(CSV)
    events(tmp_path)
    run = read_run(tmp_path)
    assert run.source == "ultralytics-csv"
    assert "Read as ultralytics-csv; left aside: tensorboard." in run.notes


def test_the_next_is_read_where_the_surest_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text(CSV.split("\n")[0] + "\n")
    events(tmp_path)
    run = read_run(tmp_path)
    assert run.source == "tensorboard"
    assert any("ultralytics-csv could not be read" in n for n in run.notes)
    (tmp_path / "events.out.tfevents.1.h").unlink()
    with pytest.raises(UnreadableRun, match="no complete row"):
        read_run(tmp_path)


def test_our_own_recording_wins_only_with_steps_or_epochs(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text(CSV)
    with Recorder(tmp_path, capture_crashes=False):
        pass
    run = read_run(tmp_path)
    assert run.source == "ultralytics-csv"
    assert any("own recording beside it holds no step" in n for n in run.notes)
    with Recorder(tmp_path, capture_crashes=False) as recorder:
        recorder.step(epoch=0, losses={"a": 1.0})
    assert read_run(tmp_path).source == "trainwatch"


def test_a_folder_of_runs_names_some_of_them(tmp_path: Path) -> None:
    for name in ("exp1", "exp2"):
        with Recorder(tmp_path / "runs" / name) as rec:
            rec.step(loss=1.0)
    for folder in (tmp_path / "runs", tmp_path):
        with pytest.raises(UnreadableRun, match="runs lie below it") as caught:
            read_run(folder)
        assert str(tmp_path / "runs" / "exp2") in str(caught.value)
