from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from trainwatch.runs import Run
from trainwatch.runs.patience import RULES, best_epoch, last_start, replay


def log(fitness: list[float | None], patience: object = 3, epoch: list[int] | None = None) -> Run:
    epochs = pa.table({
        "epoch": pa.array(epoch if epoch is not None else range(len(fitness)), pa.int64()),
        "fitness": pa.array(fitness, pa.float64()),
    })  # fmt: skip
    return Run("x", "ultralytics-csv", epochs=epochs, meta={"args": {"patience": patience, "epochs": 100}})


def test_the_replay_equals_the_installed_early_stopping() -> None:
    torch_utils = pytest.importorskip("ultralytics.utils.torch_utils")
    rng = np.random.default_rng(0)
    for seed in range(50):
        fitness = rng.integers(0, 6, 40) / 10  # many ties and zeros
        if seed % 5 == 0:
            fitness[rng.integers(0, 40)] = np.nan
        stopper = torch_utils.EarlyStopping(patience=1000)
        for epoch, value in enumerate(fitness):
            stopper(epoch + 1, value)
        assert best_epoch(np.arange(40), fitness) == stopper.best_epoch - 1


def test_of_equal_epochs_the_rule_decides() -> None:
    fitness = np.array([0.1, 0.4, 0.2, 0.4, 0.3])
    assert [best_epoch(np.arange(5), fitness, rule) for rule in RULES] == [1, 3]


def test_a_stop_exactly_patience_after_the_best() -> None:
    state = replay(log([0.1, 0.5, 0.4, 0.3, 0.4]))
    assert state is not None
    assert (state.stopped, state.best_epoch, state.last_epoch, state.best_fitness) == (True, 1, 4, 0.5)


@pytest.mark.parametrize("fitness", [[0.1, 0.5, 0.4, 0.3], [0.1, 0.5, 0.4, 0.3, 0.2, 0.2], [0.1, 0.2, 0.3, 0.4, 0.5]])
def test_no_stop_earlier_or_later(fitness: list[float | None]) -> None:
    state = replay(log(fitness))
    assert state is not None
    assert not state.stopped


def test_both_versions_of_the_rule_for_equals_are_tried() -> None:
    for fitness in ([0.5, 0.5, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1, 0.1]):
        state = replay(log(list(fitness)))
        assert state is not None
        assert state.stopped


def test_near_ties_within_the_rounding_of_the_log_count_as_equal() -> None:
    state = replay(log([0.50000, 0.500009, 0.1, 0.1]))
    assert state is not None
    assert state.stopped
    assert state.best_epoch == 0


def test_zero_fitness_never_uses_patience_up() -> None:
    state = replay(log([0.0] * 4))
    assert state is not None
    assert not state.stopped


def test_epochs_without_validation_do_nothing() -> None:
    state = replay(log([0.5, None, None, None]))
    assert state is not None
    assert not state.stopped
    assert replay(log([None] * 4)) is None


def test_only_the_last_start_of_a_file_counts() -> None:
    run = log([0.9, 0.8, 0.5, 0.4, 0.4, 0.4], epoch=[0, 1, 0, 1, 2, 3])
    assert last_start(run) == slice(2, 6)
    state = replay(run)
    assert state is not None
    assert state.stopped
    assert state.best_epoch == 0


@pytest.mark.parametrize("patience", [None, 0, False, True, "100", float("inf"), -1])
def test_unknown_or_switched_off_patience(patience: object) -> None:
    assert replay(log([0.5, 0.4, 0.3, 0.2], patience)) is None
