from __future__ import annotations

import numpy as np
import pytest
from synthetic import lognormal

from trainwatch.signals.level import cluster, departure, sustained


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
