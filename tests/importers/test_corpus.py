"""Real logs of strangers, where they lie beside the checkout: every one is read, or refused in one line."""

from __future__ import annotations

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
