"""Any table: guessed names, mappings, JSON lines, Parquet, sparse rows, restarts, large files."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from trainwatch.cli import run as cli
from trainwatch.errors import UnreadableRun
from trainwatch.importers import generic as importer
from trainwatch.importers._scalars import role
from trainwatch.runs import read_run


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("loss", "train/loss"), ("train_loss", "train/loss"), ("Train/Loss", "train/Loss"), ("val_loss", "val/loss"),
        ("validation loss", "val/loss"), ("eval/acc", "metrics/acc"), ("acc", "metrics/acc"), ("lr", "lr/pg0"),
        ("train_acc", "metrics/train_acc"), ("learning_rate", "lr/pg0"), ("lr-Adam", "lr/Adam"), ("x/lr2", "lr/pg2"),
        ("grad_norm", "grad_norm"), ("metrics/mAP50(B)", "metrics/mAP50(B)"), ("foo", None), ("eval_runtime", None),
    ],
)  # fmt: skip
def test_usual_names(name: str, ours: str | None) -> None:
    assert role(name) == ours


def test_a_guess_is_said(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "iteration,total_loss,valid_loss,lr,foo\n0,3,,0.1,7\n1,2.5,2,0.1,7\n2,nan,,0.1,7\n3,2,1.5,,7\n"
    )
    run = read_run(tmp_path)
    assert run.source == "generic"
    assert run.steps["step"].tolist() == [0, 1, 2, 3]
    assert run.steps["epoch"].tolist() == [0, 0, 1, 1]
    assert len(run.step_series("loss")) == 4, "nan is measured"
    assert run.step_table["lr/pg0"].null_count == 1, "an empty field is not"
    assert run.epochs["val/loss"].tolist() == [2.0, 1.5]
    assert any("guessed" in n and "total_loss is train/total_loss" in n for n in run.notes)
    assert any("left aside: foo" in n for n in run.notes)
    assert any("epochs are the evaluations" in n for n in run.notes)


def test_a_mapping_says_which_is_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "log.csv"
    file.write_text('k,"a, b",c\n' + "".join(f"{i},{3 - i / 10},{i}\n" for i in range(10)))
    mapping = importer.parse_mapping('step=k,"loss/total=a, b"')
    assert read_run(file, mapping).steps["loss"].iloc[1] == 2.9
    assert cli(["analyze", str(file), "--map", "epoch=k,val/loss=c,train/loss=c", "--fail-on", "never"]) == 0
    capsys.readouterr()
    for wrong, said in (
        ("step=k,loss=zz", "there are: k, a, b, c"),
        ("x=k", "OURS=COLUMN"),
        ("step=k", "names no loss"),
        ("loss", "OURS=COLUMN"),
    ):
        assert cli(["analyze", str(file), "--map", wrong]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_columns_without_names_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "results.txt").write_text("0/3 7.2G 0.5 9\n1/3 7.2G 0.4 9\n2/3 7.2G 0.3 9\n")
    run = read_run(tmp_path / "results.txt", {"epoch": "1", "train/box_loss": "3"})
    assert run.epochs["epoch"].tolist() == [0, 1, 2]
    assert run.epochs["train/box_loss"].tolist() == [0.5, 0.4, 0.3]


def test_json_lines_and_parquet(tmp_path: Path) -> None:
    rows = [{"epoch": e, "loss": 2.0 - e, "val_acc": e / 10} for e in range(3)]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows) + '{"epoch": 3, "loss": NaN}\n{torn\n')
    run = read_run(file)
    assert run.epochs["epoch"].tolist() == [0, 1, 2, 3]
    assert math.isnan(run.epoch_series("train/loss").values[3])
    assert run.epoch_series("metrics/acc").epoch.tolist() == [0, 1, 2]
    assert any("1 line(s)" in n for n in run.notes)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
    assert read_run(tmp_path / "log.parquet").epochs["train/loss"].tolist() == [2.0, 1.0, 0.0]


def test_a_restart_is_another_attempt(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss,lr\n" + "".join(f"{i},1,1\n" for i in (0, 10, 20, 30, 0, 10)))
    run = read_run(tmp_path)
    table = run.step_table if run.step_table.num_rows else run.epoch_table
    assert table["attempt"].to_pylist()[-2:] == [1, 1]
    assert any("starts again 1 time" in n for n in run.notes)


def test_a_million_rows_take_seconds(tmp_path: Path) -> None:
    n = 1_000_000
    table = pa.table(
        {
            "step": np.arange(n),
            "epoch": np.arange(n) // 1000,
            **{f"train/l{i}_loss": np.random.default_rng(i).random(n) for i in range(4)},
        }
    )
    pyarrow.csv.write_csv(table, tmp_path / "log.csv")
    began = time.process_time()
    run = importer.load(tmp_path / "log.csv")
    assert time.process_time() - began < 8
    assert run.step_table.num_rows == n
    began = time.process_time()
    importer.sniff(tmp_path / "log.csv")
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"epoch,loss\n",
        b"a,b\n1,2\n",
        b"x" * (10 << 20),
        b'{"loss":' + b"[" * 100_000,
        b"PAR1junk",
        b"\xff\xfeepoch",
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "log.csv").write_bytes(data)
    with pytest.raises(UnreadableRun) as error:
        importer.load(tmp_path / "log.csv")
    assert "\n" not in str(error.value)


def test_a_damaged_parquet_file_is_one_line(tmp_path: Path) -> None:
    """Found by fuzzing: pyarrow's OSError has several lines and no errno."""
    file = tmp_path / "log.parquet"
    pq.write_table(pa.table({"step": list(range(50)), "loss": [float(i) for i in range(50)]}), file)
    data = bytearray(file.read_bytes())
    data[4:24] = b"\xff" * 20
    file.write_bytes(data)
    with pytest.raises(UnreadableRun) as refused:
        read_run(file)
    assert "\n" not in str(refused.value)


def test_steps_that_were_taken_again_are_shown_once(tmp_path: Path) -> None:
    rows = [f"{s},{1.0}" for s in range(100)] + [f"{s},{2.0}" for s in range(40, 60)]
    (tmp_path / "log.csv").write_text("\n".join(["step,loss", *rows]) + "\n")
    run = read_run(tmp_path)
    assert run.steps["step"].tolist() == list(range(60))
    assert run.steps["loss"].tolist() == [1.0] * 40 + [2.0] * 20
