from __future__ import annotations

import pyarrow as pa

from trainwatch.detectors.truncated_run import TruncatedRun
from trainwatch.runs import Run


def log(epochs: int, planned: int | None, source: str = "ultralytics-csv", **args: object) -> Run:
    fitness = [0.1 + 0.001 * i for i in range(epochs)]
    table = pa.table({"epoch": pa.array(range(epochs), pa.int64()), "fitness": pa.array(fitness, pa.float64())})
    return Run("x", source, epochs=table, meta={"args": {"epochs": planned, **args}, "planned_epochs": planned})


def test_a_log_that_ends_too_soon() -> None:
    (finding,) = TruncatedRun().detect(log(38, 100, patience=50))
    assert finding.id == "truncated-run"
    assert finding.severity == "warning"
    assert finding.title == "The log ends at epoch 38 of 100"
    assert finding.onset is not None
    assert finding.onset.epoch == 37
    assert finding.detail == {"last_epoch": 37, "planned_epochs": 100}


def test_other_ends_are_quiet() -> None:
    assert TruncatedRun().detect(log(100, 100)) == []
    assert TruncatedRun().detect(log(0, 100)) == []
    stopped = log(53, 100, patience=50)
    falling = [0.1, 0.2, 0.3] + [0.2] * 50
    stopped.epoch_table = stopped.epoch_table.set_column(1, "fitness", pa.array(falling))
    assert TruncatedRun().detect(stopped) == []


def test_not_applicable() -> None:
    assert TruncatedRun().missing(log(5, 10, "trainwatch")) is not None
    assert TruncatedRun().missing(log(5, None)) == "the planned epochs are not known"
    assert TruncatedRun().missing(log(5, 10)) is None
