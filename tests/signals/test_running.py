from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trainwatch.signals.running import SORTED_VALUES, PastMedian, centred_median, trailing_median


@pytest.mark.parametrize("n", [0, 1, 5, 300, SORTED_VALUES + 5000])
@pytest.mark.parametrize("width", [1, 2, 7, 200, 201])
@pytest.mark.parametrize("holes", [0.0, 1e-4, 0.3])
def test_as_pandas_does_whichever_way_is_taken(n: int, width: int, holes: float) -> None:
    rng = np.random.default_rng(n + width)
    values = rng.normal(size=n)
    values[rng.random(n) < holes] = np.nan
    least = min(8, width)
    trailing = pd.Series(values).rolling(width, min_periods=least).median().to_numpy()
    centred = pd.Series(values).rolling(width, min_periods=1, center=True).median().to_numpy()
    assert np.array_equal(trailing_median(values, width, least), trailing, equal_nan=True)
    assert np.array_equal(centred_median(values, width), centred, equal_nan=True)


def test_some_windows_only() -> None:
    values = np.random.default_rng(0).normal(size=SORTED_VALUES + 1000)
    whole = trailing_median(values, 50, 5)
    for at in (np.array([0, 3, 4, 20_500]), np.arange(0, len(values), 3), np.empty(0, np.int64)):
        assert np.array_equal(trailing_median(values, 50, 5, at), whole[at], equal_nan=True)


def test_infinity_is_no_part_of_a_median() -> None:
    assert trailing_median([1.0, np.inf, 3.0, -np.inf], 4, 1).tolist() == [1.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize("holes", [0.0, 1e-3])
@pytest.mark.parametrize("n", [0, 1, 300, SORTED_VALUES + 5000])
def test_past_medians_are_the_same_asked_one_by_one(n: int, holes: float) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=n)
    values[rng.random(n) < holes] = np.nan
    whole = np.append(np.nan, trailing_median(values, 200, 8))[:n]
    past = PastMedian(values, 200, 8)
    few = np.arange(0, n, 997)
    assert np.array_equal(past.at(few), whole[few], equal_nan=True)
    assert np.array_equal(past.at(few[::-1]), whole[few[::-1]], equal_nan=True), "kept, and in any order"
    assert np.array_equal(past.at(np.arange(n)), whole, equal_nan=True), "many of them: all at once"
    assert np.array_equal(past.whole, whole, equal_nan=True)


@pytest.mark.parametrize("width", [20, 200, 333])
def test_no_value_far_from_its_median_is_ruled_out(width: int) -> None:
    rng = np.random.default_rng(width)
    values = np.cumsum(rng.normal(size=SORTED_VALUES + 777)) / 50 + rng.standard_t(3, SORTED_VALUES + 777)
    values[rng.random(len(values)) < 1e-3] = np.nan
    past = PastMedian(values, width, 8)
    rows = past.beyond(4.0)
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero(values - past.whole >= 4.0)
    assert len(far)
    assert np.isin(far, rows).all()
    if width >= 200:
        assert len(rows) < 0.2 * len(values), "it rules out most"
