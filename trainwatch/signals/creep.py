"""Memory creep: growth of a memory series from epoch to epoch that does not level off.

Pure functions of arrays, shared by device and host memory. Values are reduced to one per epoch first: within an epoch
memory follows the batch (its objects, its image size, validation), between epochs it should return.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trainwatch.result import Where
from trainwatch.runs.run import Series
from trainwatch.signals.grouped import by_epoch
from trainwatch.signals.trend import Crossing, forecast_crossing, mann_kendall, slope_error, theil_sen, thin

Floats = npt.NDArray[np.float64]

HINGE_POINTS = 200
"""Points at most among which the onset is looked for (the search is quadratic); a run of 600 epochs is then resolved to
three epochs."""


@dataclass(frozen=True)
class CreepRule:
    """When growth is called creep.

    Attributes:
        min_epochs: Epochs at least, start-up left out.
        skip_epochs: First epochs left out: caches, workers, allocator and cuDNN warm up, the first validation comes.
        min_slope: Smallest slope, bytes per epoch.
        min_growth: Smallest growth over the epochs seen, bytes.
        min_growth_share: Smallest growth as a share of the level at the onset.
        min_tail_ratio: Slope of the last third over the slope before it. A cache that fills exponentially gives
            0.05 to 0.45 unless the run is shorter than its time constant, a square root 0.65, a leak 1.
        max_p: Largest p-value of the Mann-Kendall test.
        min_errors: Slope at least, in standard errors that allow for autocorrelation: a random walk has a "significant"
            slope most of the time, but a large error.
    """

    min_epochs: int = 8
    skip_epochs: int = 2
    min_slope: float = 2.0 * 2**20
    min_growth: float = 48.0 * 2**20
    min_growth_share: float = 0.03
    min_tail_ratio: float = 0.7
    max_p: float = 0.01
    min_errors: float = 8.0


@dataclass(frozen=True)
class Creep:
    """A growth that was found.

    Attributes:
        slope: Theil-Sen, bytes per epoch.
        low: Lower end of its 95 % interval, above 0.
        high: Upper end.
        p_value: Mann-Kendall.
        onset_epoch: First epoch of the growth, 0-based.
        last_epoch: Last epoch seen, 0-based.
        start_bytes: Level of the line at the onset.
        end_bytes: Level of the line at the last epoch.
        epochs: Epochs that the fit used.
        x: Their numbers, shape (epochs,).
        y: Their values in bytes, shape (epochs,).
    """

    slope: float
    low: float
    high: float
    p_value: float
    onset_epoch: int
    last_epoch: int
    start_bytes: float
    end_bytes: float
    epochs: int
    x: Floats
    y: Floats

    def reaches(self, limit_bytes: float | None) -> Crossing | None:
        """Forecast the epoch (0-based, fractional) at which the line hits a limit; None without a limit."""
        return None if limit_bytes is None else forecast_crossing(self.x, self.y, limit_bytes)


def per_epoch(series: Series, how: Literal["median", "min", "max"], since_step: int = -1) -> tuple[Floats, Floats]:
    """Reduce a step series to one value per epoch.

    Args:
        series: Steps in order of the record.
        how: ``median`` for a level, ``min`` for what is held between batches, ``max`` for peaks.
        since_step: Leave out earlier steps (an earlier process has freed its memory).

    Returns:
        Epoch numbers and values, both float64 of shape (epochs,), by epoch; epochs without a finite value are absent.
    """
    keep = series.finite & (series.step >= since_step)
    if not keep.any():
        return np.empty(0), np.empty(0)
    whole = bool(keep.all())
    epoch, values = by_epoch(
        series.epoch if whole else series.epoch[keep], series.values if whole else series.values[keep], how
    )
    return epoch.astype(np.float64), values


def find_creep(epoch: Floats, value: Floats, rule: CreepRule) -> Creep | None:
    """Decide whether memory creeps.

    The growth must (1) have a Theil-Sen interval above zero, a Mann-Kendall p-value below the rule's and a slope of
    several standard errors, (2) be large
    enough to matter, (3) go on in the last third, no flatter than ``min_tail_ratio`` of what came before: a cache that
    fills, or a batch that is the densest so far ever more rarely, levels off and is left alone.

    Args:
        epoch: Shape (n,), ascending.
        value: Bytes, shape (n,).
        rule: Thresholds.
    """
    skipped = epoch[: rule.skip_epochs], value[: rule.skip_epochs]
    epoch, value = epoch[rule.skip_epochs :], value[rule.skip_epochs :]
    if len(epoch) < rule.min_epochs:
        return None
    tail = theil_sen(*_last_third(epoch, value))
    if not tail.slope >= rule.min_slope * rule.min_tail_ratio:
        return None
    first = onset(epoch, value)
    if len(epoch) - first >= rule.min_epochs:
        epoch, value = epoch[first:], value[first:]
    line = theil_sen(epoch, value)
    trend = mann_kendall(value)
    if not (line.low > 0 and line.slope >= rule.min_slope and trend.direction > 0 and trend.p_value <= rule.max_p):
        return None
    if line.slope <= rule.min_errors * slope_error(epoch, value - line.intercept - line.slope * epoch):
        return None
    start, end = line.intercept + line.slope * epoch[0], line.intercept + line.slope * epoch[-1]
    if end - start < max(rule.min_growth, rule.min_growth_share * abs(start)):
        return None
    third = max(len(epoch) // 3, 4)
    before = theil_sen(epoch[:-third], value[:-third])
    after = theil_sen(*_last_third(epoch, value))
    if not after.slope >= rule.min_tail_ratio * before.slope:
        return None
    begin = epoch[0] if first else _first_on_line(*skipped, epoch, value, line.slope, line.intercept)
    return Creep(
        slope=line.slope, low=line.low, high=line.high, p_value=trend.p_value, onset_epoch=int(begin),
        last_epoch=int(epoch[-1]), start_bytes=float(start), end_bytes=float(end), epochs=len(epoch), x=epoch, y=value,
    )  # fmt: skip


def _first_on_line(before: Floats, held: Floats, epoch: Floats, value: Floats, slope: float, intercept: float) -> float:
    """Return the first of the left-out epochs from which on memory already grew along the line, else the first judged.

    Along the line: no further from it than half of an epoch's growth and three times the scatter of the epochs judged.
    """
    scatter = float(np.median(np.abs(value - intercept - slope * epoch)))
    off = np.flatnonzero(np.abs(held - intercept - slope * before) > slope / 2 + 3 * scatter)
    later = before[off[-1] + 1 :] if len(off) else before
    return float(later[0] if len(later) else epoch[0])


def _last_third(epoch: Floats, value: Floats) -> tuple[Floats, Floats]:
    third = max(len(epoch) // 3, 4)
    return epoch[-third:], value[-third:]


def onset(epoch: Floats, value: Floats, min_gain: float = 0.5) -> int:
    """Return the index at which growth begins: the knee of a level followed by a line.

    The knee is where ``c + b * max(0, epoch - knee)`` has the smallest sum of squares; it counts only if that is at
    most ``min_gain`` of a straight line's, else the growth began at the start.

    Args:
        epoch: Shape (n,), ascending.
        value: Shape (n,).
        min_gain: Largest ratio of the two sums of squares.
    """
    xs, ys = thin(epoch, value, HINGE_POINTS)
    if len(xs) < 6 or np.ptp(ys) == 0:
        return 0
    ramps = np.maximum(xs[None, :] - xs[:-3, None], 0.0)  # row i: knee at xs[i]; row 0 is the straight line
    ramps -= ramps.mean(axis=1, keepdims=True)
    centred = (ys - ys.mean()) / np.ptp(ys)
    power = np.sum(ramps**2, axis=1)
    explained = (ramps @ centred) ** 2 / np.where(power > 0, power, math.inf)
    left = float(centred @ centred) - explained
    best = int(np.argmin(left))
    if left[best] > min_gain * left[0]:
        return 0
    return int(np.searchsorted(epoch, xs[best]))


def forecast_detail(creep: Creep, limit_bytes: int | None, crossing: Crossing | None = None) -> dict[str, Any]:
    """Return growth and forecast as plain numbers for a finding's detail.

    Args:
        creep: The growth.
        limit_bytes: The limit, None if unknown.
        crossing: A forecast made from another series of the same memory; default the creep's own.

    Returns:
        ``limit_bytes``, ``forecast_epoch`` (0-based, fractional), ``forecast_epoch_low``, ``forecast_epoch_high``
        (None: open, or no forecast), and the slope's interval.
    """
    crossing = crossing or creep.reaches(limit_bytes)
    high = crossing.high if crossing is not None and math.isfinite(crossing.high) else None
    return {
        "limit_bytes": limit_bytes,
        "forecast_epoch": crossing.x if crossing is not None else None,
        "forecast_epoch_low": crossing.low if crossing is not None else None,
        "forecast_epoch_high": high,
        "slope_low_bytes_per_epoch": creep.low,
        "slope_high_bytes_per_epoch": creep.high,
        "p_value": creep.p_value,
        "start_bytes": creep.start_bytes,
        "end_bytes": creep.end_bytes,
        "epochs_fitted": creep.epochs,
    }


def forecast_with_overhead(creep: Creep, epoch: Floats, other: Floats, limit_bytes: int | None) -> Crossing | None:
    """Forecast when a larger series that rides on a creeping one hits the limit.

    The reserve of a caching allocator is the leak plus what a step needs on top. That overhead is taken as constant at
    its level of the last epoch; its scatter enters the interval.

    Args:
        creep: The growth of the smaller series.
        epoch: Epochs of the larger series, shape (n,).
        other: The larger series, bytes, shape (n,).
        limit_bytes: The limit, None if unknown.
    """
    common, left, right = np.intersect1d(creep.x, epoch, return_indices=True)
    if limit_bytes is None or len(common) < 3:
        return creep.reaches(limit_bytes)
    overhead = other[right] - creep.y[left]
    drift = theil_sen(common, overhead).slope
    return forecast_crossing(common, creep.y[left] + overhead - drift * (common - common[-1]), limit_bytes)


def last_process_step(events: Sequence[Mapping[str, Any]]) -> int:
    """Return the step at which the last process of the record began (``start`` events), -1 if that is not told."""
    steps = [e.get("step") for e in events if e.get("kind") == "start" and not e.get("rank")]
    return steps[-1] if len(steps) > 1 and isinstance(steps[-1], int) else -1


def start_of(series: Series, epoch: int) -> Where:
    """Return the place where an epoch begins in a step series."""
    rows = np.flatnonzero(series.epoch == epoch)
    return series.where(int(rows[0])) if len(rows) else Where(epoch=epoch)
