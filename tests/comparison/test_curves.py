from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.comparison.curves import aligned_panels, axis_of, shared_columns, step_places, summed


def run_of(n: int = 40, per_epoch: int = 10, spike: int | None = None) -> object:
    loss = np.ones(n)
    if spike is not None:
        loss[spike] = 500.0
    epochs = n // per_epoch
    return make_run(
        {"loss": loss, "time_s": 1e9 + 2.0 * np.arange(n)},
        {
            "fitness": np.linspace(0, 1, epochs),
            "val/a": np.ones(epochs),
            "time_s": 1e9 + 20.0 * np.arange(1, epochs + 1),
        },
        steps_per_epoch=per_epoch,
    )


def test_axes() -> None:
    run = run_of()
    assert axis_of(run, "epoch").places([0, 3, 9])[:2].tolist() == [0.0, 3.0]
    assert np.isnan(axis_of(run, "epoch").places([9])[0])
    assert axis_of(run, "step").places([0, 3]).tolist() == [9.0, 39.0]
    assert axis_of(run, "time").places([0, 3]).tolist() == [20.0, 80.0]
    assert axis_of(make_run(epochs={"fitness": [0.1]}), "step") is None
    assert axis_of(make_run(epochs={"fitness": [0.1]}), "time") is None


def test_the_last_step_of_an_epoch_stands_at_the_epoch() -> None:
    run = run_of()
    places = step_places(run, run.step_series("loss"), "epoch")
    assert places[9] == 0.0
    assert places[39] == 3.0
    assert (np.diff(places) > 0).all()
    assert step_places(run, run.step_series("loss"), "time")[-1] == 78.0


@pytest.mark.parametrize("by", ["epoch", "step", "time"])
def test_a_spike_of_one_step_stays_visible(by: str) -> None:
    members = [("A", run_of(10_000, 100), ()), ("B", run_of(10_000, 100, spike=5000), ())]
    panel = next(p for p in aligned_panels(members, by, None) if p.id == "loss")
    assert [max(c.high) for c in panel.curves] == [1.0, 500.0]


def test_only_shared_columns_and_their_sum() -> None:
    a = make_run(epochs={"val/a": [1.0, 2.0], "val/b": [1.0, 1.0]})
    b = make_run(epochs={"val/a": [1.0, 2.0]})
    assert shared_columns([a, b], "val/") == ("val/a",)
    assert summed(a, ("val/a", "val/b")).values.tolist() == [2.0, 3.0]
