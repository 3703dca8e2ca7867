"""Plain tables: ``steps.csv``, ``epochs.csv`` and ``events.csv``.

A value that was not measured is an empty field, a measured NaN is ``nan``. Every number is written so that reading it
gives the same double again. Events have their data as JSON.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from trainwatch.exporters._tags import BATCH_ROWS
from trainwatch.runs import Run

EVENT_FIELDS = ("time_s", "step", "epoch", "attempt", "rank", "kind", "source", "message", "data")

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs text that begins so; an apostrophe before it keeps it text."""


def write(run: Run, folder: Path) -> None:
    """Write the tables that the run has.

    Args:
        run: Any run.
        folder: An existing folder.
    """
    for name, table in (("steps", run.step_table), ("epochs", run.epoch_table)):
        if table.num_rows:
            _write(folder / f"{name}.csv", table.column_names, _rows(table))
    if run.events:
        _write(folder / "events.csv", EVENT_FIELDS, ([e.get(f) for f in EVENT_FIELDS] for e in run.events))


def _rows(table: pa.Table) -> Iterator[Sequence[Any]]:
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_field(n) for n in names])
        writer.writerows([[_field(v) for v in row] for row in rows])


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text
