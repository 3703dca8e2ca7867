from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from trainwatch.signals.kendall import kendall


@pytest.mark.parametrize("n", [3, 4, 10, 33, 34, 200])
@pytest.mark.parametrize("kind", ["noise", "ties", "rising", "falling", "one pair", "two pairs"])
def test_as_scipy_does(n: int, kind: str) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=n)
    if kind == "ties":
        values = np.round(values)
        values[0] += 1.0
    elif kind != "noise":
        values = np.sort(values)
        values[:2] = values[1::-1] if kind in ("one pair", "two pairs") else values[:2]
        values[-2:] = values[:-3:-1] if kind == "two pairs" and n > 3 else values[-2:]
        values = -values if kind == "falling" else values
    expected = stats.kendalltau(np.arange(n), values)
    sign, p_value = kendall(values)
    assert sign == np.sign(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-300)
