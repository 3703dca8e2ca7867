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

BOUND_BLOCK = 50
"""Values per block from which the least that a median can be is told."""

ROUNDING = 1e-9
"""What a bound is widened by, in units of the values (logarithms): more than rounding can be."""

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
    return _sorted(_windows(y, np.isfinite(y), width - 1, 0), min_count, at)


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
        return _sorted(_windows(y, finite, before, after), min_count, np.arange(len(y)))
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
    medians[rows] = _sorted(_windows(y, finite, before, after), min_count, rows)
    return np.asarray(medians, np.float64)


def _windows(y: Floats, finite: npt.NDArray[np.bool_], before: int, after: int) -> Floats:
    """Return the window around each value as a view of shape (n, width), NaN beyond the ends and for what is not finite."""
    width = before + 1 + after
    padded = np.full(len(y) + width - 1, np.nan)
    padded[before : before + len(y)] = np.where(finite, y, np.nan)
    return np.lib.stride_tricks.sliding_window_view(padded, width)


def _sorted(windows: Floats, min_count: int, rows: Ints) -> Floats:
    """Return the medians of some windows by sorting each."""
    medians = np.full(len(rows), np.nan)
    step = max(CHUNK_VALUES // windows.shape[1], 1)
    for start in range(0, len(rows), step):
        medians[start : start + step] = window_medians(windows[rows[start : start + step]], min_count)
    return medians


def window_medians(windows: Floats, min_count: int) -> Floats:
    """Return the median of each row of finite values and NaN, NaN left out.

    Args:
        windows: Shape (m, width).
        min_count: Finite values at least; NaN where a row has fewer.

    Returns:
        Shape (m,).
    """
    ordered = np.sort(windows, axis=1)  # NaN last
    count = np.isfinite(ordered).sum(axis=1)
    enough = np.flatnonzero(count >= max(min_count, 1))
    half = count[enough]
    medians = np.full(len(windows), np.nan)
    medians[enough] = (ordered[enough, (half - 1) // 2] + ordered[enough, half // 2]) / 2
    return medians


class PastMedian:
    """The median of the window before each value, worked out where it is asked for and kept.

    Few values of a series are ever far from their level: a detector of spikes asks for one window in a thousand.

    Args:
        values: Shape (n,); non-finite values are left out.
        width: Values per window, at least 1; the first windows are shorter.
        min_count: Finite values at least; NaN where a window has fewer.
    """

    def __init__(self, values: Floats, width: int, min_count: int) -> None:
        self._values, self._width, self._min_count = values, width, min_count
        self._known: npt.NDArray[np.bool_] | None = None
        self._medians: Floats | None = None
        self._view: Floats | None = None

    def __len__(self) -> int:
        return len(self._values)

    @property
    def whole(self) -> Floats:
        """All of them, shape (n,); the first is NaN."""
        if self._medians is None or self._known is not None:
            self._medians = np.full(len(self), np.nan)
            self._medians[1:] = trailing_median(self._values, self._width, self._min_count)[:-1]
            self._known = self._view = None
        return self._medians

    def at(self, rows: Ints) -> Floats:
        """Return some of them, shape (m,)."""
        if self._medians is None:
            if len(self) <= SORTED_VALUES:
                return self.whole[rows]
            self._medians, self._known = np.full(len(self), np.nan), np.zeros(len(self), bool)
            self._known[0] = True
            self._view = _windows(self._values, np.isfinite(self._values), self._width - 1, 0)
        if self._known is not None and self._view is not None:
            new = np.sort(rows[~self._known[rows]])  # not np.unique, which takes twenty times as long
            new = new[np.append(True, new[1:] != new[:-1])] if len(new) else new
            if len(new) + int(self._known.sum()) > FEW_SHARE * len(self):
                return self.whole[rows]
            self._medians[new] = _sorted(self._view, self._min_count, new - 1)
            self._known[new] = True
        return self._medians[rows]

    def beyond(self, distance: float) -> Ints:
        """Return a superset of the rows whose value lies at least so far above their median, ascending.

        Each block of :data:`BOUND_BLOCK` values has a quantile of which so many lie below that, whatever the other values
        of a window are, its median cannot lie below the smallest of these quantiles.
        """
        n, size = len(self), BOUND_BLOCK
        blocks = (self._width - size + 1) // size  # whole ones in each window that ends inside the next
        least = (self._width - 1) // 2 - (self._width - blocks * size)  # values of them that may lie below the median
        rank = least // blocks if blocks > 0 else -1
        if n <= max(SORTED_VALUES, 2 * self._width) or rank < 0:
            return np.arange(n)
        finite = np.isfinite(self._values)
        y = self._values if finite.all() else np.where(finite, self._values, -np.inf)
        whole = n // size
        grid = y[: whole * size].reshape(-1, size)
        quantile = np.partition(grid, rank, axis=1)[:, rank]
        lowest = np.full(whole + 1, -np.inf)
        lowest[blocks:] = np.lib.stride_tricks.sliding_window_view(quantile, blocks).min(axis=1)
        lowest[: -(-self._width // size)] = -np.inf  # windows that are not full
        lowest += distance - ROUNDING
        near = np.concatenate([(grid >= lowest[:-1, None]).ravel(), y[whole * size :] >= lowest[-1]])
        return np.flatnonzero(near & finite)
