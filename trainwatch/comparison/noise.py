"""How much two equal trainings differ, and whether a difference is more than that.

Several seeds tell it: Welch's interval, or the standard deviation of the side that has several. With one run each it
is estimated from how much the run scatters from epoch to epoch, times :data:`SEED_FACTOR`; that is a guess, and said so.
The late epochs alone would not do: where the learning rate has fallen to nothing a run stands still, and seeds differ ten
times as much as it scatters (tests/bench/COMPARE.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainwatch.compared import Noise
from trainwatch.signals.trend import theil_sen

Floats = npt.NDArray[np.float64]

LATE_SHARE = 0.1
"""Share of the values up to the end whose median is the level."""
LATE_MIN, LATE_MAX = 5, 50
"""Values of the level, at least and at most."""
SCATTER_WINDOWS = 2
"""Windows of the level, from the end, whose scatter about a straight line is the noise."""
SEED_FACTOR = 2.0
"""Standard deviation of the level between equal trainings with other seeds, over the scatter of one. Measured in
tests/bench/COMPARE.md: with 2 some 3 % of equal trainings were called different, 7 % in the worst of eight settings. Where it
matters, give seeds."""
UNLIKE = 3.0
"""Scatter of one run over that of the other from which they are no equal trainings with other seeds."""
MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, for normal noise: sqrt(pi / 2)."""
CLIP = 8.0
"""Robust standard deviations at which a jump from epoch to epoch is cut: one collapse is no noise of the others."""
LEVEL = 0.95
"""Coverage of the intervals."""
MOST_RATIO = 1e4
"""Noise over difference that is counted with at most: a billion seeds, which nobody trains."""


@dataclass(frozen=True)
class Late:
    """The end of one curve.

    Attributes:
        level: Median of the last values.
        scatter: Standard deviation of the values about a straight line through the end of the curve, or from epoch to epoch
            in the whole of it, whichever is larger.
        count: Values that the level was made from.
    """

    level: float
    scatter: float
    count: int


@dataclass(frozen=True)
class Interval:
    """A difference of two sides and its 95 % interval."""

    difference: float
    low: float
    high: float
    noise: Noise


def late(values: npt.ArrayLike) -> Late | None:
    """Describe the end of a curve; None with fewer than :data:`LATE_MIN` finite values.

    Args:
        values: In order, shape (n,); non-finite ones are left out.
    """
    y = np.asarray(values, np.float64)
    y = y[np.isfinite(y)]
    if len(y) < LATE_MIN:
        return None
    count = int(min(max(round(LATE_SHARE * len(y)), LATE_MIN), LATE_MAX))
    tail = y[-min(SCATTER_WINDOWS * count, len(y)) :]
    x = np.arange(len(tail), dtype=np.float64)
    slope = theil_sen(x, tail).slope
    rest = tail - slope * x
    scatter = max(float(np.std(rest, ddof=min(2, len(rest) - 1))), roughness(y))
    return Late(float(np.median(y[-count:])), scatter, count)


def roughness(values: Floats) -> float:
    """Return the standard deviation of a curve's noise, whatever its course: from its second differences.

    Args:
        values: Finite, in order, shape (n,).
    """
    bends = np.diff(values, 2) / math.sqrt(6.0)  # white noise of variance 1 has second differences of variance 6
    moved = np.abs(bends[bends != 0])
    if not len(moved):
        return 0.0
    edge = CLIP * 1.4826 * float(np.median(moved))
    return float(np.sqrt(np.mean(np.clip(bends, -edge, edge) ** 2)))


def interval(old: Sequence[Late], new: Sequence[Late]) -> Interval | None:
    """Return the difference of two sides with its interval.

    Args:
        old: Ends of the first side's runs, at least one.
        new: The same of the second.

    Returns:
        None if a side has none.
    """
    from scipy import stats

    if not old or not new:
        return None
    a, b = np.array([r.level for r in old]), np.array([r.level for r in new])
    difference = float(b.mean() - a.mean())
    kind: Noise = "seeds"
    if len(a) > 1 and len(b) > 1:
        var_a, var_b = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
        se = math.sqrt(var_a + var_b)
        df = (var_a + var_b) ** 2 / (var_a**2 / (len(a) - 1) + var_b**2 / (len(b) - 1)) if se > 0 else 1.0
    elif len(a) > 1 or len(b) > 1:
        several = a if len(a) > 1 else b
        sd = float(several.std(ddof=1))
        se, df = sd * math.sqrt(1 / len(a) + 1 / len(b)), float(len(several) - 1)
    else:
        kind = "late-scatter"
        se, df = _error(old[0], new[0]), float(SCATTER_WINDOWS * min(old[0].count, new[0].count) - 2)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, max(df, 1.0))) * se
    return Interval(difference, difference - half, difference + half, kind)


def _error(old: Late, new: Late) -> float:
    """Return the standard error of the difference of two single runs.

    A run that scatters far more than the other is no equal training with another seed: its fault would widen the interval
    until the fault itself is not seen. Then seeds differ as the calmer one says, and the other's level is as sure as it is.
    """
    calm, wild = sorted((old, new), key=lambda r: r.scatter)
    if calm.scatter > 0 and wild.scatter > UNLIKE * calm.scatter:
        return math.hypot(
            SEED_FACTOR * calm.scatter * math.sqrt(2.0), MEDIAN_ERROR * wild.scatter / math.sqrt(wild.count)
        )
    return SEED_FACTOR * math.hypot(old.scatter, new.scatter)


def seeds_needed(sd: float, difference: float) -> int:
    """Return the seeds per side with which a difference would be seen four times out of five (normal approximation).

    ``n = 2 (1.96 + 0.84)^2 sd^2 / difference^2``, the usual formula of two equal groups.
    """
    if difference == 0 or sd == 0:
        return 2
    return max(2, math.ceil(2 * (1.96 + 0.84) ** 2 * min(MOST_RATIO, sd / difference) ** 2))
