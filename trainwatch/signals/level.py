"""Robust level and scale of a noisy positive series, from its past only.

Losses and gradient norms are positive, skewed and heavy-tailed (log-normal is a fair model), so all is done on log10:
a ratio is a difference there, and a median does not care about the tail.

References:
    Rousseeuw & Croux 1993, Alternatives to the Median Absolute Deviation, JASA 88: MAD * 1.4826 estimates a normal
    standard deviation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Departure(NamedTuple):
    """How far each value lies above the level of its past, all of shape (n,).

    Attributes:
        ratio: Value over the median of the window before it; NaN where there is no level yet or no finite value.
        mads: The same distance in median absolute deviations of log10 of that window.
        level: That median.
    """

    ratio: Floats
    mads: Floats
    level: Floats


def departure(values: npt.ArrayLike, window: int, min_past: int) -> Departure:
    """Compare each value with the window before it.

    Args:
        values: Positive series of shape (n,); non-finite and non-positive values are no part of any level.
        window: Values of the past that make the level.
        min_past: Finite values at least before a level exists.
    """
    y = np.asarray(values, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        import pandas as pd

        logs = pd.Series(np.where(np.isfinite(y) & (y > 0), np.log10(np.where(y > 0, y, np.nan)), np.nan))
    past = logs.rolling(window, min_periods=min_past).median().shift(1)
    scatter = (logs - past).abs().rolling(window, min_periods=min_past).median().shift(1)
    distance = (logs - past).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mads = distance / np.maximum(scatter.to_numpy(), 1e-3)
        return Departure(10.0**distance, mads, 10.0 ** past.to_numpy())


def sustained(mask: Bools, length: int) -> int | None:
    """Return the index at which the first run of ``length`` consecutive True values begins, None without one."""
    if len(mask) < length:
        return None
    counts = np.convolve(mask.astype(np.int64), np.ones(length, np.int64), mode="valid")
    hits = np.flatnonzero(counts == length)
    return int(hits[0]) if len(hits) else None


def cluster(mask: Bools, count: int, within: int) -> tuple[int, int] | None:
    """Return first and last index of the first group of True values that holds ``count`` of them within a span.

    The group goes on as long as the next True value follows within the same span.

    Args:
        mask: Shape (n,).
        count: True values needed.
        within: Span in values.
    """
    hits = np.flatnonzero(mask)
    if len(hits) < count:
        return None
    near = np.flatnonzero(hits[count - 1 :] - hits[: len(hits) - count + 1] < within)
    if not len(near):
        return None
    first = int(near[0])
    last = first + count - 1
    while last + 1 < len(hits) and hits[last + 1] - hits[last] < within:
        last += 1
    return int(hits[first]), int(hits[last])
