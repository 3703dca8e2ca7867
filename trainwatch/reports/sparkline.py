"""A curve in one line of text, without hiding a spike: a column shows its median, or its extreme where that stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainwatch.result import Curve

BLOCKS = "▁▂▃▄▅▆▇█"
NOT_FINITE = "×"
"""A column with a value that is no number: no block can show it."""
NOTHING = " "

STANDS_OUT = 1.0
"""An extreme is shown in place of the median if it lies beyond the range of all medians by so many times that range (by
any distance where all medians are equal)."""


def sparkline(curve: Curve, width: int = 40, *, log: bool = False) -> str:
    """Return at most ``width`` characters.

    Args:
        curve: What to draw; its buckets are joined to columns.
        width: Columns.
        log: Scale by the logarithm if all finite values are positive.
    """
    columns = _columns(curve, max(width, 1))
    shown = [_shown(c, _medians(columns)) for c in columns]
    heights = _heights([v for v in shown if v is not None], log)
    drawn = iter(heights)
    bad = _nonfinite_columns(curve, len(columns))
    return "".join(
        NOT_FINITE if i in bad else NOTHING if value is None else BLOCKS[next_height]
        for i, (value, next_height) in enumerate((v, next(drawn) if v is not None else 0) for v in shown)
    )


Column = tuple[float, float, float]
"""Smallest, median and largest value."""


def _columns(curve: Curve, width: int) -> list[Column | None]:
    n = len(curve.x)
    per = max(1, math.ceil(n / width))
    columns: list[Column | None] = []
    for i in range(0, n, per):
        mids = sorted(v for v in curve.mid[i : i + per] if v is not None)
        lows = [v for v in curve.low[i : i + per] if v is not None]
        highs = [v for v in curve.high[i : i + per] if v is not None]
        columns.append((min(lows), mids[len(mids) // 2], max(highs)) if mids else None)
    return columns


def _medians(columns: Sequence[Column | None]) -> tuple[float, float]:
    mids = [c[1] for c in columns if c is not None]
    return (min(mids), max(mids)) if mids else (0.0, 0.0)


def _shown(column: Column | None, medians: tuple[float, float]) -> float | None:
    if column is None:
        return None
    low, mid, high = column
    room = STANDS_OUT * (medians[1] - medians[0])
    if high > medians[1] + room and high - medians[1] >= medians[0] - low:
        return high
    return low if low < medians[0] - room else mid


def _heights(values: Sequence[float], log: bool) -> list[int]:
    """Scale to block numbers; a flat curve is drawn at the bottom."""
    if log and values and min(values) > 0:
        values = [math.log(v) for v in values]
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [0] * len(values)
    return [min(int((v - low) / span * len(BLOCKS)), len(BLOCKS) - 1) for v in values]


def _nonfinite_columns(curve: Curve, count: int) -> set[int]:
    if not count or not curve.nonfinite:
        return set()
    per = math.ceil(len(curve.x) / count)
    starts = [curve.x[i] for i in range(0, len(curve.x), per)]
    from bisect import bisect_right

    return {max(bisect_right(starts, x) - 1, 0) for x in curve.nonfinite}


def summary(curve: Curve) -> tuple[float, float, float, float] | None:
    """Return first and last median, true minimum and maximum; None without a finite value."""
    mids = [v for v in curve.mid if v is not None]
    if not mids:
        return None
    return (
        mids[0],
        mids[-1],
        min(v for v in curve.low if v is not None),
        max(v for v in curve.high if v is not None),
    )
