from __future__ import annotations

import numpy as np
import numpy.typing as npt
from synthetic import make_run

from trainwatch.runs import Series
from trainwatch.signals.update import rise_before


def series(values: npt.ArrayLike, every: int = 10) -> Series:
    column: list[float | None] = []
    for value in np.asarray(values, dtype=float):
        column += [float(value), *[None] * (every - 1)]
    return make_run({"update_ratio": column}).step_series("update_ratio")


def test_a_growth_that_holds_is_dated_to_its_first_measurement() -> None:
    found = rise_before(series([1e-3] * 20 + [2e-3, 4e-3, 8e-3]), 225, 3.0, 50)
    assert found is not None
    assert found.steps == 225 - 210
    assert found.value == 8e-3
    assert round(found.times, 6) == 8
    assert "8 times as far as usual" in found.sentence()


def test_the_update_of_the_very_step_is_no_forerunner() -> None:
    ratio = series([1e-3] * 20 + [1.0])
    assert rise_before(ratio, 200, 3.0, 50) is None
    assert rise_before(ratio, 201, 3.0, 50) is not None


def test_quiet_where_it_returned_stood_or_is_not_known() -> None:
    assert rise_before(series([1e-3] * 20 + [8e-3, 1e-3]), 215, 3.0, 50) is None
    assert rise_before(series([1e-3] * 20), 195, 3.0, 50) is None
    assert rise_before(series([1e-3] * 20 + [8e-3] * 10), 295, 3.0, 400) is None, "no level from before it"
    assert rise_before(series([8e-3] * 3), 25, 3.0, 50) is None
    assert rise_before(series([]), 25, 3.0, 50) is None
    assert rise_before(series([1e-3] * 20 + [np.nan]), 205, 3.0, 50) is None
