from __future__ import annotations

import math

from trainwatch.importers._exported import EPOCH_MARK, exported_tables


def test_strangers_are_left_to_the_others() -> None:
    assert exported_tables({"train/loss": {0: 1.0}, "epoch": {0: 0.0}}) is None
    assert exported_tables({"step/loss": {0: 1.0}}) is None
    assert exported_tables({}) is None


def test_steps_and_epochs_are_told_apart() -> None:
    made = exported_tables(
        {
            EPOCH_MARK: {1: 0.0, 3: 1.0},
            "fitness": {1: 0.1, 3: 0.2},
            "val/loss": {3: math.inf},
            "step/epoch": {0: 0.0, 1: 0.0, 2: 1.0, 3: 1.0},
            "step/attempt": {0: 0.0, 1: 0.0, 2: 2.0, 3: 2.0},
            "step/loss": {0: 1.0, 1: math.nan, 3: 4.0},
            "step/batch_size": {0: 16.0},
        }
    )
    assert made is not None
    assert made.steps is not None
    assert made.epochs is not None
    steps, epochs = made.steps.to_pydict(), made.epochs.to_pydict()
    assert steps["step"] == [0, 1, 2, 3]
    assert steps["attempt"] == [0, 0, 2, 2]
    assert steps["loss"][2] is None, "not measured"
    assert math.isnan(steps["loss"][1]), "measured, and no number"
    assert steps["batch_size"] == [16, None, None, None]
    assert epochs["epoch"] == [0, 1]
    assert epochs["fitness"] == [0.1, 0.2]
    assert epochs["val/loss"] == [None, math.inf]


def test_damage_is_borne() -> None:
    made = exported_tables(
        {EPOCH_MARK: {0: math.nan, 1: -3.0, 2: 0.0}, "step/epoch": {0: math.nan}, "step/attempt": {0: 0.0}}
    )
    assert made is not None
    assert made.epochs is not None
    assert made.epochs.num_rows == 1
