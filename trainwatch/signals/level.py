"""Robust level and scale of a noisy positive series, from its past only.

Losses and gradient norms are positive, skewed and heavy-tailed (log-normal is a fair model), so all is done on log10:
a ratio is a difference there, and a median does not care about the tail.

References:
    Rousseeuw & Croux 1993, Alternatives to the Median Absolute Deviation, JASA 88: MAD * 1.4826 estimates a normal
    standard deviation. Naus 1982, Approximations for distributions of scan statistics, JASA 77 (clusters among chance
    events).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from trainwatch.signals.running import PastMedian, trailing_median, window_medians

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PAST_STEPS = 5000
"""Values before a burst that tell how often this series has such values anyway."""

CHANCES_PER_RUN = 1e-6
"""Bursts by chance that one series of a run may show: a run of a million steps gets the same budget as one of a hundred.
Small, because a run has dozens of series, and because rates from few values are themselves uncertain."""

TAIL_SHARE = 0.05
"""The tail are the largest 5 % of a series; how rare more distant values are is judged from there, never from the bulk."""

TAIL_INDEX = 2.5
"""How fast the tail of the logarithm falls at the least: k times as far out is k**2.5 times as rare (Student's t with 3
degrees of freedom between its 95 % quantile and six times that; a normal falls much faster)."""

TAIL_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
"""Values of k that are tried."""

TAIL_BROKEN = 0.01
"""Chance, by the rate that values 1/k as far out give, of as many values nearer to the spikes as there were, below which that
rate is no bound: the series has values of a second kind (one batch in twenty with broken images), not one tail."""

SCATTERED = 0.01
"""Chance of as many neighbours among spikes thrown into a span at random above which they lie there as if thrown."""

DENSE_SHARE = 0.2
"""Share of a span's values from which spikes in it have no room to lie scattered."""


class Departure:
    """How far each value lies above the level of its past; all arrays have the shape (n,).

    Whoever asks for rows (:meth:`rows_above`, :attr:`ratios`) has only these worked out.

    Args:
        logs: log10 of the values, NaN for those that are not finite or not positive.
        past: log10 of the median of the window before each.
        window: Values of the past that make the level.
        min_past: Finite values at least before a level exists.
    """

    def __init__(self, logs: Floats, past: PastMedian | Floats, window: int, min_past: int) -> None:
        self.window, self.min_past = window, min_past
        self._logs, self._past = logs, past
        self._above: tuple[float, Ints] | None = None

    def __len__(self) -> int:
        return len(self._logs)

    @property
    def past(self) -> Floats:
        """log10 of the median of the window before each value."""
        return self._past.whole if isinstance(self._past, PastMedian) else self._past

    @cached_property
    def distance(self) -> Floats:
        """log10 of the ratio."""
        return self._logs - self.past

    @cached_property
    def ratio(self) -> Floats:
        """Value over the median of the window before it; NaN where there is no level yet or no finite value."""
        return _power(self.distance)

    @property
    def ratios(self) -> Ratios:
        """The same for those who ask for few of them."""
        return Ratios(self)

    @property
    def level(self) -> Floats:
        """The median of the window before each value."""
        return _power(self.past)

    @property
    def mads(self) -> Floats:
        """The distance in median absolute deviations of log10 of that window."""
        return self.mads_at(self._every())

    def distance_at(self, rows: Ints) -> Floats:
        """Return log10 of the ratio of some rows, shape (m,)."""
        return self._logs[rows] - self._past_at(rows)

    def level_at(self, rows: Ints) -> Floats:
        """Return the median of the window before some rows, shape (m,)."""
        return _power(self._past_at(rows))

    def mads_at(self, rows: Ints) -> Floats:
        """Return the distance in deviations for some rows, ascending, shape (m,): few are ever far enough out to ask."""
        scatter = np.full(len(rows), np.nan)
        later = rows[rows > 0]
        if len(later) * self.window > len(self):
            found = trailing_median(np.abs(self.distance), self.window, self.min_past, later - 1)
        else:
            before = later[:, None] - np.arange(self.window, 0, -1)
            inside = np.maximum(before, 0)
            away = np.abs(self.distance_at(inside.ravel())).reshape(inside.shape)
            found = window_medians(np.where(before >= 0, away, np.nan), self.min_past)
        scatter[rows > 0] = found
        with np.errstate(invalid="ignore"):
            mads: Floats = self.distance_at(rows) / np.maximum(scatter, 1e-3)
        return mads

    def rows_above(self, ratio: float) -> Ints:
        """Return the rows of the values that are at least so many times their level, ascending."""
        if self._above is None or self._above[0] > ratio:
            rows = self._past.beyond(float(np.log10(ratio))) if isinstance(self._past, PastMedian) else self._every()
            self._above = ratio, rows[self.ratios[rows] >= ratio]
        rows = self._above[1]
        found: Ints = rows[self.ratios[rows] >= ratio]
        return found

    def above(self, ratio: float, mads: float) -> Bools:
        """Mark the values that are at least so many times their level, and so many deviations above it."""
        mask = np.zeros(len(self), bool)
        rows = self.rows_above(ratio)
        with np.errstate(invalid="ignore"):
            mask[rows] = self.mads_at(rows) >= mads
        return mask

    def _every(self) -> Ints:
        return np.arange(len(self))

    def _past_at(self, rows: Ints) -> Floats:
        return self._past.at(rows) if isinstance(self._past, PastMedian) else self._past[rows]


class Ratios:
    """The ratios of a :class:`Departure`, by index: an array of shape (n,) of which only what is read is worked out."""

    def __init__(self, away: Departure) -> None:
        self._away = away

    def __len__(self) -> int:
        return len(self._away)

    def __getitem__(self, rows: Any) -> Any:
        """Return them for a slice or an array of rows, or one of them."""
        at = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        found = _power(self._away.distance_at(np.atleast_1d(at)))
        return found if at.ndim else found[0]


def _power(logs: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(10.0**logs, np.float64)


def departure(values: npt.ArrayLike, window: int, min_past: int) -> Departure:
    """Compare each value with the window before it.

    Args:
        values: Positive series of shape (n,); non-finite and non-positive values are no part of any level.
        window: Values of the past that make the level.
        min_past: Finite values at least before a level exists.
    """
    y = np.asarray(values, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log10(y)
    logs[~(np.isfinite(y) & (y > 0))] = np.nan
    return Departure(logs, PastMedian(logs, window, min_past), window, min_past)


def joined(parts: Sequence[Departure]) -> Departure:
    """Put the departures of consecutive stretches of a series together, each judged by itself."""
    logs, past = (np.concatenate([getattr(p, name) for p in parts]) for name in ("_logs", "past"))
    return Departure(logs, past, parts[0].window, parts[0].min_past)


def sustained(mask: Bools, length: int) -> int | None:
    """Return the index at which the first run of ``length`` consecutive True values begins, None without one."""
    hits = np.flatnonzero(mask)
    if len(hits) < length:
        return None
    unbroken = np.flatnonzero(hits[length - 1 :] - hits[: len(hits) - length + 1] == length - 1)
    return int(hits[unbroken[0]]) if len(unbroken) else None


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


def burst(
    ratio: Floats | Ratios,
    spike: Bools,
    count: int,
    within: int,
    chances: float = CHANCES_PER_RUN,
    *,
    rows: int | None = None,
    together_below: float = 0.0,
) -> tuple[int, int] | None:
    """Return first and last index of the first cluster of spikes that this series' own tail does not explain.

    Heavy-tailed series (a few dense images among many) have spikes all along, and sooner or later three of them close
    together. So a cluster counts only if so many values so large are unlikely at the rate of such values before it,
    against ``CHANCES_PER_RUN`` divided by the number of windows in the run. The rate is that of values 1/k as far out in
    log, divided by k**2.5 (:data:`TAIL_INDEX`), for the k that bounds it best: so a short, calm past is enough to
    tell that a value of 1000 times the level is no noise. A k counts only while what lies between bears it out
    (:data:`TAIL_BROKEN`): spikes that have come and gone one by one all along are told by nearer values only.

    Args:
        ratio: Value over its level, shape (n,); NaN where there is none.
        spike: Which values are spikes, shape (n,).
        count: Spikes that make a cluster.
        within: Span in values.
        chances: Clusters by chance that are allowed in the whole series.
        rows: Values that the series had before it was thinned; default: as many as there are.
        together_below: Spikes of which half lie below so many times their level count only if they lie together: see
            :func:`scattered`.
    """
    hits = np.flatnonzero(spike)
    allowed = chances / max((rows or len(ratio)) / within, 1.0)
    first = 0
    while first + count <= len(hits):
        span = hits[first : np.searchsorted(hits, hits[first] + within)]
        if (
            len(span) < count
            or (np.median(ratio[span]) < together_below and scattered(span, within))
            or not _unlikely(ratio, span, count, within, allowed)
        ):
            first += 1
            continue
        last = first + len(span) - 1
        while last + 1 < len(hits) and hits[last + 1] - hits[last] < within:
            last += 1
        return int(hits[first]), int(hits[last])
    return None


def scattered(hits: Ints, within: int) -> bool:
    """Whether spikes lie in a span one by one, as if thrown there, with values at their level next to each.

    Weights that were lost are lost in the next batch, too; a loss that is at its level before and after each spike had
    odd batches, however many. Of m spikes thrown into n places m * (m - 1) / n follow another at once, on average.

    Args:
        hits: Indices of the spikes, ascending, shape (m,).
        within: Places of the span.
    """
    from scipy import special

    if len(hits) >= DENSE_SHARE * within:
        return False
    pairs = int((np.diff(hits) == 1).sum())
    by_chance = (
        special.gammainc(pairs, len(hits) * (len(hits) - 1) / within) if pairs else 1.0
    )  # Poisson: at least so many
    return bool(by_chance > SCATTERED)


def _unlikely(ratio: Floats | Ratios, span: npt.NDArray[np.int64], count: int, within: int, allowed: float) -> bool:
    """Whether the largest 3, 4, 5 ... values of a span are more than chance would bring together."""
    from scipy import special

    past = ratio[max(int(span[0]) - PAST_STEPS, 0) : int(span[0])]
    past = np.log(past[np.isfinite(past) & (past > 0)])
    past.sort()
    sizes = np.arange(count, len(span) + 1)
    largest: Floats = -np.sort(-ratio[span])
    least: Floats = np.asarray(
        np.log(largest[sizes - 1]), np.float64
    )  # the m-th largest: m values are at least that large
    counts = np.array([len(past) - np.searchsorted(past, least / k) for k in TAIL_STEPS])
    for i, k in enumerate(TAIL_STEPS):
        before = counts[i]
        # Predictive distribution of a count whose rate is known from `before` events in the past (gamma, then Poisson):
        # a negative binomial, whose upper tail is a regularised beta function.
        exposure = within / (len(past) + within) / k**TAIL_INDEX
        chance = np.asarray(special.betainc(sizes, before + 1, exposure / (1 + exposure)))
        if ((before <= TAIL_SHARE * len(past)) & (chance <= allowed) & _borne_out(counts[: i + 1])).any():
            return True
    return False


def _borne_out(counts: Ints) -> Bools:
    """Whether the last of the counts at :data:`TAIL_STEPS`, thinned out as the tail should be, explains all before it.

    Args:
        counts: Values at least 1/k as far out as the spikes, shape (k, m), for the first so many k.

    Returns:
        Shape (m,).
    """
    from scipy import special

    steps = np.array(TAIL_STEPS[: len(counts)])[:, None]
    expected = (counts[-1] + 1) * (steps / steps[-1]) ** TAIL_INDEX
    chance = np.where(counts > 0, special.gammainc(np.maximum(counts, 1), expected), 1.0)  # Poisson: at least so many
    return np.asarray((chance >= TAIL_BROKEN).all(0), np.bool_)


def burst_into_nothing(
    values: Floats, ratio: Floats | Ratios, spike: Bools, chances: float = 1e-3
) -> tuple[int, int] | None:
    """Return the spikes that lead straight into the first non-finite value: at least two in a row; None without.

    Numbers that end leave no third spike to count.

    Args:
        values: The series, shape (n,).
        ratio: Value over its level, shape (n,).
        spike: Which values are spikes, shape (n,).
        chances: Probability by chance that is allowed; there is one such place in a series.
    """
    ends = np.flatnonzero(~np.isfinite(values))
    if not len(ends):
        return None
    last = first = int(ends[0]) - 1
    while first > 0 and spike[first - 1]:
        first -= 1
    if last - first < 1 or not spike[last]:
        return None
    span = np.arange(first, last + 1)
    return (first, last) if _unlikely(ratio, span, 2, len(span), chances) else None


def is_blip(ratio: Floats | Ratios, first: int, last: int, *, longest: int = 10, after: int = 20) -> bool:
    """Whether a cluster of spikes is one incident that is over: short, and followed by values within twice the old level.

    Args:
        ratio: Value over its level, shape (n,); the level is a median, which a short incident does not move.
        first: First spike.
        last: Last spike.
        longest: Values that an incident takes at most.
        after: Finite values behind it that must be there.
    """
    behind = ratio[last + 1 : last + 1 + 2 * after]
    finite = behind[np.isfinite(behind)]
    return last - first < longest and len(finite) >= after and 0.5 < float(np.median(finite)) < 2.0


def coincidences(steps: npt.NDArray[np.int64], others: npt.NDArray[np.int64], within: int) -> int:
    """Count the steps that have one of the others within so many steps.

    Args:
        steps: Shape (n,).
        others: Shape (m,), ascending.
        within: Distance at most, in steps.
    """
    if not len(others) or not len(steps):
        return 0
    right = np.clip(np.searchsorted(others, steps), 0, len(others) - 1)
    left = np.maximum(right - 1, 0)
    distance = np.minimum(np.abs(others[right] - steps), np.abs(others[left] - steps))
    return int((distance <= within).sum())
