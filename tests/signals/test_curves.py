from __future__ import annotations

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.runs import Series
from trainwatch.signals.curves import (
    Score,
    best_level,
    level_error,
    longest_run,
    noise,
    nonfinite,
    passed_dips,
    repeats,
    running_median,
    trailing_count,
    unsettled,
    worst_nonfinite,
)

NAN = np.nan


def series(values: list[float], name: str = "x") -> Series:
    return make_run(epochs={name: np.array(values, float)}).epoch_series(name)


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_that_of_the_values_whatever_the_trend_and_outliers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.linspace(0, 30, 400) + rng.normal(0, 0.5, 400)
    assert noise(y) == pytest.approx(0.5, rel=0.2)
    y[::40] += 100
    assert noise(y) == pytest.approx(0.5, rel=0.35)


def test_noise_survives_exact_repeats_gaps_and_shortness() -> None:
    y = np.random.default_rng(0).normal(0, 0.5, 800)
    y[1::2] = y[::2]
    assert noise(y) > 0.1
    assert noise([1.0, NAN, 1.0, NAN]) == 0.0
    assert noise([]) == 0.0


def test_the_error_of_a_level_falls_with_the_root_of_the_count() -> None:
    assert level_error(1.0, 25) == pytest.approx(0.25)
    assert level_error(1.0, 0) == 1.25


def test_a_lucky_epoch_is_no_level() -> None:
    y = np.full(50, 0.5)
    y[20] = 0.9
    assert best_level(y, 6) == 0.5
    assert best_level(y[:3], 6) == 0.5
    assert running_median(y, 5)[20] == 0.5


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3], None),
        ([NAN, 2, 3], (0, 0, 1, 0, False)),
        ([1, np.inf, 3, np.inf], (1, 3, 2, 1, True)),
        ([1, 2, 3, NAN], (3, 3, 1, 1, False)),
        ([1, 2, NAN, NAN], (2, 3, 2, 2, True)),
        ([NAN, NAN, NAN], (0, 2, 3, 3, True)),
        ([NAN, 1, 1, 1, 1, 1, NAN], (0, 6, 2, 1, False)),
    ],
)
def test_lasting_and_passing_nonfinite_values(values: list[float], expected: tuple | None) -> None:
    found = nonfinite(values)
    assert expected == (found and (found.first, found.last, found.count, found.trailing, found.persistent))


def test_of_several_series_the_one_that_lasts_counts() -> None:
    early, lasting = series([NAN, 1, 1, 1], "a"), series([1, 1, NAN, NAN], "b")
    assert worst_nonfinite([early, lasting])[0].name == "b"
    assert worst_nonfinite([series([1.0])]) is None


def test_rows_that_repeat() -> None:
    a, b = series([1, 1, 1, 2, 2]), series([NAN, NAN, 3, 3, 3])
    assert repeats([a, b]).tolist() == [False, True, False, False, True]
    assert repeats([]).tolist() == []
    assert trailing_count(np.array([True, False, True, True])) == 2
    assert trailing_count(np.array([True, True])) == 2
    assert longest_run(np.array([True, False, True, True, False])) == 2
    assert longest_run(np.zeros(3, bool)) == 0


def test_dips_that_pass_and_one_that_does_not() -> None:
    y = np.full(60, 0.5)
    y[20:23] = 0.1
    y[50:] = 0.1
    (dip,) = passed_dips(y, 0.4, 7, 0.9, 10)
    assert (dip.first, dip.last, dip.level) == (20, 22, 0.5)
    assert dip.depth == pytest.approx(0.8)
    assert passed_dips(y, 0.4, 7, 0.9, 2) == []
    assert not unsettled([dip] * 3, 60)
    assert unsettled([dip] * 3, 40)
    assert not unsettled([dip] * 2, 40)


def test_what_a_score_knows_of_itself() -> None:
    low, high = Score(series([0.001, 0.004]), 1), Score(series([0.5, 0.98]), 1)
    assert not Score(series([0.0, 0.0, 0.02, 0.0]), 1).learnt, "a lucky epoch"
    assert (low.learnt, high.learnt) == (False, True)
    assert (low.at_ceiling, high.at_ceiling) == (False, True)
    assert not Score(series([0.98, 1.5]), 1, full=2.0).at_ceiling
    assert Score(series([1.0, 1.97]), 1, full=2.0).at_ceiling
    loss = Score(series([3.0, 2.0]), -1)
    assert loss.is_loss
    assert loss.learnt
    assert not loss.at_ceiling
    assert loss.up.tolist() == [-3.0, -2.0]
    assert loss.smallest_step(2.0) == pytest.approx(0.01)
    assert high.smallest_step(0.5) == pytest.approx(0.005)
    assert high.smallest_step(0.05) == pytest.approx(0.002)
