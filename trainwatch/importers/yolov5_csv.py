"""YOLOv5, YOLOv9 and their forks: ``results.csv`` with ``opt.yaml`` and ``hyp.yaml`` beside it.

What it reads:
    One row per epoch, counted from 0; headers are padded. The ``x/lr0`` columns tell the format from Ultralytics' own.
    Names become ours: ``metrics/mAP_0.5:0.95(M)`` is ``metrics/mAP50-95(M)``, ``x/lr1`` is ``lr/pg1``. Fitness, which
    ranks the checkpoints and drives the patience, is 0.1 mAP50 + 0.9 mAP50-95, boxes and masks added up.

What it repairs, each with a note:
    Rows of the wrong length are dropped, a restarted epoch column counts attempts, ``noval`` is not measured, not zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import MAX_EPOCH, EpochTable, csv_rows, legal_epoch, tabulate
from trainwatch.importers._text import fields, first_line, number, read, read_yaml
from trainwatch.runs.run import Run

SOURCE: Final = "yolov5-csv"
NAMES: Final = (
    (re.compile(r"^x/lr(\d+)$"), r"lr/pg\1"),
    (re.compile(r"^metrics/mAP_0\.5:0\.95(.*)$"), r"metrics/mAP50-95\1"),
    (re.compile(r"^metrics/mAP_0\.5(.*)$"), r"metrics/mAP50\1"),
)
MAP_WEIGHTS: Final = {"mAP50": 0.1, "mAP50-95": 0.9}
"""YOLOv5 utils/metrics.py, fitness()."""


def sniff(path: Path) -> float:
    """Return 0.6 for a folder with, or a file that is, a YOLOv5 results.csv (told by its header), else 0."""
    try:
        file = _results_file(path)
        return 0.6 if file is not None and _is_header(fields(first_line(file))) else 0.0
    except (OSError, ValueError):
        return 0.0


def load(path: Path) -> Run:
    """Read a run folder or its results.csv.

    Args:
        path: Folder with ``results.csv``, or that file; ``opt.yaml`` and ``hyp.yaml`` are looked for beside it.

    Raises:
        UnreadableRun: If there is no such file, or it is unreadable, binary, empty, too large, or holds no epoch.
    """
    path = Path(path)
    file = _results_file(path)
    if file is None:
        raise UnreadableRun(f"{path}: there is no results.csv in it; give the folder that YOLOv5's train.py wrote")
    table = _parse(read(file, "results.csv that YOLOv5's train.py wrote"), file)
    args, notes = arguments(file.parent)
    notes += table.notes
    if args.get("noval") and _unmeasured(table):
        notes.append("The training ran with noval: metrics of epochs without validation are read as missing.")
    values = fitness(table.columns)
    if values is not None:
        notes.append("Fitness is not in the file; it was computed as YOLOv5 does, 0.1 mAP50 + 0.9 mAP50-95.")
    return Run(path, SOURCE, epochs=table.arrow(values), meta=meta(args), notes=notes)


def arguments(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments (hyp.yaml and opt.yaml, under their own names) and notes."""
    hyper, _ = read_yaml(folder / "hyp.yaml")
    options, notes = read_yaml(folder / "opt.yaml")
    return {**hyper, **options}, notes


def meta(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``run.json`` would say."""
    epochs = args.get("epochs")
    planned = (
        int(epochs) if isinstance(epochs, int) and not isinstance(epochs, bool) and 0 < epochs <= MAX_EPOCH else None
    )
    return {"trainer": "yolov5", "args": dict(args), "planned_epochs": planned}


def fitness(columns: Mapping[str, list[float | None]]) -> list[float | None] | None:
    """Return YOLOv5's fitness per row, None where a metric is missing; None in all without mAP columns."""
    weights = {
        name: weight
        for name in columns
        for metric, weight in MAP_WEIGHTS.items()
        if re.fullmatch(rf"metrics/{metric}(\([BM]\))?", name)
    }
    if not any("mAP50-95" in n for n in weights):
        return None
    found: list[float | None] = []
    for row in zip(*(columns[n] for n in weights), strict=True):
        measured = [v for v in row if v is not None]
        whole = len(measured) == len(row)
        found.append(sum(w * v for w, v in zip(weights.values(), measured, strict=True)) if whole else None)
    return found


def _results_file(path: Path) -> Path | None:
    if path.is_dir():
        path = path / "results.csv"
    return path if path.is_file() else None


def _is_header(names: list[str]) -> bool:
    return "epoch" in names and any(n.startswith("x/lr") for n in names) and any(n.startswith("train/") for n in names)


def _ours(name: str) -> str:
    for pattern, replacement in NAMES:
        name = pattern.sub(replacement, name)
    return name


def _parse(text: str, file: Path) -> EpochTable:
    lines = text.split("\n")
    header = fields(lines[0])
    if not _is_header(header):
        raise UnreadableRun(f"{file}: the first line is no YOLOv5 header; give the results.csv that train.py wrote")
    names = [_ours(n) for n in header]
    rows: list[tuple[int, dict[str, float | None]]] = []
    bad: list[int] = []
    words = 0
    for at, found in csv_rows(lines[1:]):
        if "epoch" in found:
            continue
        while len(found) > len(header) and not found[-1]:
            found = found[:-1]
        values = {n: number(f) for n, f in zip(names, found, strict=False)}
        epoch = values.pop("epoch", None)
        if len(found) != len(header) or not legal_epoch(epoch):
            bad.append(at)
            continue
        words += sum(v is None for v in values.values())
        rows.append((int(epoch or 0), values))
    if not rows:
        raise UnreadableRun(f"{file}: a header but no complete row; the training has finished no epoch yet")
    return tabulate(rows, bad, words, base=0)


def _unmeasured(table: EpochTable) -> bool:
    """Turn rows of zeros into nulls, in place; say whether there were any."""
    names = [n for n in table.columns if n.startswith(("val/", "metrics/"))]
    zero = [not any(table.columns[n][i] for n in names) for i in range(len(table.epoch))]
    for name in names:
        table.columns[name] = [None if z else v for z, v in zip(zero, table.columns[name], strict=True)]
    return any(zero)
