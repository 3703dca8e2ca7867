from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pytest

from trainwatch.signals.grouped import by_epoch


@pytest.mark.parametrize("how", ["median", "min", "max", "last"])
@pytest.mark.parametrize(("n", "epochs", "ordered"), [(1, 1, True), (50, 40, True), (50, 40, False), (5000, 7, True)])
@pytest.mark.parametrize("holes", [0.0, 0.4])
def test_as_pandas_does(
    how: Literal["median", "min", "max", "last"], n: int, epochs: int, ordered: bool, holes: float
) -> None:
    rng = np.random.default_rng(n)
    epoch = rng.integers(0, epochs, n)
    epoch = np.sort(epoch) if ordered else epoch
    values = rng.normal(size=n)
    values[rng.random(n) < holes] = np.nan
    grouped = pd.Series(values).groupby(epoch)
    expected = grouped.last(skipna=False) if how == "last" else grouped.agg(how)
    found, reduced = by_epoch(epoch, values, how)
    assert found.tolist() == expected.index.tolist()
    assert np.array_equal(reduced, expected.to_numpy(), equal_nan=True)


def test_nothing() -> None:
    assert [len(a) for a in by_epoch(np.empty(0, np.int64), np.empty(0), "median")] == [0, 0]
