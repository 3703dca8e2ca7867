"""Ultralytics run folder that was never watched: ``results.csv`` with ``args.yaml`` beside it.

What it reads:
    One row per epoch. Headers are stripped of their padding; ``train/*``, ``val/*``, ``metrics/*`` and ``lr/*`` are
    taken over under the trainer's own names, whatever the task; ``time`` becomes ``time_s``. Epochs, 0-based in early
    Ultralytics 8 and 1-based later, become 0-based. An empty field is null (not measured), a literal ``nan`` or ``inf``
    is what it says (measured).

What it repairs, each with a note:
    * the epoch column starts again: ``attempt`` counts the starts before, for all rows of the new start;
    * a row with too few or too many fields, or without a legal epoch, is dropped, never padded;
    * ``val: False``: Ultralytics then writes 0 for all metrics and validation losses; those are null here;
    * ``fitness``, which the file does not hold, is computed as the trainer does it (see :func:`fitness_weights`).

What it never does: unpickle, execute, or build objects from YAML (``yaml.safe_load`` only, size limited).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import MAX_EPOCH, EpochTable, csv_rows, legal_epoch, tabulate
from trainwatch.importers._text import fields as fields_of
from trainwatch.importers._text import first_line, number, read, read_yaml
from trainwatch.runs.run import Run

SOURCE: Final = "ultralytics-csv"
MAP_ONLY_SINCE: Final = "compile"
"""Argument that tells the two fitness rules apart; see :func:`fitness_weights`."""

_FAMILIES: Final = ("train/", "val/", "metrics/", "lr/")
_SCALE: Final = re.compile(r"(?:yolo(?:v|e-|e-v)?\d+(?:\.\d+)?|rtdetr-|yolo-?nas-)([nsmlx])(?![a-z0-9])", re.IGNORECASE)


def sniff(path: Path) -> float:
    """Return 0.6 for a folder with, or a file that is, an Ultralytics results.csv (told by its header), else 0.

    YOLOv5's results.csv looks alike; its ``x/lr0`` columns tell it apart.
    """
    try:
        file = _results_file(path)
        if file is None:
            return 0.0
        return 0.6 if _is_header(fields_of(first_line(file))) else 0.0
    except (OSError, ValueError):
        return 0.0


def load(path: Path) -> Run:
    """Read a run folder or its results.csv.

    Args:
        path: Folder with ``results.csv``, or that file under any name; ``args.yaml`` is looked for beside it.

    Raises:
        UnreadableRun: If there is no such file, or it is unreadable, binary, empty, too large, or holds no epoch.
    """
    path = Path(path)
    file = _results_file(path)
    if file is None:
        raise UnreadableRun(f"{path}: there is no results.csv in it; give the folder that `yolo train` wrote")
    text = read(file)
    table = _parse(text, file)
    args, notes = read_yaml(file.parent / "args.yaml")
    notes = [*notes, *table.notes]
    columns = table.columns
    if _drop_unmeasured(columns, args):
        notes.append(
            "The training ran with val: False, so its metrics and validation losses were written as 0 without being "
            "measured; they are read as missing, not as 0."
        )
    fitness = _fitness(columns, args, notes)
    meta = {
        "trainer": "ultralytics",
        "args": args,
        "planned_epochs": _planned(args),
        "model": {"name": str(args["model"]) if args.get("model") else None, "scale": model_scale(args.get("model"))},
    }
    return Run(path, SOURCE, epochs=table.arrow(fitness), meta=meta, notes=notes)


def model_scale(name: object) -> str | None:
    """Guess ``n``, ``s``, ``m``, ``l`` or ``x`` from a model's file name; None for own weights such as ``best.pt``."""
    if not isinstance(name, str):
        return None
    found = _SCALE.match(re.split(r"[\\/]", name)[-1].strip())
    return found.group(1).lower() if found else None


# -- the CSV ----------------------------------------------------------------------------------------------------------


def _results_file(path: Path) -> Path | None:
    if path.is_file():
        return path
    if not path.is_dir():
        return None
    if (path / "results.csv").is_file():
        return path / "results.csv"
    others = sorted(p for p in path.glob("*.csv") if p.is_file())  # downloads rename it: "results (1).csv"
    return others[0] if len(others) == 1 else None


def _is_header(names: Sequence[str]) -> bool:
    if "epoch" not in names or any(n.startswith("x/lr") for n in names):
        return False
    return any(n.startswith(("train/", "metrics/")) for n in names)


def _parse(text: str, file: Path) -> EpochTable:
    lines = text.split("\n")
    header = fields_of(lines[0])
    if not _is_header(header):
        raise UnreadableRun(
            f"{file}: the first line is no Ultralytics header (an `epoch` column and `train/` or `metrics/` columns); "
            "give the results.csv that `yolo train` wrote"
        )
    rows: list[tuple[int, dict[str, float | None]]] = []
    bad: list[int] = []
    words = 0
    for at, fields in csv_rows(lines[1:]):
        if "epoch" in fields:  # a second run appended with its own header
            header = fields if _is_header(fields) else header
            continue
        while len(fields) > len(header) and not fields[-1]:
            fields = fields[:-1]
        named = {
            n: f for n, f in zip(header, fields, strict=False) if n in ("epoch", "time") or n.startswith(_FAMILIES)
        }
        values = {n: number(f) for n, f in named.items()}
        epoch = values.pop("epoch", None)
        if len(fields) != len(header) or not legal_epoch(epoch):
            bad.append(at)
            continue
        words += sum(v is None and bool(named[n]) for n, v in values.items())
        rows.append((int(epoch or 0), values))
    if not rows:
        torn = f" ({len(bad)} damaged)" if bad else ""
        raise UnreadableRun(f"{file}: a header but no complete row{torn}; the training has finished no epoch yet")
    return tabulate(rows, bad, words)


# -- what Ultralytics did not write -----------------------------------------------------------------------------------


def _drop_unmeasured(columns: dict[str, list[float | None]], args: Mapping[str, Any]) -> bool:
    """Turn the zeros of ``val: False`` into nulls, in place; say whether there were any.

    Without args.yaml the pattern itself must tell: zeros throughout, then real values in the last row only. If all rows
    are zero and there is no args.yaml they stay as they are, for missing labels look the same.
    """
    names = [n for n in columns if n.startswith(("val/", "metrics/"))]
    if not names:
        return False
    zero = [all(not columns[n][i] for n in names) for i in range(len(columns[names[0]]))]
    told = args.get("val") is False
    shown = "val" not in args and len(zero) >= 5 and all(zero[:-1]) and not zero[-1]
    if not (told or shown) or not any(zero):
        return False
    for name in names:
        columns[name] = [None if z else v for z, v in zip(zero, columns[name], strict=True)]
    return True


def _fitness(
    columns: Mapping[str, list[float | None]], args: Mapping[str, Any], notes: list[str]
) -> list[float | None] | None:
    """Return the fitness of each row (null where a metric was not measured), or None if it is not known how."""
    weights = fitness_weights(list(columns), args)
    if not weights:
        return None
    shown = " + ".join(name if w == 1 else f"{w:.3g} {name}" for name, w in weights.items())
    notes.append(f"Fitness is not in the file; it was computed as {shown}.")
    fitness: list[float | None] = []
    for row in zip(*(columns[name] for name in weights), strict=True):
        measured = [v for v in row if v is not None]
        whole = len(measured) == len(row)
        fitness.append(sum(w * v for w, v in zip(weights.values(), measured, strict=True)) if whole else None)
    return fitness


def fitness_weights(names: Sequence[str], args: Mapping[str, Any]) -> dict[str, float]:
    """Return what the trainer ranks its checkpoints by, as weights of the metric columns; empty if not known.

    Read in ``ultralytics/utils/metrics.py``: boxes 0.1 mAP50 + 0.9 mAP50-95 up to 8.3.193, mAP50-95 alone from 8.3.200
    on; masks and poses are added to the boxes; classification takes the mean of top-1 and top-5, semantic
    segmentation mIoU, depth delta1. Neither the file nor args.yaml tells the version, but the argument ``compile``
    came between the same two releases, and Ultralytics writes all its arguments into args.yaml.

    Args:
        names: Column names of the log.
        args: The trainer's arguments; empty means unknown, and then the newer rule is taken.
    """
    present = set(names)
    if {"metrics/accuracy_top1", "metrics/accuracy_top5"} <= present:
        return {"metrics/accuracy_top1": 0.5, "metrics/accuracy_top5": 0.5}
    for single in ("metrics/mIoU", "metrics/delta1"):
        if single in present:
            return {single: 1.0}
    mixed = bool(args) and MAP_ONLY_SINCE not in args
    weights: dict[str, float] = {}
    for part in ("(B)", "(M)", "(P)"):
        if f"metrics/mAP50-95{part}" not in present:
            continue
        if mixed and f"metrics/mAP50{part}" in present:
            weights |= {f"metrics/mAP50{part}": 0.1, f"metrics/mAP50-95{part}": 0.9}
        else:
            weights[f"metrics/mAP50-95{part}"] = 1.0
    return weights


def _planned(args: Mapping[str, Any]) -> int | None:
    """Epochs asked for; None with ``time=`` (hours), which makes the trainer rewrite ``epochs`` as it goes."""
    epochs = args.get("epochs")
    if isinstance(epochs, bool) or not isinstance(epochs, int | float) or args.get("time"):
        return None
    return int(epochs) if 0 < epochs <= MAX_EPOCH else None
