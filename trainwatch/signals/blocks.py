"""Blocks of consecutive values: the level of a long noisy series, cheaply and whatever its tail looks like.

A median over 50 log-normal values (sigma 0.5) scatters by 9 %, over 50 values whose log is Student's t with 3 degrees
of freedom by about as much: single outliers do not move it, and a million steps become 20 000 levels.
"""

from __future__ import annotations

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
    whole = np.isfinite(grid).all(axis=1)
    if whole.all():
        return row_medians(grid)
    medians = np.full(count, np.nan)
    medians[whole] = row_medians(grid[whole])
    for i in np.flatnonzero(~whole):
        finite = grid[i][np.isfinite(grid[i])]
        if len(finite):
            medians[i] = np.median(finite)
    return medians


def row_medians(grid: Floats) -> Floats:
    """Return the medians of rows of finite values; one partition per row, an eighth of the time of ``numpy.median``.

    Args:
        grid: Shape (n, m), m at least 1.

    Returns:
        Shape (n,).
    """
    half = grid.shape[1] // 2
    parted = np.partition(grid, half, axis=1)
    if grid.shape[1] % 2 or not len(grid):
        return np.asarray(parted[:, half], np.float64)
    return np.asarray((parted[:, :half].max(axis=1) + parted[:, half]) / 2, np.float64)


def longest_run(mask: Bools) -> tuple[int, int] | None:
    """Return first and last index of the longest run of True values, the first of equals; None without one."""
    if not mask.any():
        return None
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best]) - 1
