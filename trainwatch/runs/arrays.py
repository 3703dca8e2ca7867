"""Between Arrow and numpy through the buffers: pyarrow's own conversions import pandas, half a second, for lists and arrays.

Null (not measured) and NaN (measured, no number) are kept apart both ways.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NUMBERS = {
    arrow.id: number
    for arrow, number in (
        (pa.float64(), np.float64), (pa.float32(), np.float32), (pa.int64(), np.int64), (pa.int32(), np.int32),
        (pa.int16(), np.int16), (pa.int8(), np.int8), (pa.uint64(), np.uint64), (pa.uint32(), np.uint32),
        (pa.uint16(), np.uint16), (pa.uint8(), np.uint8),
    )
}  # fmt: skip
"""numpy's types by the number of Arrow's."""


def floats(values: Sequence[float | None] | Floats, measured: Bools | None = None) -> pa.Array:
    """Make a float64 column.

    Args:
        values: Shape (n,); None is null.
        measured: Mask of the values that are not null; default: all that are not None.
    """
    if not isinstance(values, np.ndarray):
        measured = np.asarray([v is not None for v in values], bool)
        values = np.asarray([math.nan if v is None else v for v in values], np.float64)
    return _array(pa.float64(), np.ascontiguousarray(values, np.float64), measured)


def integers(values: Sequence[int | None] | Ints) -> pa.Array:
    """Make an int64 column; None is null."""
    measured = None
    if not isinstance(values, np.ndarray):
        measured = np.asarray([v is not None for v in values], bool)
        values = np.asarray([v or 0 for v in values], np.int64)
    return _array(pa.int64(), np.ascontiguousarray(values, np.int64), measured)


def _array(dtype: pa.DataType, values: npt.NDArray[Any], measured: Bools | None) -> pa.Array:
    bits = None
    if measured is not None and not measured.all():
        bits = pa.py_buffer(np.packbits(measured, bitorder="little"))
    return pa.Array.from_buffers(dtype, len(values), [bits, pa.py_buffer(values)])


def measured_in(column: pa.ChunkedArray) -> Bools:
    """Return the mask of the values of a column that are not null, shape (n,)."""
    return np.concatenate([np.empty(0, bool), *(measured_in_chunk(c) for c in column.chunks)])


def integers_in(column: pa.ChunkedArray) -> Ints:
    """Return a column of whole numbers as int64, null as 0, shape (n,)."""
    parts = [np.where(measured_in_chunk(c), raw_chunk(c), 0).astype(np.int64) for c in column.chunks]
    return np.concatenate([np.empty(0, np.int64), *parts])


def floats_in(column: pa.ChunkedArray) -> Floats:
    """Return a column as float64, null as NaN, shape (n,)."""
    parts = [np.where(measured_in_chunk(c), raw_chunk(c).astype(np.float64), np.nan) for c in column.chunks]
    return np.concatenate([np.empty(0, np.float64), *parts])


def measured_in_chunk(chunk: pa.Array) -> Bools:
    """Return the mask of the values that are not null."""
    if pa.types.is_null(chunk.type):
        return np.zeros(len(chunk), bool)
    bits = chunk.buffers()[0]
    return np.ones(len(chunk), bool) if bits is None else _bits(bits, chunk)


def raw_chunk(chunk: pa.Array) -> npt.NDArray[Any]:
    """Return the values as they lie in memory; what stands where a value is null has no meaning."""
    dtype: Any = _NUMBERS.get(chunk.type.id)
    if dtype is None and pa.types.is_boolean(chunk.type):
        return _bits(chunk.buffers()[1], chunk)
    if dtype is None and pa.types.is_null(chunk.type):
        return np.zeros(len(chunk))
    if dtype is None:  # decimal, text of numbers, half precision
        chunk, dtype = chunk.cast(pa.float64(), safe=False), np.float64
    if not len(chunk):
        return np.empty(0, dtype)
    return np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * np.dtype(dtype).itemsize)


def _bits(buffer: pa.Buffer, chunk: pa.Array) -> Bools:
    packed = np.frombuffer(buffer, np.uint8)
    return np.unpackbits(packed, bitorder="little", count=chunk.offset + len(chunk))[chunk.offset :].astype(bool)
