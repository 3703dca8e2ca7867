"""Real logs of strangers, where they lie beside the checkout: every one is read, or refused in one line."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from trainwatch.analysis import analyse
from trainwatch.errors import UnreadableRun
from trainwatch.runs import read_run

ROOT = Path(__file__).parents[2]
PLACES = [Path(p) for p in filter(None, [os.environ.get("TRAINWATCH_CORPUS")])] + [
    ROOT.parent / "shared" / "corpus",
    ROOT.parents[1] / "shared" / "corpus",
]
CORPUS = next((p for p in PLACES if (p / "index.tsv").is_file()), None)
SOURCES = {
    "ultralytics": "ultralytics-csv", "yolov5": "yolov5-csv", "yolov7txt": "yolov7-txt", "lightning": "lightning-csv",
    "hf": "hf-trainer", "tfevents": "tensorboard",
}  # fmt: skip

pytestmark = pytest.mark.skipif(CORPUS is None, reason="the corpus of real logs is not beside this checkout")


@pytest.mark.parametrize("kind", SOURCES)
def test_every_log_is_read_and_analysed(kind: str) -> None:
    assert CORPUS is not None
    refused = []
    folders = sorted((CORPUS / "runs" / kind).iterdir())
    for folder in folders:
        try:
            run = read_run(folder)
        except UnreadableRun as error:
            refused.append(str(error))
            continue
        assert run.source == SOURCES[kind]
        assert run.epochs_done or run.step_table.num_rows
        assert analyse(run).checks.could_not_run == ()
    assert not any("\n" in reason for reason in refused)
    assert all("hold no scalar" in reason for reason in refused), refused
    assert len(folders) > len(refused)


@pytest.mark.parametrize("kind", ["ultralytics", "yolov5"])
def test_rows_and_columns_are_those_of_the_index(kind: str) -> None:
    assert CORPUS is not None
    with (CORPUS / "index.tsv").open(encoding="utf-8", newline="") as stream:
        rows = [r for r in csv.DictReader(stream, delimiter="\t") if r["kind"] == kind]
    assert rows
    for row in rows:
        run = read_run(CORPUS / "runs" / kind / row["id"])
        damaged = sum(int(n.split(" ", 1)[0]) for n in run.notes if "damaged row(s) left out" in n)
        assert run.epoch_table.num_rows + damaged == int(float(row["rows"])), row["id"]
        ours = set(run.epoch_table.column_names) - {"attempt", "fitness", "best_fitness"}
        named = [c for c in row["columns"].split(",") if c]
        assert len(ours) == len(named), row["id"]
