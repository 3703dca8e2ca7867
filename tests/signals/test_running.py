from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trainwatch.signals.running import SORTED_VALUES, centred_median, trailing_median


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
