"""Trends: robust slope with its interval, test for a monotone trend, and when a line will hit a limit.

Both estimators are quadratic in the number of points or blind to autocorrelation, so every function here first replaces
consecutive values by the middle of blocks (see :func:`thin` and :func:`block_means`). Non-finite pairs are dropped.

References:
    Sen, P. K. (1968). Estimates of the regression coefficient based on Kendall's tau. JASA 63, 1379-1389.
    Mann, H. B. (1945). Nonparametric tests against trend. Econometrica 13, 245-259.
    Hamed, K. H. & Rao, A. R. (1998). A modified Mann-Kendall trend test for autocorrelated data. J. Hydrology 204.
    Fieller, E. C. (1954). Some problems in interval estimation. J. R. Stat. Soc. B 16, 175-185 (inverse prediction).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainwatch.signals.kendall import kendall

Floats = npt.NDArray[np.float64]

MAX_POINTS = 1000
"""Points at most that reach a quadratic estimator (1000 points: 499 500 pairwise slopes, about 40 ms)."""

NORMAL_MAD = NormalDist().inv_cdf(0.75)
"""Median absolute deviation of a normal distribution with a standard deviation of 1."""

MIN_BLOCKS = 8
"""Blocks at least that :func:`mann_kendall` keeps: with 8, the smallest two-sided p-value is 2/8! = 5e-5."""

MAX_AUTOCORRELATION = 0.95
"""Upper clip of the lag-1 autocorrelation: at 0.95, 39 values count as one independent value."""


class Slope(NamedTuple):
    """A line ``y = intercept + slope * x`` and the interval of its slope.

    Attributes:
        slope: Median of all pairwise slopes; unit of y per unit of x. NaN with fewer than two distinct x.
        low: Lower end of the interval; NaN with too few points for one.
        high: Upper end of the interval; NaN with too few points for one.
        intercept: Median of ``y - slope * x``; unit of y.
    """

    slope: float
    low: float
    high: float
    intercept: float


class Trend(NamedTuple):
    """Result of a test for a monotone trend.

    Attributes:
        p_value: Two-sided; 1 where nothing can be tested (fewer than three values, or all equal).
        direction: 1 rising, -1 falling, 0 neither: the sign of Kendall's tau, whatever the p-value.
    """

    p_value: float
    direction: int


class Crossing(NamedTuple):
    """Where a line meets a limit.

    Attributes:
        x: Best estimate, unit of x. It may lie inside the observed range if the limit has been reached there.
        low: Earliest x compatible with the data.
        high: Latest x compatible with the data; ``inf`` if the data do not exclude that it never happens.
    """

    x: float
    low: float
    high: float


def thin(x: npt.ArrayLike, y: npt.ArrayLike, max_points: int = MAX_POINTS) -> tuple[Floats, Floats]:
    """Reduce a series to at most ``max_points`` by the median x and median y of consecutive, nearly equal blocks.

    Medians rather than every k-th value, so that neither spikes nor a beat with the epoch length (every k-th step might
    always be the last of its epoch) enter the slope.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        max_points: Largest length of the result.

    Returns:
        Two float64 arrays of shape (min(number of finite pairs, max_points),).
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    finite = np.isfinite(xs) & np.isfinite(ys)
    xs, ys = xs[finite], ys[finite]
    n = len(ys)
    if n <= max_points:
        return xs, ys
    # Nearly equal blocks: the first `extra` ones hold one value more. Two rectangles, so that numpy does all the work.
    size, extra = divmod(n, max_points)
    cut = extra * (size + 1)
    return _block_medians(xs, cut, size), _block_medians(ys, cut, size)


def _block_medians(values: Floats, cut: int, size: int) -> Floats:
    long = np.median(values[:cut].reshape(-1, size + 1), axis=1) if cut else np.empty(0)
    return np.concatenate([long, np.median(values[cut:].reshape(-1, size), axis=1)])


def block_means(y: npt.ArrayLike, block: int) -> Floats:
    """Return the means of consecutive blocks of finite values; a last block of less than half the length is dropped.

    Args:
        y: Shape (n,).
        block: Values per block, at least 1.
    """
    values = np.asarray(y, np.float64)
    values = values[np.isfinite(values)]
    if block <= 1:
        return values
    whole = len(values) // block
    means = values[: whole * block].reshape(whole, block).mean(axis=1)
    rest = values[whole * block :]
    return np.append(means, rest.mean()) if 2 * len(rest) >= block else means


def autocorrelation(residuals: Floats) -> float:
    """Return the lag-1 autocorrelation of residuals, clipped to 0 ... ``MAX_AUTOCORRELATION``.

    Negative values are clipped because they would narrow an interval on little evidence.
    """
    if len(residuals) < 3:
        return 0.0
    centred = residuals - residuals.mean()
    power = float(centred @ centred)
    if power <= 0 or not math.isfinite(power):
        return 0.0
    return float(np.clip((centred[:-1] @ centred[1:]) / power, 0.0, MAX_AUTOCORRELATION))


def slope_error(x: Floats, residuals: Floats) -> float:
    """Return the standard error of a fitted slope under autocorrelated residuals (AR(1) variance inflation).

    Args:
        x: Shape (n,), not all equal.
        residuals: About the line, shape (n,).
    """
    r = autocorrelation(residuals)
    variance = float(residuals @ residuals) / max(len(x) - 2, 1) * (1 + r) / (1 - r)
    return math.sqrt(variance / float(np.sum((x - x.mean()) ** 2)))


def theil_sen(x: npt.ArrayLike, y: npt.ArrayLike, *, confidence: float = 0.95, max_points: int = MAX_POINTS) -> Slope:
    """Fit a line by the median of all pairwise slopes; up to 29 % of the points may be anything.

    More than ``max_points`` points are thinned first (:func:`thin`). The interval assumes independent residuals; with
    autocorrelated ones test the trend with :func:`mann_kendall` as well.

    Args:
        x: Shape (n,).
        y: Shape (n,).
        confidence: Of the interval, 0 to 1.
        max_points: Where thinning begins.
    """
    xs, ys = thin(x, y, max_points)
    if len(xs) < 2 or np.ptp(xs) == 0:
        return Slope(math.nan, math.nan, math.nan, math.nan)
    if np.ptp(ys) == 0:
        return Slope(0.0, 0.0, 0.0, float(ys[0]))
    # Centred and scaled: bytes squared over a 600-epoch run would otherwise cost digits in the variance of Kendall's S.
    scale = float(np.ptp(ys))
    slope, low, high = (scale * value for value in _pairwise(xs, (ys - ys[0]) / scale, confidence))
    return Slope(slope, low, high, float(np.median(ys - slope * xs)))


def _pairwise(x: Floats, y: Floats, confidence: float) -> tuple[float, float, float]:
    """Return the median of all pairwise slopes and their interval (Sen 1968, tied values allowed for).

    In numpy, because importing scipy.stats takes longer than the whole analysis of an epoch log.
    """
    later, earlier = np.nonzero(x[:, None] > x[None, :])
    slopes = np.sort((y[later] - y[earlier]) / (x[later] - x[earlier]))
    n, count = len(y), len(slopes)

    def pairs(values: Floats) -> float:
        ties = np.unique(values, return_counts=True)[1].astype(np.float64)
        return float(np.sum(ties * (ties - 1) * (2 * ties + 5)))

    variance = (n * (n - 1) * (2 * n + 5) - pairs(x) - pairs(y)) / 18
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(max(variance, 0.0))
    upper = min(round((count + half) / 2), count - 1)
    lower = max(round((count - half) / 2) - 1, 0)
    return float(np.median(slopes)), float(slopes[lower]), float(slopes[upper])


def mann_kendall(y: npt.ArrayLike, *, block: int | None = None, max_points: int = MAX_POINTS) -> Trend:
    """Test whether a series rises or falls monotonically (Kendall's tau of the values against their order).

    The test assumes independent values, and training series are autocorrelated: a healthy random walk would "rise"
    with p < 0.001 half the time. So blocks are averaged first. Their length follows from the lag-1 autocorrelation r of
    the residuals about the Theil-Sen line, (1 + r) / (1 - r) values being worth one independent value; at least
    ``MIN_BLOCKS`` blocks are kept. A true random walk is still no independent series: read a p-value of such data as
    an order of magnitude.

    Args:
        y: Shape (n,), in order.
        block: Values per block; None chooses it as described; 1 switches blocking off.
        max_points: Blocks at most.
    """
    values = np.asarray(y, np.float64)
    values = values[np.isfinite(values)]
    if len(values) > max_points:
        values = block_means(values, math.ceil(len(values) / max_points))
    if len(values) < 3 or np.ptp(values) == 0:
        return Trend(1.0, 0)
    if block is None:
        order = np.arange(len(values), dtype=np.float64)
        line = theil_sen(order, values)
        r = autocorrelation(values - line.intercept - line.slope * order)
        block = max(1, min(round((1 + r) / (1 - r)), len(values) // MIN_BLOCKS))
    values = block_means(values, block)
    if len(values) < 3 or np.ptp(values) == 0:
        return Trend(1.0, 0)
    direction, p_value = kendall(values)
    return Trend(p_value, direction)


def forecast_crossing(
    x: npt.ArrayLike, y: npt.ArrayLike, limit: float, *, confidence: float = 0.95, max_points: int = MAX_POINTS
) -> Crossing | None:
    """Forecast where a rising series hits a limit, with an interval.

    The centre is the Theil-Sen line's crossing. The interval is an inverse prediction (Fieller): all x at which the
    limit lies inside the prediction band ``line(x) +- t * sqrt(s^2 + v / n + (x - mean(x))^2 * v_slope)``. It
    covers the residual scatter of a single value (s), the level and the slope. s is the larger of 1.4826 MAD and what
    the central 90 % of the residuals imply for normal ones; v = s^2 (1 + r) / (1 - r) allows for their autocorrelation
    r; the slope's error is the larger of the Theil-Sen interval's half width and the least-squares error under v.

    It extrapolates a line: for a saturating series the true crossing is later, or never comes.

    Args:
        x: Shape (n,), e.g. epochs.
        y: Shape (n,), e.g. bytes.
        limit: Value to be hit, unit of y.
        confidence: Of the interval, 0 to 1.
        max_points: Where thinning begins (:func:`thin`).

    Returns:
        None if the series does not rise, or with fewer than three points.
    """
    xs, ys = thin(x, y, max_points)
    if len(xs) < 3 or np.ptp(xs) == 0 or not math.isfinite(limit):
        return None
    line = theil_sen(xs, ys, confidence=confidence, max_points=max_points)
    if not line.slope > 0:
        return None
    n = len(xs)
    residuals = ys - line.intercept - line.slope * xs
    inner = residuals[np.abs(residuals) <= np.quantile(np.abs(residuals), 0.9)]
    # 0.79: standard deviation of the central 90 % of a normal distribution; n - 2: a line has been fitted.
    trimmed = float(np.sqrt(np.mean(inner**2))) / 0.79
    from scipy import special

    mad = float(np.median(np.abs(residuals - np.median(residuals)))) / NORMAL_MAD
    scatter = max(mad, trimmed) * math.sqrt(n / max(n - 2, 1))
    r = autocorrelation(residuals)
    inflated = scatter**2 * (1 + r) / (1 - r)
    t = float(special.stdtrit(max(n - 2, 1), 0.5 + confidence / 2))
    middle = float(xs.mean())
    slope_error = math.sqrt(inflated / float(np.sum((xs - middle) ** 2)))
    if math.isfinite(line.low) and math.isfinite(line.high):
        slope_error = max(slope_error, (line.high - line.low) / 2 / t)
    return _inverse_prediction(line, limit, middle, t, scatter**2 + inflated / n, slope_error**2)


def _inverse_prediction(
    line: Slope, limit: float, middle: float, t: float, level_variance: float, slope_variance: float
) -> Crossing:
    """Solve ``(limit - line(x))^2 = t^2 (level_variance + (x - middle)^2 slope_variance)`` for x.

    With u = x - middle and d = limit - line(middle) it is the quadratic A u^2 - 2 b d u + d^2 - t^2 level_variance = 0,
    A = b^2 - t^2 slope_variance. A <= 0 means that slope zero is not excluded: the upper end is then infinite.
    """
    b = line.slope
    d = limit - (line.intercept + b * middle)
    a = b * b - t * t * slope_variance
    c = d * d - t * t * level_variance
    best = middle + d / b
    inner = max(b * b * d * d - a * c, 0.0)
    if a > 1e-12 * b * b:
        half = math.sqrt(inner)
        return Crossing(best, middle + (b * d - half) / a, middle + (b * d + half) / a)
    # Only the lower end exists: the root between the middle and the estimate, in the form that stays stable for a -> 0.
    denominator = b * d + math.sqrt(inner)
    low = middle + c / denominator if denominator > 0 else middle
    return Crossing(best, min(low, best), math.inf)
