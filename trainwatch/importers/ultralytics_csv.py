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

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml

from trainwatch.errors import UnreadableRun
from trainwatch.runs.run import Run

SOURCE: Final = "ultralytics-csv"
MAX_CSV_BYTES: Final = 64 * 2**20
"""A results.csv of 600 epochs is about 0.1 MB; 64 MiB are some 400 000 epochs."""
MAX_YAML_BYTES: Final = 64 * 2**10
"""An args.yaml is about 2 kB."""
MAX_YAML_VALUES: Final = 10_000
"""Values taken from args.yaml at most, aliases expanded: 64 kB of nested aliases can mean 10^9 values."""
MAX_EPOCH: Final = 10**7
"""An epoch number above it is damage."""
MAP_ONLY_SINCE: Final = "compile"
"""Argument that tells the two fitness rules apart; see :func:`fitness_weights`."""

_HEAD_BYTES: Final = 8192
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
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
        return 0.6 if _is_header(_fields(_decode(head).split("\n", 1)[0])) else 0.0
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
    text = _read(file)
    table = _parse(text, file)
    args, notes = _read_args(file.parent / "args.yaml")
    notes = [*notes, *table.notes]
    columns = table.columns
    if _drop_unmeasured(columns, args):
        notes.append(
            "The training ran with val: False, so its metrics and validation losses were written as 0 without being "
            "measured; they are read as missing, not as 0."
        )
    fitness = _fitness(columns, args, notes)
    arrays: dict[str, pa.Array] = {
        "epoch": pa.array(table.epoch, pa.int64()),
        "attempt": pa.array(table.attempt, pa.int64()),
    }
    arrays |= {name: pa.array(values, pa.float64()) for name, values in columns.items()}
    if fitness is not None:
        arrays["fitness"] = pa.array(fitness, pa.float64())
        arrays["best_fitness"] = pa.array(_best_so_far(fitness, table.attempt), pa.float64())
    meta = {
        "trainer": "ultralytics",
        "args": args,
        "planned_epochs": _planned(args),
        "model": {"name": str(args["model"]) if args.get("model") else None, "scale": model_scale(args.get("model"))},
    }
    return Run(path, SOURCE, epochs=pa.table(arrays), meta=meta, notes=notes)


def model_scale(name: object) -> str | None:
    """Guess ``n``, ``s``, ``m``, ``l`` or ``x`` from a model's file name; None for own weights such as ``best.pt``."""
    if not isinstance(name, str):
        return None
    found = _SCALE.match(re.split(r"[\\/]", name)[-1].strip())
    return found.group(1).lower() if found else None


# -- the CSV ----------------------------------------------------------------------------------------------------------


@dataclass
class _Table:
    epoch: list[int] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _results_file(path: Path) -> Path | None:
    if path.is_file():
        return path
    if not path.is_dir():
        return None
    if (path / "results.csv").is_file():
        return path / "results.csv"
    others = sorted(p for p in path.glob("*.csv") if p.is_file())  # downloads rename it: "results (1).csv"
    return others[0] if len(others) == 1 else None


def _read(file: Path) -> str:
    try:
        size = file.stat().st_size
        if size > MAX_CSV_BYTES:
            raise UnreadableRun(
                f"{file}: {size / 2**20:.4g} MiB is too large for a log with one row per epoch "
                f"(limit {MAX_CSV_BYTES / 2**20:.4g} MiB); give the results.csv of a single run"
            )
        data = file.read_bytes()
    except OSError as error:
        raise UnreadableRun(f"{file}: {error.strerror or error}; make it readable or copy it") from error
    if not data.strip():
        raise UnreadableRun(f"{file}: the file is empty: no epoch was finished, or the copy failed; copy it again")
    text = _decode(data)
    if "\0" in text or text.count("�") > len(text) // 20:
        raise UnreadableRun(f"{file}: binary data, no CSV; give the results.csv that `yolo train` wrote")
    return text


def _decode(data: bytes) -> str:
    # PowerShell's redirection and old editors write UTF-16 with a mark.
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(encoding, errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def _fields(line: str) -> list[str]:
    return [f.strip().strip('"').strip() for f in line.split(",")]


def _is_header(names: Sequence[str]) -> bool:
    if "epoch" not in names or any(n.startswith("x/lr") for n in names):
        return False
    return any(n.startswith(("train/", "metrics/")) for n in names)


def _parse(text: str, file: Path) -> _Table:
    lines = text.split("\n")
    header = _fields(lines[0])
    if not _is_header(header):
        raise UnreadableRun(
            f"{file}: the first line is no Ultralytics header (an `epoch` column and `train/` or `metrics/` columns); "
            "give the results.csv that `yolo train` wrote"
        )
    rows: list[tuple[int, dict[str, float | None]]] = []
    bad: list[int] = []
    words = 0
    for number, fields in _rows(lines[1:]):
        if "epoch" in fields:  # a second run appended with its own header
            header = fields if _is_header(fields) else header
            continue
        while len(fields) > len(header) and not fields[-1]:
            fields = fields[:-1]
        named = {
            n: f for n, f in zip(header, fields, strict=False) if n in ("epoch", "time") or n.startswith(_FAMILIES)
        }
        values = {n: _number(f) for n, f in named.items()}
        epoch = values.pop("epoch", None)
        if len(fields) != len(header) or not _legal_epoch(epoch):
            bad.append(number)
            continue
        words += sum(v is None and bool(named[n]) for n, v in values.items())
        rows.append((int(epoch or 0), values))
    if not rows:
        torn = f" ({len(bad)} damaged)" if bad else ""
        raise UnreadableRun(f"{file}: a header but no complete row{torn}; the training has finished no epoch yet")
    return _table(rows, bad, words)


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number in the file (from 1) and the stripped fields of every line that is not blank."""
    for number, line in enumerate(lines, start=2):
        if line.strip(" ,\t"):
            try:
                fields = next(csv.reader(io.StringIO(line)), [])
            except csv.Error:  # a field beyond 128 kB, a stray quote
                fields = []
            yield number, [f.strip() for f in fields]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _legal_epoch(epoch: float | None) -> bool:
    return epoch is not None and math.isfinite(epoch) and 0 <= epoch <= MAX_EPOCH and epoch == int(epoch)


def _table(rows: Sequence[tuple[int, Mapping[str, float | None]]], bad: Sequence[int], words: int) -> _Table:
    table = _Table()
    base = 0 if any(epoch == 0 for epoch, _ in rows) else 1
    names = list(dict.fromkeys(n for _, values in rows for n in values))
    table.columns = {"time_s" if n == "time" else n: [values.get(n) for _, values in rows] for n in names}
    attempt, previous = 0, -1
    for epoch, _ in rows:
        if epoch <= previous:
            attempt += 1
            table.notes.append(
                f"The epoch column starts again at epoch {epoch} after epoch {previous}: the file holds "
                "more than one start of the training."
            )
        table.epoch.append(epoch - base)
        table.attempt.append(attempt)
        previous = epoch
    if len(table.notes) > 3:
        table.notes = [*table.notes[:3], f"The epoch column starts again {attempt} times in all."]
    if bad:
        where = ", ".join(map(str, bad[:5])) + (" ..." if len(bad) > 5 else "")
        table.notes.append(f"{len(bad)} damaged row(s) left out (line {where}): wrong number of fields, or no epoch.")
    if words:
        table.notes.append(f"{words} field(s) hold no number; they are read as missing.")
    return table


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


def _best_so_far(fitness: Sequence[float | None], attempt: Sequence[int]) -> list[float | None]:
    """Running maximum of the finite values; it begins anew with every start of the training."""
    best: list[float | None] = []
    top: float | None = None
    start = attempt[0] if attempt else 0
    for value, this in zip(fitness, attempt, strict=True):
        if this != start:
            top, start = None, this
        if value is not None and math.isfinite(value):
            top = value if top is None else max(top, value)
        best.append(top)
    return best


# -- args.yaml --------------------------------------------------------------------------------------------------------


def _read_args(file: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments and notes; whatever is wrong with the file becomes a note, never an error."""
    unknown = "the planned epochs, patience and other arguments are not known."
    try:
        if not file.is_file():
            return {}, [f"There is no args.yaml beside the log; {unknown}"]
        if file.stat().st_size > MAX_YAML_BYTES:
            return {}, [f"args.yaml is larger than {MAX_YAML_BYTES // 1024} KiB and was not read; {unknown}"]
        document = yaml.safe_load(_decode(file.read_bytes()))
    except (OSError, yaml.YAMLError, RecursionError, ValueError, OverflowError, TypeError, AttributeError) as error:
        first = str(error).strip().splitlines()
        return {}, [f"args.yaml could not be read ({first[0] if first else type(error).__name__}); {unknown}"]
    if not isinstance(document, dict):
        return {}, [f"args.yaml holds no arguments; {unknown}"]
    budget = [MAX_YAML_VALUES]
    try:
        return {str(k)[:200]: _plain(v, budget) for k, v in document.items()}, []
    except (ValueError, RecursionError):
        return {}, [f"args.yaml holds more than {MAX_YAML_VALUES} values and was not used; {unknown}"]


def _plain(value: Any, budget: list[int]) -> Any:
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError("too many values")
    if isinstance(value, dict):
        return {str(k)[:200]: _plain(v, budget) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v, budget) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _planned(args: Mapping[str, Any]) -> int | None:
    """Epochs asked for; None with ``time=`` (hours), which makes the trainer rewrite ``epochs`` as it goes."""
    epochs = args.get("epochs")
    if isinstance(epochs, bool) or not isinstance(epochs, int | float) or args.get("time"):
        return None
    return int(epochs) if 0 < epochs <= MAX_EPOCH else None
