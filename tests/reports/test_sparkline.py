from __future__ import annotations

import numpy as np
import pytest

from trainwatch.reports.sparkline import sparkline, summary
from trainwatch.result import Curve
from trainwatch.signals.envelope import reduce


def test_a_spike_of_one_step_in_100000_is_visible() -> None:
    values = np.random.default_rng(0).normal(1.0, 0.05, 100_000)
    values[61_234] = 87.0
    drawn = sparkline(reduce("loss", np.arange(100_000), values, 300), 40)
    assert drawn.count("█") == 1
    assert 22 <= drawn.index("█") <= 26
    assert summary(reduce("loss", np.arange(100_000), values, 300))[3] == 87.0  # type: ignore[index]


def test_a_dip_is_visible_too() -> None:
    values = np.full(1000, 5.0)
    values[500] = -3.0
    drawn = sparkline(reduce("x", np.arange(1000), values, 300), 40)
    assert drawn.count("▁") == 1
    assert drawn.count("█") == len(drawn) - 1


def test_a_rise_rises() -> None:
    assert sparkline(reduce("x", np.arange(8), np.arange(8.0)), 8) == "▁▂▃▄▅▆▇█"
    assert sparkline(reduce("x", np.arange(8), 10.0 ** np.arange(8)), 8, log=True) == "▁▂▃▄▅▆▇█"


def test_what_is_no_number_is_marked() -> None:
    values = np.ones(100)
    values[50] = np.nan
    drawn = sparkline(reduce("x", np.arange(100), values), 20)
    assert drawn.count("×") == 1
    assert drawn[10] == "×"


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 5, [0.0] * 9, [1e308, -1e308], [5e-324, 1.0]])
@pytest.mark.parametrize("log", [True, False])
def test_odd_curves(values: list[float], log: bool) -> None:
    drawn = sparkline(reduce("x", np.arange(len(values)), values), 10, log=log)
    assert len(drawn) <= 10


def test_width_is_an_upper_bound() -> None:
    for n in (1, 7, 39, 40, 41, 299):
        assert len(sparkline(reduce("x", np.arange(n), np.arange(n) * 1.0), 40)) <= 40
    assert sparkline(Curve("x", (), (), (), (), 1.0), 10) == ""
