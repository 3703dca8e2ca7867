"""Lightning's metrics.csv: sparse rows, quoted names with commas, steps and epochs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from trainwatch.errors import UnreadableRun
from trainwatch.importers import lightning_csv as importer
from trainwatch.runs import read_run


def write(folder: Path, text: str, hparams: str = "max_epochs: 5\n") -> Path:
    (folder / "metrics.csv").write_text(text)
    (folder / "hparams.yaml").write_text(hparams)
    return folder


def test_sparse_rows_become_epochs(tmp_path: Path) -> None:
    text = "epoch,step,train_loss,val_loss,val_acc,lr-Adam\n0,48,,3.5,0.1,\n0,48,4.0,,,\n1,97,,3.0,0.2,\n1,97,3.6,,,0.001\n"
    run = read_run(write(tmp_path, text))
    assert run.source == "lightning-csv"
    assert run.epochs["train/loss"].tolist() == [4.0, 3.6]
    assert run.epochs["val/loss"].tolist() == [3.5, 3.0]
    assert run.epochs["metrics/acc"].tolist() == [0.1, 0.2]
    assert run.epoch_series("lr/lr-Adam").epoch.tolist() == [1]
    assert run.planned_epochs == 5
    assert run.step_table.num_rows == 0


def test_losses_per_step_become_steps(tmp_path: Path) -> None:
    rows = [f"{i // 10},{i},{5 - i / 10},,\n" for i in range(40)]
    text = "epoch,step,train_loss_step,train_loss_epoch,val_loss\n" + "".join(rows) + "0,9,,4.5,3.0\n"
    run = importer.load(write(tmp_path, text))
    assert len(run.steps) == 40
    assert run.steps["loss"].iloc[10] == 4.0
    assert run.epochs["train/loss"].dropna().tolist() == [4.5]
    assert "train/loss_step" not in run.epochs


def test_quoted_names_with_commas_and_odd_losses(tmp_path: Path) -> None:
    text = 'epoch,step,"metric(a, b)",train_loss\n0,1,0.5,-1e8\n1,2,nan,inf\n'
    run = importer.load(write(tmp_path, text, "- not a mapping"))
    assert run.epochs["train/loss"].iloc[0] == -1e8
    assert "metrics/train_metric(a, b)" in run.epochs
    assert run.planned_epochs is None


def test_what_is_no_such_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRun, match=r"no metrics\.csv"):
        importer.load(tmp_path)
    with pytest.raises(UnreadableRun, match="no complete row"):
        importer.load(write(tmp_path, "epoch,step,loss\n"))
    with pytest.raises(UnreadableRun):
        importer.load(write(tmp_path, "a,b\n1,2\n"))
    (tmp_path / "metrics.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableRun):
        importer.load(tmp_path)


def test_a_million_rows_take_seconds(tmp_path: Path) -> None:
    n = 1_000_000
    table = pa.table({"epoch": np.arange(n) // 1000, "step": np.arange(n), "train_loss_step": np.linspace(5, 1, n)})
    pyarrow.csv.write_csv(table, tmp_path / "metrics.csv", pyarrow.csv.WriteOptions(quoting_style="none"))
    began = time.process_time()
    run = importer.load(tmp_path)
    assert time.process_time() - began < 8
    assert run.step_table.num_rows == n
    assert run.step_table["loss"][0].as_py() == 5.0


def test_a_second_start_in_the_same_file_is_another_attempt(tmp_path: Path) -> None:
    first = [f"{i // 5},{i},{9 - i / 10},\n{i // 5},{i},,3.0\n" for i in range(40)]
    again = [f"{i // 5},{i},{2 - i / 100},\n{i // 5},{i},,1.0\n" for i in range(15, 30)]
    run = importer.load(write(tmp_path, "epoch,step,train_loss,val_loss\n" + "".join(first + again)))
    assert run.steps["step"].tolist() == list(range(30))
    assert run.steps["attempt"].tolist() == [0] * 15 + [1] * 15
    assert run.epoch_series("val/loss").values.tolist() == [3.0] * 3 + [1.0] * 3
    assert any("starts again at epoch 3 after epoch 7" in n for n in run.notes)


@pytest.mark.parametrize("hparams", ["trainer:\n  max_epochs: 7\n", "trainer/max_epochs: 7\n", "MAX_EPOCHS: '7'\n"])
def test_planned_epochs_wherever_they_stand(tmp_path: Path, hparams: str) -> None:
    assert importer.load(write(tmp_path, "epoch,step,train_loss\n0,1,2.0\n", hparams)).planned_epochs == 7


@pytest.mark.parametrize("hparams", ["max_epochs: -1\n", "max_epochs: null\n", "max_epochs: .inf\n", "epochs: true\n"])
def test_no_limit_is_no_plan(tmp_path: Path, hparams: str) -> None:
    assert importer.load(write(tmp_path, "epoch,step,train_loss\n0,1,2.0\n", hparams)).planned_epochs is None
