"""YOLOv7 and early YOLOv5: ``results.txt``, columns without names, with ``opt.yaml`` and ``hyp.yaml`` beside it.

What it reads:
    One line per epoch of 15 fields: ``epoch/last``, memory, training box, obj and cls loss, their total, labels in the
    last batch, image size, precision, recall, mAP50, mAP50-95, validation box, obj and cls loss. Segmenting YOLOv7 and
    forks write other numbers of fields, and one fork 15 fields of another meaning; a line is known by its field 6
    being the sum of the three before it and field 7 a whole number. Anything else is refused, not guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import EpochTable, tabulate
from trainwatch.importers._text import first_line, number, read
from trainwatch.importers.yolov5_csv import arguments, fitness, meta
from trainwatch.runs.run import Run

SOURCE: Final = "yolov7-txt"
EPOCH: Final = re.compile(r"(\d{1,7})/(\d{1,7})")
NAMES: Final = (
    "train/box_loss", "train/obj_loss", "train/cls_loss", "", "", "", "metrics/precision", "metrics/recall",
    "metrics/mAP50", "metrics/mAP50-95", "val/box_loss", "val/obj_loss", "val/cls_loss",
)  # fmt: skip
"""Names of the fields after epoch and memory; an empty name is left out."""
FIELDS: Final = len(NAMES) + 2
SUM_TOLERANCE: Final = 0.02
"""Relative error that rounding to four digits may leave in the total."""


def sniff(path: Path) -> float:
    """Return 0.5 for a folder with, or a file that is, a results.txt whose first line has the known shape."""
    try:
        file = _results_file(path)
        return 0.5 if file is not None and _values(first_line(file).split()) is not None else 0.0
    except (OSError, ValueError):
        return 0.0


def load(path: Path) -> Run:
    """Read a run folder or its results.txt.

    Args:
        path: Folder with ``results.txt``, or that file.

    Raises:
        UnreadableRun: If there is no such file, or no line of it has the known shape.
    """
    path = Path(path)
    file = _results_file(path)
    if file is None:
        raise UnreadableRun(f"{path}: there is no results.txt in it; give the folder that YOLOv7's train.py wrote")
    table, last = _parse(read(file, "results.txt that YOLOv7's train.py wrote"), file)
    args, notes = arguments(file.parent)
    described = meta(args) | {"trainer": "yolov7"}
    described["planned_epochs"] = described["planned_epochs"] or last + 1
    notes += [*table.notes, "Columns have no names in the file; they were taken as YOLOv7 writes them."]
    return Run(path, SOURCE, epochs=table.arrow(fitness(table.columns)), meta=described, notes=notes)


def _results_file(path: Path) -> Path | None:
    if path.is_dir():
        path = path / "results.txt"
    return path if path.is_file() else None


def _values(fields: Sequence[str]) -> list[float | None] | None:
    """Return the 13 numbers of a line after epoch and memory, None if it has another shape."""
    if len(fields) != FIELDS or not EPOCH.fullmatch(fields[0]) or not fields[1].endswith("G"):
        return None
    values = [number(f) for f in fields[2:]]
    box, obj, cls, total, labels, size = (math.nan if v is None else v for v in values[:6])
    if not (labels == labels and float(labels).is_integer() and size == size and float(size).is_integer()):
        return None
    whole = box + obj + cls
    finite = math.isfinite(total) and math.isfinite(whole)
    return values if not finite or abs(total - whole) <= SUM_TOLERANCE * max(abs(total), 1e-3) else None


def _parse(text: str, file: Path) -> tuple[EpochTable, int]:
    rows: list[tuple[int, dict[str, float | None]]] = []
    bad: list[int] = []
    last = 0
    for at, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if not fields:
            continue
        values = _values(fields)
        match = EPOCH.fullmatch(fields[0])
        if values is None or match is None:
            bad.append(at)
            continue
        last = max(last, int(match[2]))
        rows.append((int(match[1]), {n: v for n, v in zip(NAMES, values, strict=True) if n}))
    if not rows:
        raise UnreadableRun(
            f"{file}: no line has the 15 fields of a YOLOv7 results.txt; give the file that its train.py wrote"
        )
    return tabulate(rows, bad, base=0), last
