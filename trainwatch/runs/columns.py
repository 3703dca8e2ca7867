"""Step rows as typed numpy pieces, one per segment, so that a long record takes the memory of its values and no more.

A piece whose values are all the same (gains, batch size, memory limits) takes the memory of one value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trainwatch.runs.arrays import Bools, Floats, Ints, measured_in_chunk, raw_chunk

Values = npt.NDArray[Any]

KEYS = {"step": -1, "epoch": 0, "attempt": 0}
"""Columns that place a row, and what stands for a missing one."""


JOINED = 32
"""Segments of a long record that are joined at a time: Arrow's memory for them is used again for the next ones."""


@dataclass(frozen=True)
class Piece:
    """Consecutive values of one column.

    Attributes:
        values: Shape (n,), in the type of the file; what stands where nothing was measured has no meaning.
        measured: Mask, shape (n,); None: all.
    """

    values: Values
    measured: Bools | None = None

    def take(self, rows: Ints | Bools | slice) -> Piece:
        """Return some rows."""
        measured = None if self.measured is None else self.measured[rows]
        return Piece(self.values[rows], None if measured is None or measured.all() else measured)

    def floats(self) -> Floats:
        """Return float64 with NaN where nothing was measured."""
        if self.measured is None:
            return self.values.astype(np.float64, copy=False)
        return np.where(self.measured, self.values.astype(np.float64), np.nan)


def nothing(rows: int) -> Piece:
    """Return a piece in which nothing was measured."""
    return Piece(np.broadcast_to(np.zeros(1), rows), np.broadcast_to(np.zeros(1, bool), rows))


def piece_of(chunk: pa.Array, *, compact: bool = False) -> Piece:
    """Take the values out of an Arrow array.

    Args:
        chunk: Numbers or truth values.
        compact: Of a constant keep one value, so that the Arrow array can be freed.
    """
    values = raw_chunk(chunk)
    measured = measured_in_chunk(chunk) if chunk.null_count else None
    if compact:
        same = len(values) > 1 and measured is None and values[0] == values[-1] and bool((values == values[0]).all())
        values = np.broadcast_to(values[:1].copy(), len(values)) if same else values
    return Piece(values, measured)


class Columns:
    """A table of rows in pieces.

    Args:
        names: Columns in the order of the table.
        pieces: Per piece of the table its columns (those it has) and its number of rows.
        row: Number of each row in the whole record of its rank, ascending within a rank, shape (n,); None: no row is
            missing.
    """

    def __init__(
        self, names: Sequence[str], pieces: Sequence[tuple[dict[str, Piece], int]], row: Ints | None = None
    ) -> None:
        self.names = list(names)
        self.pieces = [p for p in pieces if p[1]]
        self.num_rows = sum(n for _, n in pieces)
        self.row = row

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def _parts(self, name: str) -> list[Piece]:
        return [columns[name] if name in columns else nothing(n) for columns, n in self.pieces]

    def values(self, name: str) -> Floats:
        """Return a column as float64, NaN where nothing was measured; shape (n,)."""
        parts = [
            p.values if p.measured is None else p.floats() for p in self._parts(name)
        ]  # joining makes them float64
        return _joined(parts, np.dtype(np.float64))

    def measured(self, name: str) -> Bools | None:
        """Return the mask of what was measured, None if all was."""
        parts = self._parts(name)
        if all(p.measured is None for p in parts):
            return None
        masks = [np.ones(len(p.values), bool) if p.measured is None else p.measured for p in parts]
        return _joined(masks, np.dtype(bool))

    def key(self, name: str) -> Ints:
        """Return a column of :data:`KEYS` as int64, missing ones filled in; shape (n,)."""
        missing = KEYS[name]
        if name not in self.names:
            return np.full(self.num_rows, missing, np.int64)
        return _joined([_whole_numbers(p, missing) for p in self._parts(name)], np.dtype(np.int64))

    def take(self, mask: Bools) -> Columns:
        """Return the rows of a mask of shape (n,)."""
        kept, at = [], 0
        for columns, n in self.pieces:
            part = mask[at : at + n]
            at += n
            if part.all():
                kept.append((columns, n))
            elif part.any():
                kept.append(({c: p.take(part) for c, p in columns.items()}, int(part.sum())))
        return Columns(self.names, kept, None if self.row is None else self.row[mask])

    def table(self) -> pa.Table:
        """Return an Arrow table; null where nothing was measured."""
        if not self.names:
            return pa.table({})
        return pa.table({name: pa.chunked_array(_arrow(self._parts(name))) for name in self.names})


def _whole_numbers(piece: Piece, missing: int) -> Values:
    values = piece.values
    known = np.ones(len(values), bool) if piece.measured is None else piece.measured
    if values.dtype.kind == "f":
        known = known & (np.abs(values) < 2.0**62)  # false for NaN, too
    return values if known.all() else np.where(known, values, missing)


def _arrow(parts: Sequence[Piece]) -> list[pa.Array]:
    types = {p.values.dtype for p in parts if p.measured is None or p.measured.any()}
    dtype = np.result_type(*types) if types else np.dtype(np.float64)
    arrays = [
        pa.array(p.values.astype(dtype, copy=False), mask=None if p.measured is None else ~p.measured) for p in parts
    ]
    return arrays or [pa.array(np.empty(0, dtype))]


def of_table(table: pa.Table) -> Columns:
    """Take the columns of numbers out of an Arrow table, without copying; others are left out."""
    names = [f.name for f in table.schema if is_number(f.type)]
    return Columns(names, [_piece(b, compact=False) for b in table.select(names).to_batches()])


@cache
def is_number(dtype: pa.DataType) -> bool:
    """Whether a column of an Arrow type can be read as numbers."""
    of_types = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null, pa.types.is_decimal)
    return any(of_type(dtype) for of_type in of_types)


def of_tables(tables: Iterable[pa.Table], order: Any) -> Columns:
    """Join tables of a record, some at a time, so that they can be freed before the next are read.

    Args:
        tables: Tables of rows; columns may differ.
        order: Sort key of a column's name.
    """
    pieces: list[tuple[dict[str, Piece], int]] = []
    waiting: list[tuple[dict[str, Piece], int]] = []
    for batch in (b for t in tables for b in t.to_batches()):
        waiting.append(_piece(batch, compact=True))
        if len(waiting) == JOINED:
            pieces += _merged(waiting)
            waiting = []
    pieces += _merged(waiting)
    names = dict.fromkeys(n for columns, _ in pieces for n in columns)
    return Columns(sorted(names, key=order), pieces)


def _piece(batch: pa.RecordBatch, *, compact: bool) -> tuple[dict[str, Piece], int]:
    numbers = [(i, f.name) for i, f in enumerate(batch.schema) if is_number(f.type)]
    return {n: piece_of(batch.column(i), compact=compact) for i, n in numbers}, batch.num_rows


def _joined(parts: Sequence[Values], dtype: np.dtype[Any]) -> Values:
    if len(parts) == 1:
        return parts[0].astype(dtype, copy=False)
    constant = _constant(parts)
    if constant is not None:
        return np.broadcast_to(constant.astype(dtype), sum(len(p) for p in parts))
    whole = np.empty(sum(len(p) for p in parts), dtype)
    if parts:
        np.concatenate(parts, out=whole, casting="unsafe")
    return whole


def _merged(pieces: Sequence[tuple[dict[str, Piece], int]]) -> list[tuple[dict[str, Piece], int]]:
    """Make one piece of several with the same columns of the same types; others are left as they are."""
    kinds = {tuple((name, p.values.dtype) for name, p in columns.items()) for columns, _ in pieces}
    if len(kinds) != 1:
        return list(pieces)
    together = {name: joined([columns[name] for columns, _ in pieces]) for name in pieces[0][0]}
    return [(together, sum(n for _, n in pieces))]


def joined(parts: Sequence[Piece]) -> Piece:
    """Join consecutive pieces of one column and type, copying them; a constant stays one value."""
    values = _joined([p.values for p in parts], parts[0].values.dtype)
    if all(p.measured is None for p in parts):
        return Piece(values)
    masks = [np.ones(len(p.values), bool) if p.measured is None else p.measured for p in parts]
    return Piece(values, np.concatenate(masks))


def _constant(parts: Sequence[Values]) -> Values | None:
    """Return the one value, shape (1,), of pieces that each hold one, the same in all; None if they do not."""
    if not parts or any(p.strides != (0,) or not len(p) for p in parts):
        return None
    first = parts[0][:1]
    return first if all(p[0] == first[0] for p in parts) else None


def memory_of(values: Values) -> int:
    """Return the bytes that an array takes, a constant those of one value."""
    return values.nbytes if values.strides != (0,) else values.itemsize
