from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.errors import TrainwatchError
from trainwatch.exporters._tags import epoch_rows, parameters, rows, step_rows


def test_epochs_stand_at_their_last_step() -> None:
    run = make_run({"loss": np.ones(20), "time_s": 1e9 + np.arange(20)}, {"fitness": [0.1, 0.2]}, steps_per_epoch=10)
    found = list(rows(run))
    assert [r.at for r in found] == list(range(20))
    assert found[9].values["fitness"] == 0.1
    assert found[19].values["epoch/number"] == 1.0
    assert found[3].values["step/loss"] == 1.0
    assert found[3].time_s == 1e9 + 3
    assert "step/time_s" not in found[3].values
    assert [r.at for r in epoch_rows(run, by_step=False)] == [1, 2]


def test_what_was_not_measured_is_no_value() -> None:
    run = make_run({"loss": [1.0, None, math.nan]})
    found = [r.values.get("step/loss") for r in step_rows(run)]
    assert found[:2] == [1.0, None]
    assert math.isnan(found[2])  # type: ignore[arg-type]


def test_epochs_without_steps_keep_their_order() -> None:
    run = make_run({"loss": np.ones(10)}, {"fitness": [0.1, 0.2, 0.3]}, steps_per_epoch=10)
    assert [r.values["fitness"] for r in rows(run) if "fitness" in r.values] == [0.1, 0.2, 0.3]


def test_an_empty_run_is_refused() -> None:
    with pytest.raises(TrainwatchError):
        list(rows(make_run()))


def test_parameters_are_plain() -> None:
    assert parameters(make_run(args={"a": 1, "b": [1, 2], "c": None})) == {"a": 1, "b": "[1, 2]"}
