"""Writes a results.csv and its args.yaml from columns, as trainers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from trainwatch.analysis import analyse
from trainwatch.result import Analysis
from trainwatch.runs import read_run

DEFAULTS: dict[str, Any] = {
    "task": "detect", "mode": "train", "model": "yolo11n.pt", "patience": 100, "batch": 16, "imgsz": 640, "device": None,
    "val": True, "resume": False, "close_mosaic": 0, "compile": False, "lr0": 0.01, "lrf": 0.01, "warmup_epochs": 3.0,
    "warmup_bias_lr": 0.1, "optimizer": "SGD", "nbs": 64,
}  # fmt: skip


def write_csv(
    file: Path,
    columns: Mapping[str, Sequence[Any]],
    *,
    first: int = 1,
    width: int = 0,
    newline: str = "\n",
    epoch: Sequence[int] | None = None,
) -> Path:
    """Write the columns; ``epoch`` counts from ``first`` unless given; fields are padded to ``width``."""
    n = len(next(iter(columns.values())))
    every = {"epoch": list(epoch if epoch is not None else range(first, first + n)), **columns}
    lines = [",".join(f"{name:>{width}}" for name in every)]
    for row in zip(*every.values(), strict=True):
        lines.append(",".join(f"{v if isinstance(v, str | int) else f'{v:.5f}':>{width}}" for v in row))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((newline.join(lines) + newline).encode())
    return file


def run_folder(
    folder: Path, columns: Mapping[str, Sequence[Any]], args: Mapping[str, Any] | None = None, **how: Any
) -> Path:
    """Write results.csv and args.yaml; ``epochs`` is the number of rows unless the arguments say otherwise."""
    write_csv(folder / "results.csv", columns, **how)
    n = len(next(iter(columns.values())))
    (folder / "args.yaml").write_text(yaml.safe_dump({**DEFAULTS, "epochs": n, **(args or {})}))
    return folder


def found(path: Path) -> set[str]:
    """Read and analyse; return the ids of the findings.

    Raises:
        AssertionError: If a check could not run.
    """
    return set(severities(path))


def severities(path: Path) -> dict[str, str]:
    """Read and analyse; return the severity of each finding."""
    result = analysis(path)
    return {f.id: f.severity for f in result.findings}


def analysis(path: Path) -> Analysis:
    """Read and analyse; every check must run."""
    result = analyse(read_run(path))
    assert result.checks.could_not_run == (), result.checks.could_not_run
    return result
