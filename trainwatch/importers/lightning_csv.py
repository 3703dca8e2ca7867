"""Lightning's CSVLogger: ``metrics.csv`` with ``hparams.yaml`` beside it.

What it reads:
    Sparse rows: a row holds what was logged together, most fields are empty. Per epoch the last value of each column
    counts. ``train_loss``, ``loss_epoch`` and the like become ``train/loss``, ``val_loss`` and ``valid_loss``
    ``val/loss``; other columns of a validation are ``metrics/<name>``; ``lr-Adam`` and ``lr`` are ``lr/<name>``. Columns
    logged per step (``..._step``, or several rows in an epoch) also become step columns ``loss`` or ``loss/<name>``.
    ``max_epochs`` is planned, wherever it stands in hparams.yaml. An epoch that goes back is another start.
    A loss may legally rise (annealing) or be negative; what it means is the detectors' business.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from trainwatch.errors import UnreadableRun
from trainwatch.importers._arrow import LARGE_BYTES, read_clean
from trainwatch.importers._epochs import legal_epoch, tabulate
from trainwatch.importers._scalars import goes_back, planned_epochs, tables, without_overwritten
from trainwatch.importers._text import first_line, number, read, read_yaml
from trainwatch.runs.arrays import floats, integers
from trainwatch.runs.run import Run

SOURCE: Final = "lightning-csv"
MAX_COLUMNS: Final = 1000
MAX_LARGE_BYTES: Final = 1 << 30


def sniff(path: Path) -> float:
    """Return 0.5 for a folder with, or a file that is, a CSV with ``epoch`` and ``step`` as Lightning writes it, else 0."""
    try:
        file = _metrics_file(path)
        return 0.5 if file is not None and _is_header(_row(first_line(file))) else 0.0
    except (OSError, ValueError, csv.Error):
        return 0.0


def load(path: Path) -> Run:
    """Read a logger's folder or its metrics.csv.

    Args:
        path: Folder with ``metrics.csv``, or that file.

    Raises:
        UnreadableRun: If there is no such file, or it holds no row.
    """
    path = Path(path)
    file = _metrics_file(path)
    if file is None:
        raise UnreadableRun(f"{path}: there is no metrics.csv in it; give the folder of Lightning's CSVLogger")
    large = _large(path, file)
    if large is not None:
        return large
    try:
        table = list(csv.reader(io.StringIO(read(file, "metrics.csv of Lightning's CSVLogger"))))
    except csv.Error as error:
        raise UnreadableRun(f"{file}: no CSV ({error}); give the metrics.csv of Lightning's CSVLogger") from error
    header = [name.strip() for name in table[0]] if table else []
    if not _is_header(header):
        raise UnreadableRun(f"{file}: the first line has no `epoch` and `step`; give Lightning's metrics.csv")
    rows, bad = _numbers(header, table[1:])
    if not rows:
        raise UnreadableRun(f"{file}: a header but no complete row; nothing was logged yet")
    args, notes = read_yaml(file.parent / "hparams.yaml")
    attempt = _attempts(rows)
    epochs = tabulate(_per_epoch(rows, attempt), bad, base=0)
    planned = planned_epochs(args)
    return Run(
        path,
        SOURCE,
        steps=_steps(rows, attempt),
        epochs=epochs.arrow(),
        meta={"trainer": "lightning", "args": args, "planned_epochs": planned},
        notes=[*notes, *epochs.notes],
    )


def _large(path: Path, file: Path) -> Run | None:
    """Read a large, undamaged file by columns; None if it is small or damaged."""
    try:
        columns = read_clean(file) if LARGE_BYTES < file.stat().st_size <= MAX_LARGE_BYTES else None
    except (OSError, ValueError):
        return None
    if columns is None or not {"epoch", "step"} <= set(columns):
        return None
    step, epoch = columns.pop("step"), columns.pop("epoch")
    made = tables(columns, step, epoch, {n: column(n) for n in columns})
    if made.steps is None and made.epochs is None:
        return None
    args, notes = read_yaml(file.parent / "hparams.yaml")
    meta = {"trainer": "lightning", "args": args, "planned_epochs": planned_epochs(args)}
    return Run(path, SOURCE, steps=made.steps, epochs=made.epochs, meta=meta, notes=[*notes, *made.notes])


def column(name: str) -> str:
    """Return our name of a logged epoch column."""
    bare = re.sub(r"_epoch$", "", name)
    if re.match(r"(?i)lr\b|lr[-_/]|learning_rate", bare):
        return f"lr/{bare}"
    family = "val" if re.match(r"(?i)(val|valid|validation|test)([_/ ]|$)", bare) else "train"
    rest = re.sub(r"(?i)^(train|training|val|valid|validation|test)[_/ ]+", "", bare)
    if "loss" in rest.lower() or rest.lower() in ("nll", "kl", "elbo", "mse", "mae"):
        return f"{family}/{rest}"
    return f"metrics/{rest}" if family == "val" else f"metrics/train_{rest}"


def _metrics_file(path: Path) -> Path | None:
    if path.is_dir():
        path = path / "metrics.csv"
    return path if path.is_file() else None


def _row(line: str) -> list[str]:
    return [f.strip() for f in next(csv.reader(io.StringIO(line)), [])]


def _is_header(names: Sequence[str]) -> bool:
    return (
        {"epoch", "step"} <= set(names) and 2 < len(names) <= MAX_COLUMNS and not any("/box_loss" in n for n in names)
    )


def _numbers(header: Sequence[str], table: Sequence[Sequence[str]]) -> tuple[list[dict[str, float]], list[int]]:
    rows: list[dict[str, float]] = []
    bad: list[int] = []
    for at, line in enumerate(table, start=2):
        if not any(line):
            continue
        values = {n: v for n, f in zip(header, line, strict=False) if (v := number(f)) is not None}
        if len(line) != len(header) or not legal_epoch(values.get("epoch")):
            bad.append(at)
            continue
        rows.append(values)
    return rows, bad


def _attempts(rows: Sequence[Mapping[str, float]]) -> list[int]:
    """Return for each row how often the training was started before: the epoch then goes back."""
    starts = goes_back(np.array([int(row["epoch"]) for row in rows], np.int64))
    found: list[int] = np.searchsorted(starts, np.arange(len(rows)), side="right").tolist()
    return found


def _per_epoch(
    rows: Sequence[Mapping[str, float]], attempt: Sequence[int]
) -> list[tuple[int, dict[str, float | None]]]:
    """Keep the last value of each column per epoch and start; ``..._step`` columns are per step only."""
    found: dict[tuple[int, int], dict[str, float | None]] = {}
    for row, start in zip(rows, attempt, strict=True):
        into = found.setdefault((start, int(row["epoch"])), {})
        into.update({column(n): v for n, v in row.items() if n not in ("epoch", "step") and not n.endswith("_step")})
    return [(epoch, values) for (_, epoch), values in sorted(found.items(), key=lambda item: item[0])]


def _steps(rows: Sequence[Mapping[str, float]], attempt: Sequence[int]) -> pa.Table | None:
    """Return the training losses per step, if any were logged more often than per epoch; what was taken again, once."""

    def of_step(name: str) -> bool:
        return "loss" in name and not name.startswith(("val", "test")) and not name.endswith("_epoch")

    names = sorted({n for row in rows for n in row if of_step(n)})
    counts = {n: sum(n in row for row in rows) for n in names}
    epochs = len({int(row["epoch"]) for row in rows})
    names = [n for n in names if counts[n] > 1.5 * epochs]
    chosen = [i for i, row in enumerate(rows) if any(n in row for n in names) and legal_epoch(row.get("step"))]
    kept = [rows[i] for i in chosen]
    if not kept:
        return None
    single = len(names) == 1
    columns: dict[str, Any] = {
        "step": integers([int(r["step"]) for r in kept]),
        "epoch": integers([int(r["epoch"]) for r in kept]),
        "attempt": integers([attempt[i] for i in chosen]),
    }
    for name in names:
        ours = "loss" if single else f"loss/{name.removesuffix('_step')}"
        columns[ours] = floats([r.get(name) for r in kept])
    return without_overwritten(pa.table(columns))
