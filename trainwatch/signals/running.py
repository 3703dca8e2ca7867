"""Running medians: short series by sorting windows, long ones by a filter that moves from one window to the next.

scipy's rank filter costs O(log width) per value, 0.1 microseconds at a width of 200. It knows no missing values, so
windows that hold one are sorted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SORTED_VALUES = 20_000
"""Series up to this length are sorted window by window: that takes less time than importing scipy's filter."""

CHUNK_VALUES = 1 << 19
"""Values that are sorted at once (4 MiB)."""

FEW_SHARE = 0.05
"""Share of all windows up to which sorting them one by one takes less time than the filter takes for all."""

HOLED_SHARE = 0.2
"""Share of windows with missing values above which pandas does it, which is five times slower than the filter."""


def trailing_median(values: npt.ArrayLike, width: int, min_count: int, at: Ints | None = None) -> Floats:
    """Return the median of each value and the ``width - 1`` before it; non-finite values are left out.

    Args:
        values: Shape (n,).
        width: Values per window, at least 1; the first windows are shorter.
        min_count: Finite values at least; NaN where a window has fewer.
        at: Indices of the windows that are wanted (each by its last value), shape (m,); None: all.

    Returns:
        Shape (n,), or (m,).
    """
    y = np.asarray(values, np.float64)
    if at is None:
        return _medians(y, width - 1, 0, min_count)
    if len(at) > FEW_SHARE * len(y):
        return _medians(y, width - 1, 0, min_count)[at]
    return _sorted(y, np.isfinite(y), width - 1, 0, min_count, at)


def centred_median(values: npt.ArrayLike, width: int) -> Floats:
    """Return the median of ``width`` values around each; the window shrinks at the ends, an even one reaches further back.

    Args:
        values: Shape (n,); non-finite values are left out.
        width: Values per window, at least 1.

    Returns:
        Shape (n,); NaN where a window has no finite value.
    """
    after = (width - 1) // 2
    return _medians(np.asarray(values, np.float64), width - 1 - after, after, 1)


def _medians(y: Floats, before: int, after: int, min_count: int) -> Floats:
    width = before + 1 + after
    finite = np.isfinite(y)
    if not len(y):
        return y
    if len(y) <= max(SORTED_VALUES, 2 * width):
        return _sorted(y, finite, before, after, min_count, np.arange(len(y)))
    holed = np.zeros(len(y), bool)
    if not finite.all():
        missing = np.concatenate([[0], np.cumsum(~finite)])
        at = np.arange(len(y))
        holed = missing[np.minimum(at + after + 1, len(y))] > missing[np.maximum(at - before, 0)]
    holed[:before] = True
    holed[len(y) - after :] = True
    if holed.mean() > HOLED_SHARE:
        import pandas as pd

        rolling = pd.Series(np.where(finite, y, np.nan)).rolling(width, min_periods=min_count, center=after > 0)
        return rolling.median().to_numpy(np.float64)
    from scipy import ndimage

    filled = y if finite.all() else np.where(finite, y, 0.0)
    origin = before - width // 2  # of itself the filter looks from width // 2 values back
    medians = ndimage.rank_filter(filled, (width - 1) // 2, size=width, origin=origin)
    if width % 2 == 0:
        medians = (medians + ndimage.rank_filter(filled, width // 2, size=width, origin=origin)) / 2
    rows = np.flatnonzero(holed)
    medians[rows] = _sorted(y, finite, before, after, min_count, rows)
    return np.asarray(medians, np.float64)


def _sorted(y: Floats, finite: npt.NDArray[np.bool_], before: int, after: int, min_count: int, rows: Ints) -> Floats:
    """Return the medians of the windows around some rows by sorting each."""
    width = before + 1 + after
    padded = np.full(len(y) + width - 1, np.nan)
    padded[before : before + len(y)] = np.where(finite, y, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    medians = np.full(len(rows), np.nan)
    step = max(CHUNK_VALUES // width, 1)
    for start in range(0, len(rows), step):
        part = np.sort(windows[rows[start : start + step]], axis=1)  # NaN last
        count = np.isfinite(part).sum(axis=1)
        enough = np.flatnonzero(count >= max(min_count, 1))
        half = count[enough]
        medians[start + enough] = (part[enough, (half - 1) // 2] + part[enough, half // 2]) / 2
    return medians
