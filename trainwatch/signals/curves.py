"""Robust statistics of short epoch curves: level, noise, the smallest improvement that counts, faults of single values.

A curve of epochs has tens to hundreds of values, is measured by another validation each time, and may hold NaN, zeros
that mean "not measured", and exact repeats. Everything here is median- or rank-based and drops non-finite values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainwatch.runs.run import Series
from trainwatch.signals.running import centred_median, trailing_median

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MIN_SCORE = 0.005
"""Scores below are "nothing is learnt": mAP of an untrained detector is 1e-6 to 1e-3. Shared, so that no two checks
judge one score in two ways."""
CEILING = 0.97
"""Scores above this share of what is possible leave nothing to gain."""
MIN_DELTA = 0.002
"""Smallest improvement of a score between 0 and 1 that a person would call one (mAP is printed with three digits)."""
MIN_DELTA_SHARE = 0.01
"""The same as a share of the best score."""
MIN_DELTA_LOSS_SHARE = 0.005
"""The same for a validation loss."""
DIP_DEPTH = 0.4
"""Share of its level that a score must lose for a few epochs to have collapsed."""
DIP_NOISES = 4.0
"""A dip is deeper than so many standard deviations of the score's noise, or it is that noise."""
DIP_WINDOW = 7
"""Epochs before a dip whose median is the level."""
DIP_BACK = 0.9
"""Share of the level at which a dip is over."""
DIPS_UNSTABLE = 3
"""So many collapses in one training are no accident but unstable training, unless it settles."""
PERSISTENT_SHARE = 0.5
"""Share of non-finite values after the first from which they are called lasting."""


@dataclass(frozen=True)
class Score:
    """What tells how good the model is, epoch by epoch.

    Attributes:
        series: Finite values only.
        sign: 1 if more is better, -1 if less is.
        full: Largest value that is possible (a fitness of boxes plus masks: 2); infinite for a loss.
    """

    series: Series
    sign: int
    full: float = 1.0

    @property
    def up(self) -> Floats:
        """Values turned so that more is better, shape (n,)."""
        return self.sign * self.series.values

    @property
    def is_loss(self) -> bool:
        """Whether it is a validation loss, for want of a metric."""
        return self.sign < 0

    @property
    def learnt(self) -> bool:
        """Whether the score ever left "nothing is learnt", for more than a lucky epoch; always true of a loss."""
        return self.is_loss or bool(len(self.series) and best_level(self.series.values, 3) > MIN_SCORE)

    @property
    def at_ceiling(self) -> bool:
        """Whether a score left nothing to gain at its best."""
        top = float(self.series.values.max()) if len(self.series) else 0.0
        return not self.is_loss and CEILING * self.full < top <= self.full

    def smallest_step(self, best: float) -> float:
        """Return the smallest improvement that counts, noise apart.

        Args:
            best: Best level, in units of the score.
        """
        if self.is_loss:
            return MIN_DELTA_LOSS_SHARE * abs(best)
        return max(MIN_DELTA, MIN_DELTA_SHARE * abs(best))


@dataclass(frozen=True)
class Nonfinite:
    """NaN and infinity in a series.

    Attributes:
        first: Index of the first one.
        last: Index of the last one.
        count: How many.
        trailing: How many at the very end.
        persistent: The last two values are not finite, or the last one and at least half of those since the first.
    """

    first: int
    last: int
    count: int
    trailing: int
    persistent: bool


def running_median(values: npt.ArrayLike, width: int) -> Floats:
    """Return the centred running median, shape (n,); the window shrinks at the ends."""
    return centred_median(values, max(width, 1))


def noise(values: npt.ArrayLike) -> float:
    """Return the standard deviation of a curve's noise, from the differences of neighbours, so that a trend is no noise.

    The 75 % quantile of absolute differences of a normal noise is 1.150 * sqrt(2) standard deviations. A quantile
    rather than the median: in tiny data sets up to half of the rows repeat the one before exactly.
    """
    y = np.asarray(values, np.float64)
    y = y[np.isfinite(y)]
    if len(y) < 4:
        return 0.0
    return float(np.quantile(np.abs(np.diff(y)), 0.75)) / (1.150 * math.sqrt(2.0))


def level_error(sigma: float, count: int) -> float:
    """Return the standard error of a median of ``count`` values with the noise ``sigma`` (1.25 times a mean's)."""
    return 1.25 * sigma / math.sqrt(max(count, 1))


def best_level(up: Floats, width: int) -> float:
    """Return the best level that a curve held over ``width`` values, so that a lucky epoch is none."""
    width = min(max(width, 1), len(up))
    return float(np.nanmax(trailing_median(up, width, width)))


def nonfinite(values: npt.ArrayLike) -> Nonfinite | None:
    """Describe the non-finite values of a series; None if there are none."""
    bad = ~np.isfinite(np.asarray(values, np.float64))
    at = np.flatnonzero(bad)
    if not len(at):
        return None
    trailing = int(np.argmax(~bad[::-1])) if not bad.all() else len(bad)
    share = float(bad[at[0] :].mean())
    lasting = trailing >= 2 or (trailing >= 1 and len(bad) - at[0] >= 3 and share >= PERSISTENT_SHARE)
    return Nonfinite(int(at[0]), int(at[-1]), len(at), trailing, lasting)


def worst_nonfinite(series: Sequence[Series]) -> tuple[Series, Nonfinite] | None:
    """Return the series whose non-finite values last, or else begin first; None if all are finite."""
    found = [(s, n) for s in series if (n := nonfinite(s.values)) is not None]
    if not found:
        return None
    return min(found, key=lambda f: (not f[1].persistent, f[0].epoch[f[1].first], f[0].name))


def repeats(series: Sequence[Series]) -> Bools:
    """Mark the rows in which every one of several series repeats its value of the row before exactly.

    NaN repeats NaN. Shape (n,) of the shortest series; the first row repeats nothing.
    """
    if not series:
        return np.zeros(0, bool)
    n = min(len(s) for s in series)
    same = np.ones(n, bool)
    same[:1] = False
    for s in series:
        a, b = s.values[:n][1:], s.values[:n][:-1]
        same[1:] &= (a == b) | (np.isnan(a) & np.isnan(b))
    return same


def trailing_count(mask: Bools) -> int:
    """Return how many True values end a mask."""
    return len(mask) if mask.all() else int(np.argmax(~mask[::-1]))


def longest_run(mask: Bools) -> int:
    """Return the length of the longest run of True values."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


@dataclass(frozen=True)
class Dip:
    """A fall of a curve far below the level before it.

    Attributes:
        first: First index below.
        last: Last index before it is back.
        level: Level before.
        depth: Largest share of the level that was lost.
    """

    first: int
    last: int
    level: float
    depth: float


def passed_dips(up: Floats, depth: float, window: int, back: float, longest: int) -> list[Dip]:
    """Find where a curve falls far below the level before it and comes back.

    Args:
        up: More is better, shape (n,); only positive levels are judged.
        depth: Share of the level that must be lost.
        window: Values before that make the level (their median).
        back: Share of the level at which the dip is over.
        longest: Values at most that a dip lasts.
    """
    found: list[Dip] = []
    i = window
    while i < len(up):
        level = float(np.median(up[i - window : i]))
        if not (level > 0 and up[i] < (1 - depth) * level):
            i += 1
            continue
        again = np.flatnonzero(up[i:] >= back * level)
        if not len(again):
            i += window  # a new, lower level
            continue
        end = i + int(again[0])
        if end - i <= longest:
            found.append(Dip(i, end - 1, level, 1 - float(up[i:end].min()) / level))
        i = end + 1
    return found


def unsettled(found: Sequence[Dip], count: int) -> bool:
    """Whether dips are no accidents: so many, and the last of them in the second half of ``count`` values."""
    return len(found) >= DIPS_UNSTABLE and found[-1].first >= count // 2
