from __future__ import annotations

from typing import Any

import pyarrow as pa

from trainwatch.detectors.early_stopped import EarlyStopped
from trainwatch.runs import Run


def log(
    fitness: list[float], source: str = "ultralytics-csv", events: tuple[dict[str, Any], ...] = (), **args: Any
) -> Run:
    epochs = pa.table({"epoch": pa.array(range(len(fitness)), pa.int64()), "fitness": pa.array(fitness, pa.float64())})
    return Run("x", source, epochs=epochs, events=events, meta={"args": args, "planned_epochs": args.get("epochs")})


def test_the_arithmetic_of_patience() -> None:
    (finding,) = EarlyStopped().detect(log([0.1, 0.4213, 0.4, 0.3, 0.41], epochs=100, patience=3))
    assert finding.id == "early-stopped"
    assert finding.severity == "info"
    assert finding.title == "Stopped early at epoch 5"
    assert "since epoch 2 (fitness 0.4213)" in finding.summary
    assert finding.detail == {
        "best_epoch": 1, "best_fitness": 0.4213, "last_epoch": 4, "patience_epochs": 3, "planned_epochs": 100,
    }  # fmt: skip
    assert finding.measured is not None
    assert finding.measured.value == 3


def test_the_trainers_own_word_is_enough() -> None:
    events = ({"kind": "start"}, {"kind": "end", "data": {"reason": "early-stop"}})
    (finding,) = EarlyStopped().detect(log([0.1, 0.4, 0.3], "trainwatch", events, epochs=100, patience=0))
    assert finding.detail["best_epoch"] == 1
    assert finding.detail["patience_epochs"] is None
    assert finding.confidence > 0.95


def test_completed_truncated_flat_and_empty_are_quiet() -> None:
    assert EarlyStopped().detect(log([0.1, 0.4, 0.3, 0.3, 0.3], epochs=5, patience=3)) == []
    assert EarlyStopped().detect(log([0.1, 0.4, 0.3, 0.3], epochs=100, patience=3)) == []
    assert EarlyStopped().detect(log([0.0] * 60, epochs=100, patience=50)) == []
    assert EarlyStopped().detect(log([float("nan")] * 60, epochs=100, patience=100)) == []
    assert EarlyStopped().detect(log([], epochs=100, patience=3)) == []
