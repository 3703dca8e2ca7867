from __future__ import annotations

import numpy as np
import pytest
from synthetic import lognormal

from trainwatch.signals.level import (
    burst,
    burst_into_nothing,
    cluster,
    coincidences,
    departure,
    is_blip,
    joined,
    scattered,
    sustained,
)


def test_ratio_is_to_the_median_of_the_past_only() -> None:
    values = np.r_[np.full(20, 2.0), 10.0, np.full(5, 2.0)]
    away = departure(values, window=10, min_past=5)
    assert np.isnan(away.ratio[:5]).all(), "no level yet"
    assert away.ratio[20] == pytest.approx(5.0)
    assert away.level[20] == pytest.approx(2.0)


def test_non_finite_and_zero_values_make_no_level() -> None:
    values = np.r_[np.full(10, 3.0), np.nan, np.inf, 0.0, -1.0, 6.0]
    away = departure(values, window=20, min_past=5)
    assert np.isnan(away.ratio[10:14]).all()
    assert away.ratio[14] == pytest.approx(2.0)


def test_distance_in_mads_of_lognormal_noise() -> None:
    away = departure(lognormal(50_000, sigma=0.5), window=200, min_past=50)
    # MAD of a normal is 0.6745 sigma: a share of P(|z| > 6 * 0.6745) = 5e-5 lies beyond six.
    assert np.nanmean(away.mads > 6) < 5e-4
    assert np.nanmean(away.mads > 1) == pytest.approx(0.25, abs=0.02)


def test_sustained() -> None:
    mask = np.array([1, 1, 0, 1, 1, 1, 0], bool)
    assert sustained(mask, 3) == 3
    assert sustained(mask, 4) is None
    assert sustained(np.zeros(0, bool), 1) is None


def test_cluster_extends_while_hits_are_near() -> None:
    mask = np.zeros(200, bool)
    mask[[5, 100, 110, 115, 150, 199]] = True
    assert cluster(mask, count=3, within=50) == (100, 199)
    assert cluster(mask, count=3, within=10) is None
    assert cluster(mask[:100], count=2, within=50) is None


def heavy(n: int, seed: int, scale: float = 0.5) -> np.ndarray:
    return np.exp(scale * np.random.default_rng(seed).standard_t(3, n))


@pytest.mark.parametrize("seed", range(10))
def test_a_heavy_tail_makes_no_burst(seed: int) -> None:
    ratio = departure(heavy(20_000, seed), 200, 8).ratio
    assert cluster(ratio >= 10, 3, 50) is not None, "by count alone it would"
    assert burst(ratio, ratio >= 10, 3, 50) is None


@pytest.mark.parametrize("seed", range(10))
def test_an_explosion_among_heavy_tails_is_a_burst(seed: int) -> None:
    values = heavy(2000, seed, 0.15)
    values[1500:] *= np.minimum(3.0 ** np.arange(500), 1e6)
    ratio = departure(values, 200, 8).ratio
    found = burst(ratio, ratio >= 20, 3, 50)
    assert found is not None
    assert 1495 <= found[0] <= 1510


def test_a_short_calm_past_is_enough_for_a_large_burst() -> None:
    ratio = np.r_[lognormal(30, 0.3, 1.0), 1000.0, 3000.0, 9000.0]
    assert burst(ratio, ratio >= 20, 3, 50) == (30, 32)
    assert burst(ratio[:-1], ratio[:-1] >= 20, 3, 50) is None, "two are not three"
    assert burst(np.full(50, np.nan), np.zeros(50, bool), 3, 50) is None


def test_spikes_that_lead_into_nan() -> None:
    values = np.r_[lognormal(50, 0.2, 1.0), 300.0, 1e20, np.nan, np.nan]
    ratio = departure(values, 200, 8).ratio
    with np.errstate(invalid="ignore"):
        assert burst_into_nothing(values, ratio, ratio >= 5) == (50, 51)
        assert burst_into_nothing(values[:-2], ratio[:-2], ratio[:-2] >= 5) is None, "nothing ends"
    one = np.r_[lognormal(50, 0.2, 1.0), 300.0, np.nan]
    ratio = departure(one, 200, 8).ratio
    with np.errstate(invalid="ignore"):
        assert burst_into_nothing(one, ratio, ratio >= 5) is None, "one spike is a bad batch"


def test_a_blip_is_short_and_followed_by_the_old_level() -> None:
    ratio = np.r_[np.ones(30), 50.0, 10.0, np.ones(30)]
    assert is_blip(ratio, 30, 31)
    assert not is_blip(ratio[:40], 30, 31), "too little behind it"
    assert not is_blip(np.r_[ratio[:32], np.full(30, 3.0)], 30, 31), "it stays up"
    assert not is_blip(np.r_[ratio[:32], np.full(30, 1e-3)], 30, 31), "it has died"
    assert not is_blip(ratio, 10, 31), "too long"


def test_coincidences() -> None:
    assert coincidences(np.array([10, 50, 90]), np.array([12, 47, 200]), 2) == 1
    assert coincidences(np.array([10]), np.empty(0, np.int64), 2) == 0


def test_rows_asked_for_are_those_of_the_whole() -> None:
    values = heavy(30_000, 3)
    values[[100, 20_000]] = np.nan, 0.0
    whole, asked = departure(values, 200, 8), departure(values, 200, 8)
    with np.errstate(invalid="ignore"):
        expected = np.flatnonzero(whole.ratio >= 10)
    assert asked.rows_above(10).tolist() == expected.tolist()
    assert asked.rows_above(20).tolist() == np.flatnonzero(np.nan_to_num(whole.ratio) >= 20).tolist()
    assert asked.rows_above(3).tolist() == np.flatnonzero(np.nan_to_num(whole.ratio) >= 3).tolist(), "a lower one later"
    rows = expected[:5]
    assert np.array_equal(asked.ratios[rows], whole.ratio[rows])
    assert asked.ratios[int(rows[0])] == whole.ratio[rows[0]]
    assert np.array_equal(asked.ratios[150:190], whole.ratio[150:190], equal_nan=True)
    assert np.array_equal(asked.level_at(rows), whole.level[rows])
    assert np.array_equal(asked.mads_at(rows), whole.mads[rows])
    assert len(asked.ratios) == len(values)


def test_an_array_and_a_departure_give_the_same_burst() -> None:
    values = heavy(30_000, 5, 0.15)
    values[25_000:25_050] *= 1e4
    away = departure(values, 200, 8)
    spike = np.nan_to_num(away.ratio) >= 20
    assert burst(departure(values, 200, 8).ratios, spike, 3, 50) == burst(away.ratio, spike, 3, 50) is not None


def test_regimes_are_put_together() -> None:
    parts = [departure(lognormal(40, 0.2, level), 20, 3) for level in (1.0, 50.0)]
    both = joined(parts)
    assert np.array_equal(both.ratio, np.concatenate([p.ratio for p in parts]), equal_nan=True)
    assert np.array_equal(both.ratios[38:45], both.ratio[38:45], equal_nan=True)
    assert both.rows_above(1.2).tolist() == np.flatnonzero(np.nan_to_num(both.ratio) >= 1.2).tolist()


def two_kinds(n: int, seed: int, times: float = 10.0) -> np.ndarray:
    """One batch in twenty is of another kind, ``times`` as high; the others scatter a little."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(0, 0.3, n)) * np.where(rng.random(n) < 0.05, times, 1.0)


@pytest.mark.parametrize("seed", range(20))
def test_batches_of_a_second_kind_make_no_burst_once_they_are_known(seed: int) -> None:
    values = two_kinds(1000, seed, 7.0)
    values[300:] = np.where(
        values[300:] > 3, 1.5 * values[300:], values[300:]
    )  # as the level falls, they stand out more
    ratio = departure(values, 200, 8).ratio
    spike = np.nan_to_num(ratio) >= 5
    known = np.arange(1000) >= 500
    assert burst(ratio, spike & known, 3, 50) is None
    assert burst(ratio, spike, 3, 50, together_below=100.0) is None, "nor are they from the first step on"


@pytest.mark.parametrize("seed", range(5))
def test_an_explosion_is_a_burst_although_batches_of_a_second_kind_went_before(seed: int) -> None:
    values = two_kinds(600, seed)
    values[500:] *= 3.0 ** np.minimum(np.arange(100), 8)
    ratio = departure(values, 200, 8).ratio
    found = burst(ratio, np.nan_to_num(ratio) >= 5, 3, 50, together_below=100.0)
    assert found is not None
    assert 455 <= found[0] <= 510


def test_scattered() -> None:
    assert scattered(np.array([3, 14, 30]), 50)
    assert scattered(np.array([3, 14, 15]), 50), "two may meet"
    assert not scattered(np.array([13, 14, 15]), 50)
    assert not scattered(np.arange(0, 50, 4), 50), "no room for values at the level"


def test_scattered_spikes_beyond_what_batches_reach_are_a_burst() -> None:
    ratio = lognormal(1000, 0.2, 1.0)
    ratio[[600, 615, 630]] *= 50
    assert burst(ratio, ratio >= 5, 3, 50) == (600, 630)
    assert burst(ratio, ratio >= 5, 3, 50, together_below=100.0) is None
    ratio[[600, 615, 630]] *= 50
    assert burst(ratio, ratio >= 5, 3, 50, together_below=100.0) == (600, 630)
