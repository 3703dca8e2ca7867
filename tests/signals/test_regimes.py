from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.signals.regimes import change_epochs, closing_epoch, longest_regime, near_change, regime_of, warmup_end


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


def test_regimes_are_numbered_and_the_longest_is_found() -> None:
    run = make_run(
        epochs={"x": np.ones(30)}, events=[{"kind": "lr_restart", "epoch": 5}, {"kind": "mosaic_closed", "epoch": 25}]
    )
    epoch = np.arange(30)
    assert regime_of(run, epoch)[[0, 4, 5, 24, 25, 29]].tolist() == [0, 0, 1, 1, 2, 2]
    assert np.flatnonzero(longest_regime(run, epoch)).tolist() == list(range(5, 25))
    assert longest_regime(run, epoch[:0]).tolist() == []
    assert longest_regime(make_run(), epoch).all()


def test_closing_epoch_prefers_the_event() -> None:
    args = {"close_mosaic": 10}
    assert closing_epoch(make_run(planned_epochs=30, args=args)) == 20
    assert closing_epoch(make_run(planned_epochs=30, args=args, events=[{"kind": "mosaic_closed", "epoch": 12}])) == 12
    assert closing_epoch(make_run(planned_epochs=8, args=args)) is None
    assert closing_epoch(make_run()) is None


def warm(*rates: np.ndarray, **meta: object) -> int:
    run = make_run(epochs={f"lr/pg{i}": r for i, r in enumerate(rates)}, **meta)
    return warmup_end(run, [run.epoch_series(f"lr/pg{i}") for i in range(len(rates))])


def test_warm_up_ends_where_the_smallest_rate_has_risen() -> None:
    rising = np.r_[np.linspace(1e-4, 0.01, 21), np.linspace(0.01, 0.001, 80)]
    bias = np.r_[np.linspace(0.1, 0.01, 21), np.linspace(0.01, 0.001, 80)]
    assert warm(bias, rising, planned_epochs=101) == pytest.approx(18, abs=1)
    assert warm(bias, planned_epochs=101) == 0
    assert warm(rising[:10], planned_epochs=300) == 9, "not over yet"
    restart = np.r_[rising, np.full(20, 0.05)]
    assert warm(restart, planned_epochs=300) == pytest.approx(18, abs=1), "a later restart is no warm-up"


def test_warm_up_as_asked_for_where_the_rate_does_not_tell() -> None:
    args = {"warmup_epochs": 3.0}
    assert warm(args=args) == 3
    assert warm(np.linspace(0.01, 0.001, 50), args=args) == 3
    assert warm(np.full(50, np.nan), args=args) == 3
    one_cycle = np.r_[np.linspace(1e-4, 0.01, 70), np.linspace(0.01, 0, 30)]
    assert warm(one_cycle, args=args, planned_epochs=100) == 3
    assert warm(args={"warmup_epochs": True}) == 0
