from __future__ import annotations

import numpy as np
import pytest

from trainwatch.comparison.noise import LATE_MIN, Late, interval, late, seeds_needed


def test_the_level_is_that_of_the_end_and_a_trend_is_no_noise() -> None:
    rng = np.random.default_rng(0)
    y = np.linspace(0.0, 1.0, 400) + rng.normal(0, 0.01, 400)
    end = late(y)
    assert end is not None
    assert end.level == pytest.approx(0.95, abs=0.01)
    assert end.scatter == pytest.approx(0.01, rel=0.3)


def test_a_run_that_stands_still_at_its_end_is_not_without_noise() -> None:
    rng = np.random.default_rng(3)
    y = np.concatenate([np.linspace(0.0, 1.0, 60) + rng.normal(0, 0.03, 60), np.full(20, 1.0)])
    end = late(y)
    assert end is not None
    assert end.scatter == pytest.approx(0.03 * (60 / 80) ** 0.5, rel=0.3)
    y[5] = 40.0  # one collapse
    assert late(y).scatter < 0.12  # type: ignore[union-attr]
    assert late(np.linspace(0, 1, 40)).scatter == pytest.approx(0.0, abs=1e-9)  # type: ignore[union-attr]


def test_too_few_values_have_no_level() -> None:
    assert late([0.1] * (LATE_MIN - 1)) is None
    assert late([np.nan] * 50) is None


def test_one_run_each_uses_the_scatter() -> None:
    a, b = Late(0.5, 0.01, 20), Late(0.52, 0.01, 20)
    small = interval([a], [b])
    assert small is not None
    assert small.noise == "late-scatter"
    assert small.low < 0 < small.high
    large = interval([a], [Late(0.7, 0.01, 20)])
    assert large is not None
    assert large.low > 0


def test_seeds_use_the_spread_between_runs_not_the_scatter() -> None:
    a = [Late(v, 9.0, 20) for v in (0.50, 0.51, 0.49)]
    b = [Late(v, 9.0, 20) for v in (0.60, 0.61, 0.59)]
    found = interval(a, b)
    assert found is not None
    assert found.noise == "seeds"
    assert 0.05 < found.low < 0.1 < found.high < 0.15
    assert interval(a, [b[0]]).noise == "seeds"  # type: ignore[union-attr]
    assert interval(a, []) is None


def test_intervals_cover_zero_at_their_rate() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        a = [Late(float(v), 0.0, 5) for v in rng.normal(0, 1, 4)]
        b = [Late(float(v), 0.0, 5) for v in rng.normal(0, 1, 4)]
        found = interval(a, b)
        assert found is not None
        covered += found.low <= 0 <= found.high
    assert 0.92 < covered / 400 < 0.99


def test_seeds_needed() -> None:
    assert seeds_needed(1.0, 1.0) == 16
    assert seeds_needed(0.1, 1.0) == 2
    assert seeds_needed(0.0, 0.0) == 2
    assert seeds_needed(1e200, 1.0) == seeds_needed(np.inf, 1.0) == seeds_needed(np.nan, 1.0) < 1e10


def test_a_run_that_swings_by_its_fault_does_not_hide_it() -> None:
    rng = np.random.default_rng(3)
    good = late(0.97 + 0.002 * rng.normal(size=60))
    faulty = late(0.80 + 0.05 * rng.normal(size=60))
    assert good is not None
    assert faulty is not None
    found = interval([good], [faulty])
    assert found is not None
    assert found.high < 0
