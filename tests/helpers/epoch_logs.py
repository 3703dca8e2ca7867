"""A healthy Ultralytics log of epochs, of which a test changes one thing."""

from __future__ import annotations

from typing import Any

import numpy as np
from synthetic import make_run

from trainwatch.runs import Run

SCORE = "metrics/mAP50-95(B)"


def curves(n: int = 100, seed: int = 0, speed: float = 6.0, noise: float = 0.004) -> dict[str, Any]:
    """Columns of a healthy training: losses fall, the score rises to 0.6, with the noise of a real validation."""
    rng = np.random.default_rng(seed)
    left = np.exp(-speed * np.arange(n) / max(n, 1))
    columns: dict[str, Any] = {}
    for name, high in (("box_loss", 2.0), ("cls_loss", 3.0), ("dfl_loss", 1.5)):
        columns[f"train/{name}"] = (
            (0.4 + 0.6 * left - 0.1 * np.arange(n) / max(n, 1)) * high * (1 + rng.normal(0, 0.004, n))
        )
        columns[f"val/{name}"] = (0.5 + 0.5 * left) * high * (1 + rng.normal(0, noise, n))
    columns["lr/pg0"] = 0.01 * (1 - 0.99 * np.arange(n) / max(n, 1))
    columns[SCORE] = 0.6 * (1 - left) * (1 + rng.normal(0, noise, n)) + 1e-3
    return columns


def epoch_log(
    columns: dict[str, Any], planned: int | None = None, args: dict[str, Any] | None = None, **more: Any
) -> Run:
    """Make the run. ``fitness`` is the score unless given; ``args`` are added to the trainer's defaults."""
    n = len(next(iter(columns.values())))
    columns = dict(columns)
    if SCORE in columns:
        columns.setdefault("fitness", columns[SCORE])
    planned = planned or n
    every = {"epochs": planned, "patience": 100, "close_mosaic": 0, "warmup_epochs": 3.0, "val": True, **(args or {})}
    return make_run(
        epochs=columns, source="ultralytics-csv", planned_epochs=planned, args=every, trainer="ultralytics", **more
    )
