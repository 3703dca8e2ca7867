from __future__ import annotations

import csv
import math
from pathlib import Path

from synthetic import make_run

from trainwatch.exporters.csv import write


def test_missing_is_empty_and_nan_is_nan(tmp_path: Path) -> None:
    run = make_run({"loss": [1 / 3, None, math.nan]}, events=[{"kind": "start", "message": "=1+1", "data": {"a": [1]}}])
    write(run, tmp_path)
    rows = list(csv.DictReader((tmp_path / "steps.csv").read_text().splitlines()))
    assert [r["loss"] for r in rows] == ["0.3333333333333333", "", "nan"]
    (event,) = csv.DictReader((tmp_path / "events.csv").read_text().splitlines())
    assert event["message"] == "'=1+1", "no spreadsheet runs what a log says"
    assert event["data"] == '{"a": [1]}'
    assert not (tmp_path / "epochs.csv").exists()


def test_hostile_names(tmp_path: Path) -> None:
    write(make_run({'a,"b\n': [1.0], "=x": [2.0]}), tmp_path)
    with (tmp_path / "steps.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][4:] == ['a,"b\n', "'=x"]
    assert len(rows) == 2
