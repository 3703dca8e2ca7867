"""Reduction of a long series to what a chart can show without hiding a single spike.

Per bucket the true minimum, median and maximum; non-finite values are listed apart, because a line would just skip them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainwatch.result import Curve
from trainwatch.signals.blocks import row_medians

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
        The curve. A bucket without a finite value has None for all three. Values keep six significant digits.

    Raises:
        ValueError: If the shapes differ or ``buckets`` is below 1.
    """
    xs, ys = np.asarray(x), np.asarray(values, np.float64)
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise ValueError(f"{name}: x has the shape {xs.shape} and values {ys.shape}; both must be (n,)")
    if buckets < 1:
        raise ValueError(f"buckets is {buckets}, it must be at least 1")
    n = len(ys)
    finite = np.isfinite(ys)
    bad = xs[~finite].astype(np.float64)
    if len(bad) > MAX_NONFINITE:
        bad = bad[np.linspace(0, len(bad) - 1, MAX_NONFINITE).astype(int)]
    per = max(1, -(-n // buckets))
    count = -(-n // per)
    whole = n // per
    low, mid, high = (np.full(count, np.nan) for _ in range(3))
    grid = ys[: whole * per].reshape(whole, per)
    full = np.append(finite[: whole * per].reshape(whole, per).all(axis=1), np.zeros(count - whole, bool))
    if full.any():  # nearly all buckets of nearly all runs
        rows = grid if full[:whole].all() else grid[full[:whole]]
        least, most = rows.min(axis=1), rows.max(axis=1)
        middle, varied = least.copy(), least < most  # what is the same throughout need not be sorted
        middle[varied] = row_medians(rows if varied.all() else rows[varied])
        low[full], high[full], mid[full] = least, most, middle
    for i in np.flatnonzero(~full):
        row = ys[i * per : (i + 1) * per]
        row = row[np.isfinite(row)]
        if len(row):
            low[i], high[i], mid[i] = row.min(), row.max(), np.median(row)
    return Curve(
        name=name,
        x=tuple(xs[::per].astype(np.float64).tolist()),
        low=_optional(low),
        mid=_optional(mid),
        high=_optional(high),
        points_per_bucket=float(per),
        nonfinite=tuple(bad.tolist()),
    )


def _optional(values: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(v if v - v == 0 else None for v in six_digits(values).tolist())


def six_digits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round to six significant digits: the doubles that ``float(f"{v:.6g}")`` gives, without a text for each.

    A whole number of up to six digits times or over a power of ten that is exact, too, is rounded once, as reading its
    text is. Values so near a half that the scaling may have moved them across, and very large or small ones, are written.

    Args:
        values: Shape (n,).

    Returns:
        Shape (n,).
    """
    size = np.abs(values)
    usual = (size > 1e-15) & (size < 1e20)
    places = 5 - np.floor(np.log10(size, where=usual, out=np.zeros_like(size))).astype(np.int64)
    power = 10.0 ** np.abs(places)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.where(places >= 0, values * power, values / power)
        digits = np.rint(scaled)
        usual &= (np.abs(np.abs(scaled - digits) - 0.5) > 1e-4) & (np.abs(digits) < 1e6) & (np.abs(digits) >= 1e5)
        rounded = np.where(places >= 0, digits / power, digits * power)
    odd = np.flatnonzero(~usual & np.isfinite(values))
    rounded[odd] = [float(f"{v:.6g}") for v in values[odd].tolist()]
    rounded[~np.isfinite(values)] = np.nan
    return rounded
