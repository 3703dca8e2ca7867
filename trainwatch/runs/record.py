"""Reads the step rows of our own recording: Parquet segments, and the journal of the tail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from trainwatch.runs.columns import Columns, of_tables


def read_steps(folder: Path, notes: list[str]) -> Columns:
    """Read all segments of all ranks.

    Args:
        folder: ``<run>/trainwatch/steps``.
        notes: Receives what could not be read, one sentence each.
    """
    from trainwatch_hooks.store import column_order

    return of_tables(_tables(folder, notes), column_order)


def _tables(folder: Path, notes: list[str]) -> Iterator[pa.Table]:
    from trainwatch_hooks.segments import list_segments

    torn = 0
    for segment in list_segments(folder):
        try:
            table, more = read_segment(segment.path)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            notes.append(f"steps/{segment.path.name} could not be read ({short(error)}); its rows are missing")
            continue
        torn += more
        yield table
    if torn:
        notes.append(f"{torn} torn step row{'s' if torn > 1 else ''} at the end of the journal dropped")


def read_segment(path: Path) -> tuple[pa.Table, int]:
    """Read a segment whole; return its rows and how many were torn.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is damaged (``pa.ArrowException``, ``NotAJournal``).
    """
    from trainwatch_hooks.journal import read_journal
    from trainwatch_hooks.segments import to_table

    if path.suffix == ".journal":
        try:
            journal = read_journal(path)
            return to_table(journal), journal.torn
        except FileNotFoundError:  # sealed by the training while we looked: take the Parquet file
            path = path.with_suffix(".parquet")
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(use_threads=False), 0


def short(error: BaseException) -> str:
    """Return the first line of an error, cut."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
