from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.signals.rate_jump import rate_jump


def rate(values: object) -> object:
    return make_run({"lr/pg0": values}).step_series("lr/pg0")


def test_a_jump_before_the_step_is_told() -> None:
    found = rate_jump(rate(np.where(np.arange(100) < 60, 0.05, 50.0)), 62)
    assert found == (60, 0.05, 50.0)
    assert "from 0.05 to 50 at step 60" in found.sentence()


def test_neither_a_warm_up_nor_a_schedule_nor_a_jump_long_ago_is_one() -> None:
    assert rate_jump(rate(np.geomspace(1e-5, 1e-2, 100)), 62) is None
    assert rate_jump(rate(np.linspace(0.1, 0.01, 100)), 62) is None
    assert rate_jump(rate(np.where(np.arange(300) < 60, 0.05, 50.0)), 200) is None
    assert rate_jump(rate(np.where(np.arange(100) < 60, 0.05, 50.0)), 59) is None
