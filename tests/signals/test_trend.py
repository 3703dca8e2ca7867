from __future__ import annotations

import math

import numpy as np
import pytest

from trainwatch.signals.trend import (
    autocorrelation,
    block_means,
    forecast_crossing,
    mann_kendall,
    slope_error,
    theil_sen,
    thin,
)


def test_theil_sen_recovers_a_line_through_gross_outliers() -> None:
    rng = np.random.default_rng(0)
    x = np.arange(200.0)
    y = 5.0 + 0.25 * x + rng.normal(0, 1, 200)
    y[::5] += 1000  # 20 % of the points
    line = theil_sen(x, y)
    assert line.low < 0.25 < line.high
    assert line.slope == pytest.approx(0.25, abs=0.03)
    assert line.intercept == pytest.approx(5.0, abs=2.0)


def test_theil_sen_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = np.arange(40.0)
        line = theil_sen(x, 0.1 * x + rng.normal(0, 1, 40))
        covered += line.low <= 0.1 <= line.high
    assert 180 <= covered <= 199  # 95 % of 200 is 190, binomial sd 3.1


def test_theil_sen_of_bytes_keeps_its_digits() -> None:
    x = np.arange(600.0)
    y = 8e11 + 3.0 * x
    assert theil_sen(x, y).slope == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize("y", [[], [1.0], [np.nan] * 5, [1.0, np.inf]])
def test_theil_sen_without_two_points_is_nan(y: list[float]) -> None:
    assert all(math.isnan(v) for v in theil_sen(np.arange(len(y)), y))


def test_theil_sen_of_one_x_is_nan_and_of_a_constant_zero() -> None:
    assert math.isnan(theil_sen([1, 1, 1], [1, 2, 3]).slope)
    assert theil_sen([1, 2, 3], [7, 7, 7]) == (0.0, 0.0, 0.0, 7.0)


def test_thin_takes_block_medians_and_drops_what_is_not_finite() -> None:
    x, y = np.arange(11.0), np.arange(11.0)
    y[3], y[1] = np.nan, 99  # a gap and a spike
    xs, ys = thin(x, y, 3)  # ten pairs: blocks of 4, 3, 3
    assert xs.tolist() == [1.5, 6.0, 9.0]
    assert ys.tolist() == [3.0, 6.0, 9.0]
    assert len(thin(np.arange(1_000_003), np.arange(1_000_003))[0]) == 1000


def test_block_means_drop_a_last_block_of_less_than_half() -> None:
    assert block_means([1, 3, 5, 7, 100], 4).tolist() == [4.0]
    assert block_means([1, 3, 5, 7, 100, 102], 4).tolist() == [4.0, 101.0]
    assert block_means([1, np.nan, 3], 1).tolist() == [1.0, 3.0]


def test_autocorrelation_of_noise_is_near_zero_and_of_a_walk_high() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=2000)
    assert autocorrelation(noise) < 0.06
    assert autocorrelation(np.cumsum(noise)) == 0.95
    assert autocorrelation(np.ones(10)) == 0.0


def test_slope_error_is_the_textbook_one_for_noise_and_larger_for_a_walk() -> None:
    rng = np.random.default_rng(4)
    x = np.arange(400.0)
    noise = rng.normal(0, 2, 400)
    textbook = 2 / np.sqrt(np.sum((x - x.mean()) ** 2))
    assert slope_error(x, noise) == pytest.approx(textbook, rel=0.2)
    walk = np.cumsum(rng.normal(0, 2, 400))
    walk -= walk.mean()
    assert slope_error(x, walk) > 4 * walk.std() / np.sqrt(np.sum((x - x.mean()) ** 2))


def test_mann_kendall_tells_directions() -> None:
    rng = np.random.default_rng(2)
    x = np.arange(100) / 20
    noise = rng.normal(size=100)
    rising, falling, flat = mann_kendall(x + noise), mann_kendall(-x + noise), mann_kendall(noise)
    assert rising.p_value < 1e-6
    assert rising.direction == 1
    assert falling.p_value < 1e-6
    assert falling.direction == -1
    assert flat.p_value > 0.05


@pytest.mark.parametrize("y", [[], [1.0, 2.0], [3.0] * 50, [np.nan] * 50])
def test_mann_kendall_says_nothing_where_nothing_can_be_tested(y: list[float]) -> None:
    assert mann_kendall(y) == (1.0, 0)


def test_mann_kendall_is_not_fooled_by_autocorrelation() -> None:
    """AR(1) noise with r = 0.8: without blocks far more than 5 % of trendless series look like a trend."""
    blocked = plain = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y = np.zeros(300)
        for i in range(1, 300):
            y[i] = 0.8 * y[i - 1] + rng.normal()
        blocked += mann_kendall(y).p_value < 0.05
        plain += mann_kendall(y, block=1).p_value < 0.05
    assert plain > 30
    assert blocked < 20


@pytest.mark.parametrize("noise", [0.5, 2.0, 5.0])
def test_forecast_covers_the_true_crossing(noise: float) -> None:
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = np.arange(60.0)  # 30 % of 200
        y = 10 + 0.5 * x + rng.normal(0, noise, 60)
        crossing = forecast_crossing(x, y, 110.0)  # the line is there at 200
        assert crossing is not None
        assert crossing.low <= crossing.x <= crossing.high
        covered += crossing.low <= 200 <= crossing.high
    assert covered >= 36


def test_forecast_covers_it_with_autocorrelated_residuals_too() -> None:
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        e = np.zeros(60)
        for i in range(1, 60):
            e[i] = 0.6 * e[i - 1] + rng.normal()
        x = np.arange(60.0)
        crossing = forecast_crossing(x, 10 + 0.5 * x + e, 110.0)
        assert crossing is not None
        covered += crossing.low <= 200 <= crossing.high
    assert covered >= 34


def test_forecast_of_a_perfect_line_is_exact() -> None:
    crossing = forecast_crossing([0, 1, 2, 3], [0, 2, 4, 6], 20)
    assert crossing is not None
    assert tuple(crossing) == pytest.approx((10, 10, 10))


def test_forecast_interval_is_open_where_the_slope_might_be_zero() -> None:
    rng = np.random.default_rng(5)
    x = np.arange(12.0)
    y = 0.05 * x + rng.normal(0, 1, 12)
    crossing = forecast_crossing(x, y, 50.0)
    assert crossing is not None
    assert crossing.high == math.inf
    assert crossing.low < crossing.x


def test_no_forecast_for_flat_falling_or_short_series() -> None:
    assert forecast_crossing([0, 1, 2, 3], [5, 5, 5, 5], 10) is None
    assert forecast_crossing([0, 1, 2, 3], [5, 4, 3, 2], 10) is None
    assert forecast_crossing([0, 1], [1, 2], 10) is None
    assert forecast_crossing([0, 1, 2], [np.nan, np.nan, 1], 10) is None


def test_forecast_of_a_limit_already_passed_lies_in_the_past() -> None:
    crossing = forecast_crossing(np.arange(10), np.arange(10), 4.0)
    assert crossing is not None
    assert crossing.x == pytest.approx(4.0)


@pytest.mark.parametrize("seed", range(20))
def test_slope_and_interval_are_those_of_scipy(seed: int) -> None:
    from scipy import stats

    chance = np.random.default_rng(seed)
    x = np.sort(chance.integers(0, 40, 25)).astype(float)
    y = np.round(0.3 * x + chance.normal(0, 3, 25), seed % 3)
    ours, theirs = theil_sen(x, y), stats.theilslopes(y, x)
    assert ours[:3] == pytest.approx((theirs.slope, theirs.low_slope, theirs.high_slope))
