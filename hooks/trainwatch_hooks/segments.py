"""Turns a full journal into a Parquet segment, atomically: temporary file, fsync, rename, then the journal is removed.

A segment number is either a ``.parquet`` file (whole by construction) or a ``.journal``. If a crash falls between
rename and removal both exist, hold the same rows, and readers take the Parquet file: nothing is lost or doubled.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from trainwatch_hooks.journal import Journal, read_journal
from trainwatch_hooks.schema import SCHEMA_VERSION, column

if TYPE_CHECKING:
    import pyarrow as pa

_NAME: Final = re.compile(r"rank(\d+)-(\d+)\.(parquet|journal)$")


class Segment(NamedTuple):
    """One file of step rows."""

    rank: int
    number: int
    path: Path


def segment_path(folder: Path, rank: int, number: int, suffix: str) -> Path:
    """Return ``<folder>/rank<r>-<number>.<suffix>``."""
    return folder / f"rank{rank}-{number:06d}.{suffix}"


def list_segments(folder: Path) -> list[Segment]:
    """List the segments of a record in order, preferring Parquet where a number exists in both forms."""
    chosen: dict[tuple[int, int], Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        match = _NAME.match(path.name)
        if match is None:
            continue
        key = (int(match[1]), int(match[2]))
        if match[3] == "parquet" or key not in chosen:
            chosen[key] = path
    return [Segment(rank, number, path) for (rank, number), path in sorted(chosen.items())]


def to_table(journal: Journal) -> pa.Table:
    """Give a journal's rows the types of the schema; a column of the user's own is float64.

    Returns:
        Table of as many rows as the journal has whole ones; null where nothing was measured.
    """
    import numpy as np
    import pyarrow as pa

    arrays, names = [], []
    for i, name in enumerate(journal.columns):
        declared = column(name)
        dtype = declared.dtype if declared else "float64"
        values, null = journal.values[:, i], journal.null[:, i]
        if dtype in ("int64", "bool"):
            null = null | ~np.isfinite(values)  # an integer column has no room for NaN
            values = np.where(null, 0, values).astype(dtype)
        elif dtype == "float32":
            with np.errstate(over="ignore"):
                values = values.astype(np.float32)
        arrays.append(pa.array(values, mask=null))
        names.append(name)
    return pa.Table.from_arrays(arrays, names=names)


def seal(journal: Path, parquet: Path) -> int:
    """Write a journal's rows as a Parquet file and remove the journal.

    Returns:
        Rows written.

    Raises:
        OSError: If writing fails; the journal is then still there.
    """
    import pyarrow.parquet as pq

    content = read_journal(journal)
    table = to_table(content).replace_schema_metadata({"trainwatch_schema": str(SCHEMA_VERSION)})
    temporary = parquet.with_name(f".{parquet.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, parquet)
    finally:
        temporary.unlink(missing_ok=True)
    journal.unlink()
    return int(table.num_rows)


def last_row(folder: Path, rank: int) -> dict[str, int] | None:
    """Return ``step`` and ``attempt`` of the newest row of a rank, the largest of each; None if there is no row.

    A damaged segment is passed over: after a power loss the newest file may be empty.
    """
    found: dict[str, int] | None = None
    for segment in reversed([s for s in list_segments(folder) if s.rank == rank]):
        try:
            if segment.path.suffix == ".parquet":
                import pyarrow.parquet as pq

                table = pq.read_table(segment.path, columns=["step", "attempt"])
            else:
                table = to_table(read_journal(segment.path))
            steps, attempts = table["step"].drop_null().to_pylist(), table["attempt"].drop_null().to_pylist()
        except (OSError, ValueError, KeyError):
            continue
        if steps and attempts:
            found = {"step": max(steps), "attempt": max(attempts)}
            break
    return found
