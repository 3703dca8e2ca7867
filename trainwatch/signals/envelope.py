"""Reduction of a long series to what a chart can show without hiding a single spike.

Per bucket the true minimum, median and maximum; non-finite values are listed apart, because a line would just skip them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainwatch.result import Curve

MAX_NONFINITE = 1000
"""Non-finite places at most that a curve lists."""


def reduce(name: str, x: npt.ArrayLike, values: npt.ArrayLike, buckets: int = 800) -> Curve:
    """Reduce a series.

    Args:
        name: Name of the curve.
        x: Steps or epochs, ascending, shape (n,).
        values: Measured values, shape (n,); NaN and infinity count as non-finite.
        buckets: Buckets at most; with n <= buckets every value is its own bucket.

    Returns:
        The curve. A bucket without a finite value has None for all three.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(values, np.float64)
    n = len(ys)
    finite = np.isfinite(ys)
    bad = xs[~finite]
    if len(bad) > MAX_NONFINITE:
        bad = bad[np.linspace(0, len(bad) - 1, MAX_NONFINITE).astype(int)]
    per = max(1, -(-n // buckets))
    count = -(-n // per)
    padded = np.full(count * per, np.nan)
    padded[:n] = np.where(finite, ys, np.nan)
    grid = padded.reshape(count, per)
    some = np.isfinite(grid).any(axis=1)
    low, mid, high = (np.full(count, np.nan) for _ in range(3))
    if some.any():
        low[some], high[some] = np.nanmin(grid[some], axis=1), np.nanmax(grid[some], axis=1)
        mid[some] = np.nanmedian(grid[some], axis=1) if per > 1 else grid[some, 0]
    return Curve(
        name=name,
        x=tuple(xs[::per].tolist()),
        low=_optional(low),
        mid=_optional(mid),
        high=_optional(high),
        points_per_bucket=float(per),
        nonfinite=tuple(bad.tolist()),
    )


def _optional(values: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(float(f"{v:.6g}") if np.isfinite(v) else None for v in values.tolist())
