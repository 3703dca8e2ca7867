"""What is exported and read by our own importers gives the same numbers."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from trainwatch.cli import run as cli
from trainwatch.runs import Run, read_run

SAMPLES = Path(__file__).parents[2] / "sample_runs"
NEEDS = {"tensorboard": "tensorboardX", "wandb": "wandb", "mlflow": "mlflow"}
RUNS = ("nan_loss", "unwatched")  # with steps, replayed epochs and NaN; epochs alone

pytestmark = pytest.mark.filterwarnings("ignore")  # of third parties


def same(a: Run, b: Run, *, single: bool, names: dict[str, str] | None = None) -> None:
    for table in ("steps", "epochs"):
        get_a, get_b = (getattr(r, f"{table[:-1]}_series") for r in (a, b))
        for column in getattr(a, f"{table[:-1]}_table").column_names:
            if column in ("time_s", "rank"):
                continue
            x, y = get_a(column), get_b((names or {}).get(column, column))
            left, right = (np.float32(s.values) if single else s.values for s in (x, y))
            np.testing.assert_array_equal(left, right, err_msg=f"{table}.{column}")
            np.testing.assert_array_equal(x.epoch, y.epoch, err_msg=f"{table}.{column}")
            if table == "steps":
                np.testing.assert_array_equal(x.step, y.step)
                np.testing.assert_array_equal(x.attempt, y.attempt)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("format_", ["tensorboard", "wandb", "mlflow"])
def test_trackers(format_: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS[format_])
    target = tmp_path / "out"
    assert cli(["export", str(SAMPLES / name), "--to", format_, "-o", str(target)]) == 0
    original, back = read_run(SAMPLES / name), read_run(target)
    assert back.source == {"tensorboard": "tensorboard", "wandb": "wandb-offline", "mlflow": "mlflow-local"}[format_]
    names = None
    if format_ == "mlflow":
        from trainwatch.exporters.mlflow import _name

        names = {n.split(".", 1)[1]: _name(n.split(".", 1)[1]) for n in original.column_names()}
    same(original, back, single=format_ == "tensorboard", names=names)
    if format_ != "tensorboard":
        assert back.planned_epochs == original.planned_epochs, "arguments travel as config or parameters"


@pytest.mark.parametrize("name", RUNS)
def test_csv(name: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert cli(["export", str(SAMPLES / name), "--to", "csv", "-o", str(target)]) == 0
    original = read_run(SAMPLES / name)
    import pandas as pd

    for table, frame in (("steps", original.steps), ("epochs", original.epochs)):
        if len(frame):
            back = pd.read_csv(target / f"{table}.csv", float_precision="round_trip")
            assert list(back) == list(frame)
            for column in frame:
                np.testing.assert_array_equal(np.float64(frame[column]), np.float64(back[column]), err_msg=column)
    mapped = read_run(target / "epochs.csv", {"epoch": "epoch", "val/box_loss": "val/box_loss"})
    np.testing.assert_array_equal(
        mapped.epoch_series("val/box_loss").values, original.epoch_series("val/box_loss").values
    )


def test_tensorboard_itself_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert cli(["export", str(SAMPLES / "killed"), "--to", "tensorboard", "-o", str(tmp_path / "tb")]) == 0
    events = accumulator.EventAccumulator(str(tmp_path / "tb"))
    events.Reload()
    original = read_run(SAMPLES / "killed")
    values = [e.value for e in events.Scalars("step/loss")]
    np.testing.assert_array_equal(np.float32(values), np.float32(original.step_series("loss").values))
    assert [e.step for e in events.Scalars("train/box_loss")] == list(range(1, 13)), (
        "epochs from 1, as Ultralytics logs"
    )


def test_a_missing_package_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    for format_, package in NEEDS.items():
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setitem(sys.modules, "sqlalchemy", None)
        assert cli(["export", str(SAMPLES / "killed"), "--to", format_, "-o", str(tmp_path / "x")]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert 'pip install "trainwatch-toolkit[' in err
        assert list(tmp_path.iterdir()) == []


def test_modules_are_imported_late() -> None:
    for format_ in ("csv", "tensorboard", "wandb", "mlflow"):
        assert callable(importlib.import_module(f"trainwatch.exporters.{format_}").write)
