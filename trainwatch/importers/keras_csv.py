"""Keras' CSVLogger: one row per epoch, ``epoch`` from 0, ``loss`` and metrics, the same with ``val_`` for validation.

What it reads:
    ``loss`` is ``train/loss``, ``val_loss`` is ``val/loss``, ``lr`` or ``learning_rate`` is ``lr/pg0``, a column of the
    usual names of a clock (``time``, ``_timestamp`` ...) is ``time_s``; other columns are
    ``metrics/<name>`` from validation and ``metrics/train_<name>`` from training. Planned epochs are not in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trainwatch.errors import UnreadableRun
from trainwatch.importers._epochs import csv_rows, legal_epoch, tabulate
from trainwatch.importers._scalars import TIME_NAMES
from trainwatch.importers._text import fields, first_line, number, read
from trainwatch.runs.run import Run

SOURCE: Final = "keras-csv"
RATES: Final = ("lr", "learning_rate")


def sniff(path: Path) -> float:
    """Return 0.4 for a CSV whose header begins with ``epoch`` and has ``loss`` but no ``step``, else 0."""
    try:
        file = _log_file(path)
        return 0.4 if file is not None and _is_header(fields(first_line(file))) else 0.0
    except (OSError, ValueError):
        return 0.0


def load(path: Path) -> Run:
    """Read a CSVLogger's file, or a folder that holds it as its only CSV.

    Args:
        path: The file or the folder.

    Raises:
        UnreadableRun: If there is none, or it holds no epoch.
    """
    path = Path(path)
    file = _log_file(path)
    if file is None:
        raise UnreadableRun(f"{path}: there is no log of Keras' CSVLogger in it; give the file")
    lines = read(file, "file of Keras' CSVLogger").split("\n")
    header = fields(lines[0])
    if not _is_header(header):
        raise UnreadableRun(f"{file}: the first line has no `epoch` and `loss`; give the file of Keras' CSVLogger")
    names = [_ours(n) for n in header]
    rows: list[tuple[int, dict[str, float | None]]] = []
    bad: list[int] = []
    for at, found in csv_rows(lines[1:]):
        values = {n: number(f) for n, f in zip(names, found, strict=False)}
        epoch = values.pop("epoch", None)
        if len(found) != len(header) or not legal_epoch(epoch):
            bad.append(at)
            continue
        rows.append((int(epoch or 0), values))
    if not rows:
        raise UnreadableRun(f"{file}: a header but no complete row; the training has finished no epoch yet")
    table = tabulate(rows, bad, base=0)
    return Run(path, SOURCE, epochs=table.arrow(), meta={"trainer": "keras", "args": {}}, notes=table.notes)


def _log_file(path: Path) -> Path | None:
    if path.is_file():
        return path
    files = sorted(path.glob("*.csv")) if path.is_dir() else []
    return files[0] if len(files) == 1 and files[0].is_file() else None


def _is_header(names: Sequence[str]) -> bool:
    return (
        bool(names)
        and names[0] == "epoch"
        and "loss" in names
        and "step" not in names
        and not any("/" in n for n in names)
    )


def _ours(name: str) -> str:
    if name == "epoch":
        return name
    if name in RATES:
        return "lr/pg0"
    if name in TIME_NAMES:
        return "time_s"
    bare = name.removeprefix("val_")
    if bare.endswith("loss"):
        return f"{'val' if bare != name else 'train'}/{bare}"
    return f"metrics/{bare}" if bare != name else f"metrics/train_{name}"
