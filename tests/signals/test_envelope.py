from __future__ import annotations

import numpy as np
import pytest

from trainwatch.signals.envelope import reduce, six_digits


@pytest.mark.parametrize("at", [0, 1, 499_999, 777_777, 999_999])
def test_one_spike_in_a_million_is_kept(at: int) -> None:
    values = np.random.default_rng(0).lognormal(0, 0.3, 1_000_000)
    values[at] = 87.0
    curve = reduce("loss", np.arange(len(values)), values)
    assert max(v for v in curve.high if v is not None) == 87.0
    assert len(curve.x) <= 800


def test_short_series_are_kept_as_they_are() -> None:
    curve = reduce("a", [3, 4, 5], [1.0, 2.0, 3.0])
    assert curve.x == (3.0, 4.0, 5.0)
    assert curve.low == curve.mid == curve.high == (1.0, 2.0, 3.0)
    assert curve.points_per_bucket == 1


def test_non_finite_values_are_listed_and_leave_holes() -> None:
    curve = reduce("a", range(6), [1.0, np.nan, 3.0, np.inf, np.nan, np.nan], buckets=3)
    assert curve.nonfinite == (1.0, 3.0, 4.0, 5.0)
    assert curve.mid == (1.0, 3.0, None)


def test_nothing_finite_and_nothing_at_all() -> None:
    assert reduce("a", [0], [np.nan]).mid == (None,)
    assert reduce("a", [], []).x == ()


def test_many_non_finite_values_are_thinned_from_end_to_end() -> None:
    curve = reduce("a", range(50_000), np.full(50_000, np.nan))
    assert len(curve.nonfinite) == 1000
    assert (curve.nonfinite[0], curve.nonfinite[-1]) == (0.0, 49_999.0)


def test_buckets_with_holes_are_reduced_like_full_ones() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=10_000)
    values[rng.random(10_000) < 0.3] = np.nan
    curve = reduce("a", np.arange(10_000), values, buckets=97)
    per = int(curve.points_per_bucket)
    for i, (low, mid, high) in enumerate(zip(curve.low, curve.mid, curve.high, strict=True)):
        part = values[i * per : (i + 1) * per]
        expected = (np.nanmin(part), np.nanmedian(part), np.nanmax(part))
        np.testing.assert_allclose((low, mid, high), expected, rtol=1e-5)


def test_shapes_that_differ_are_an_error() -> None:
    with pytest.raises(ValueError, match="both must be"):
        reduce("a", [1, 2], [1.0])
    with pytest.raises(ValueError, match="at least 1"):
        reduce("a", [1], [1.0], buckets=0)


def test_six_digits_are_those_of_the_text() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [
            10.0 ** rng.uniform(-25, 25, 5000) * rng.choice([-1.0, 1.0], 5000),
            rng.integers(0, 10**9, 5000).astype(float),
            np.float64(np.float32(rng.lognormal(size=5000))),
            [0.0, -0.0, 999999.5, 9999995.0, 0.1234565, 123456.5, 2.5e-6, 5e-324, 1e300],
        ]
    )
    assert six_digits(values).tolist() == [float(f"{v:.6g}") for v in values.tolist()]
    assert np.isnan(six_digits(np.array([np.nan, np.inf]))).all()
