"""Blocks of consecutive values: the level of a long noisy series, cheaply and whatever its tail looks like.

A median over 50 log-normal values (sigma 0.5) scatters by 9 %, over 50 values whose log is Student's t with 3 degrees
of freedom by about as much: single outliers do not move it, and a million steps become 20 000 levels.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def block_medians(values: npt.ArrayLike, size: int) -> Floats:
    """Return the medians of consecutive blocks, non-finite values left out; a last, incomplete block is dropped.

    Args:
        values: Shape (n,).
        size: Values per block, at least 1.

    Returns:
        Shape (n // size,); NaN for a block without a finite value.
    """
    y = np.asarray(values, np.float64)
    count = len(y) // size
    grid = y[: count * size].reshape(count, size)
    finite = np.isfinite(grid)
    if finite.all():
        medians: Floats = np.median(grid, axis=1)
        return medians
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # blocks without a finite value
        medians = np.nanmedian(np.where(finite, grid, np.nan), axis=1)
    return medians


def longest_run(mask: Bools) -> tuple[int, int] | None:
    """Return first and last index of the longest run of True values, the first of equals; None without one."""
    if not mask.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best]) - 1
