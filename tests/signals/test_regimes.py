from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.signals.regimes import change_epochs, near_change


def test_close_mosaic_from_arguments_and_from_events() -> None:
    run = make_run(epochs={"x": np.ones(30)}, args={"close_mosaic": 10, "epochs": 30}, planned_epochs=30)
    assert change_epochs(run) == [20]
    assert np.flatnonzero(near_change(run, run.epoch_series("x"))).tolist() == [18, 19, 20, 21, 22]
    event = {"kind": "mosaic_closed", "epoch": 25}
    assert change_epochs(make_run(epochs={"x": np.ones(30)}, events=[event], args={"close_mosaic": 0})) == [25]


def test_without_either_there_is_none() -> None:
    run = make_run(epochs={"x": np.ones(5)}, args={"close_mosaic": True, "epochs": 5}, planned_epochs=5)
    assert change_epochs(run) == []
    assert not near_change(run, run.epoch_series("x")).any()
