"""Reads the step rows of our own recording: Parquet segments, and the journal of the tail.

A record of more than :data:`RESOLUTION` holds is reduced (``thinning``): the memory for it does not grow with its length.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from trainwatch.runs.columns import Columns, of_table, of_tables
from trainwatch.runs.run import Damage
from trainwatch.runs.thinning import Resolution, Segment, thin

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from trainwatch_hooks import segments

RESOLUTION = Resolution()

WORKERS = 4
"""Segments that are read at a time, as far as there are cores: Arrow unpacks them without Python's lock."""

AHEAD = 2
"""Segments per worker that wait to be taken over: more memory would be of no use."""

FEW_SEGMENTS = 3
"""Segments up to which threads are not worth their start."""

KEPT_FOOTERS = 1000
"""Footers of segments that are kept from counting rows to reading them, some 50 kB each."""

Footers = dict[Path, "pq.FileMetaData"]


def read_steps(folder: Path, notes: list[str], resolution: Resolution | None = None) -> Columns:
    """Read all segments of all ranks.

    Args:
        folder: ``<run>/trainwatch/steps``.
        notes: Receives what could not be read or was left out, one sentence each.
        resolution: What of a long record is kept; default :data:`RESOLUTION`.
    """
    from trainwatch_hooks.segments import list_segments
    from trainwatch_hooks.store import column_order

    resolution = resolution or RESOLUTION
    files = list_segments(folder)
    footers: Footers = {}
    if _values(files, resolution, footers) <= resolution.full_values:
        return of_tables((table for _, _, table in _tables(files, notes, footers)), column_order)

    def read() -> Iterator[tuple[int, int, Segment]]:
        for rank, index, table in _tables(files, notes, footers):
            yield rank, index, _one(table)

    columns, every, places = thin(
        read, lambda index: _one(read_segment(files[index].path)[0]), column_order, resolution
    )
    notes.append(
        f"The record is too long to be read whole: one step in {every} was, every step around {places} places that stand "
        f"out, and each column's extremes. What begins elsewhere is dated to within about {every} steps."
    )
    return columns


def _values(files: Sequence[segments.Segment], resolution: Resolution, footers: Footers) -> int:
    """Return what the sealed segments count together, or more than is held; ``footers`` receives what was read for it."""
    import pyarrow.parquet as pq

    total = 0
    for segment in files:
        if segment.path.suffix == ".parquet":
            try:
                metadata = pq.read_metadata(segment.path)
            except (OSError, ValueError, pa.ArrowException):  # told when its rows are read
                continue
            total += resolution.values(metadata.num_rows, metadata.num_columns)
            if len(footers) < KEPT_FOOTERS:
                footers[segment.path] = metadata
            if total > resolution.full_values:
                break
    return total


def _one(table: pa.Table) -> Segment:
    """Return the columns of a segment, each in one piece."""
    columns = of_table(table.combine_chunks())
    return columns.pieces[0] if columns.pieces else ({}, 0)


def _tables(
    files: Sequence[segments.Segment], notes: list[str], footers: Footers
) -> Iterator[tuple[int, int, pa.Table]]:
    torn = 0
    for index, (segment, read) in enumerate(zip(files, _ahead([f.path for f in files], footers), strict=True)):
        try:
            table, more = read.result()
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            notes.append(Damage(f"steps/{segment.path.name} could not be read ({short(error)}); its rows are missing"))
            continue
        torn += more
        yield segment.rank, index, table
    if torn:
        notes.append(f"{torn} torn step row{'s' if torn > 1 else ''} at the end of the journal dropped")


def _ahead(paths: Sequence[Path], footers: Footers) -> Iterator[Future[tuple[pa.Table, int]]]:
    """Yield the reading of each segment in order, begun by other threads some segments before."""
    workers = min(WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if len(paths) <= FEW_SEGMENTS:
        for path in paths:
            done: Future[tuple[pa.Table, int]] = Future()
            try:
                done.set_result(read_segment(path, footers.pop(path, None)))
            except Exception as error:
                done.set_exception(error)
            yield done
        return
    waiting: deque[Future[tuple[pa.Table, int]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="segments") as pool:
        try:
            for path in paths:
                waiting.append(pool.submit(read_segment, path, footers.pop(path, None)))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft()
            while waiting:
                yield waiting.popleft()
        finally:  # whoever reads may have stopped
            for begun in waiting:
                begun.cancel()


def read_segment(path: Path, footer: pq.FileMetaData | None = None) -> tuple[pa.Table, int]:
    """Read a segment whole; return its rows and how many were torn.

    Args:
        path: Parquet file, or journal.
        footer: Its footer, if that was read before.

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

    # A segment is small: reading ahead within it costs a quarter of the time of reading it.
    with pq.ParquetFile(path, metadata=footer, pre_buffer=False) as file:
        return file.read(use_threads=False), 0


def short(error: BaseException) -> str:
    """Return the first line of an error, cut."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
