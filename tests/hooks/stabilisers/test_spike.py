"""Judging optimizer steps by numbers alone."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from trainwatch.runs import read_run
from trainwatch_hooks.stabilisers._spike import MAD_TO_SIGMA, Judge, Level, Limits, Reading, Recent
from trainwatch_hooks.stabilisers.rescue import Settings

SAMPLES = Path(__file__).parents[3] / "sample_runs"
DEFAULTS = Settings()


def judge() -> Judge:
    s = DEFAULTS
    return Judge(Limits(s.loss_factor, s.norm_factor, s.score, s.history, s.least))


def bad_steps(judge: Judge, losses: np.ndarray, norms: np.ndarray) -> list[tuple[int, str]]:
    found = []
    for step, (loss, norm) in enumerate(zip(losses.tolist(), norms.tolist(), strict=True)):
        reading = Reading(norm, [loss])
        bad = judge.bad(reading)
        if bad is None:
            judge.accept(reading)
        else:
            found.append((step, bad.what))
    return found


@pytest.mark.parametrize("sigma", [0.25, 0.5])
def test_log_normal_noise_of_20000_steps_and_20_seeds_is_never_bad(sigma: float) -> None:
    steps = np.arange(20_000)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        losses = (2 + 6 * np.exp(-steps / 3000)) * rng.lognormal(0, sigma, steps.size)
        norms = (30 + 3000 * np.exp(-steps / 2000)) * rng.lognormal(0, sigma, steps.size)
        assert bad_steps(judge(), losses, norms) == []


@pytest.mark.parametrize("spoilt", [math.nan, math.inf, -math.inf])
def test_non_finite_values_are_bad_and_never_widen_the_limits(spoilt: float) -> None:
    judged = judge()
    rng = np.random.default_rng(0)
    losses, norms = rng.lognormal(1, 0.3, 400), rng.lognormal(3, 0.3, 400)
    losses[50::10], norms[55::10] = spoilt, spoilt
    found = dict(bad_steps(judged, losses, norms))
    assert set(found) == {*range(50, 400, 10), *range(55, 400, 10)}
    assert {found[50], found[55]} == {"non-finite loss", "non-finite gradient"}
    clean = judge()
    good = np.isfinite(losses) & np.isfinite(norms)
    bad_steps(clean, losses[good], norms[good])
    assert judged.loss.limit(8, 6) == clean.loss.limit(8, 6)


def test_nan_given_as_accepted_is_left_out() -> None:
    level = Level(history=10, least=2)
    for value in (1.0, math.nan, 2.0, math.inf, 0.0, -3.0, 4.0):
        level.add(value)
    assert level.values() == pytest.approx([0.0, math.log10(2), math.log10(4)])


def test_the_rolling_median_and_mad_are_those_of_the_last_values() -> None:
    rng = np.random.default_rng(3)
    level = Level(history=31, least=2)
    values = rng.lognormal(0, 1, 500).tolist()
    for i, value in enumerate(values, 1):
        level.add(value)
        if i >= 2:
            logs = [math.log10(v) for v in values[max(0, i - 31) : i]]
            middle = statistics.median(logs)
            spread = statistics.median(abs(v - middle) for v in logs) * MAD_TO_SIGMA
            assert level.limit(3.0, 6.0) == pytest.approx(10 ** (middle + max(math.log10(3), 6 * spread)))


def test_an_exploding_loss_and_gradient_are_bad_from_their_first_step() -> None:
    rng = np.random.default_rng(1)
    losses, norms = rng.lognormal(1, 0.2, 120), rng.lognormal(3, 0.2, 120)
    losses[100:] *= 40
    assert bad_steps(judge(), losses, norms) == [(i, "exploding loss") for i in range(100, 120)]
    losses[100:] /= 40
    norms[100:] *= 1e5
    assert bad_steps(judge(), losses, norms) == [(i, "exploding gradient") for i in range(100, 120)]


def test_a_large_gradient_alone_is_left_to_the_clip() -> None:
    norms = np.full(100, 10.0)
    norms[60] = 5000.0
    assert bad_steps(judge(), np.ones(100), norms) == []


def test_nothing_explodes_before_there_is_a_level() -> None:
    losses = np.full(DEFAULTS.least, 1.0)
    losses[-1] = 1e6
    assert bad_steps(judge(), losses, np.ones_like(losses)) == []


def test_the_cause_is_named_not_its_consequence() -> None:
    bad = judge().bad(Reading(math.nan, [1.0, math.inf], math.nan))
    assert bad is not None
    assert (bad.what, bad.measured, bad.threshold, bad.exploding) == ("non-finite loss", math.inf, None, False)
    bad = judge().bad(Reading(math.nan, [1.0, 2.0], math.inf))
    assert bad is not None
    assert bad.what == "non-finite statistics"


def test_one_bad_micro_batch_spoils_the_step() -> None:
    bad = judge().bad(Reading(1.0, [1.0, math.nan, 1.0]))
    assert bad is not None
    assert bad.what == "non-finite loss"


def test_an_exploding_step_carries_its_limit() -> None:
    judged = judge()
    for _ in range(30):
        judged.accept(Reading(10.0, [2.0]))
    bad = judged.bad(Reading(10.0, [17.0]))
    assert bad is not None
    assert (bad.measured, bad.threshold, bad.exploding) == (17.0, pytest.approx(16.0), True)
    judged.forget()
    assert judged.bad(Reading(10.0, [17.0])) is None


def test_levels_survive_a_checkpoint() -> None:
    level, again = Level(50, 5), Level(50, 5)
    for value in np.random.default_rng(0).lognormal(0, 1, 80).tolist():
        level.add(value)
    again.restore(level.values())
    assert again.limit(8, 6) == pytest.approx(level.limit(8, 6))


def test_bad_steps_are_counted_within_the_window() -> None:
    recent = Recent(window=5)
    assert [recent.add(bad) for bad in (True, False, True, False, True, False, False)] == [1, 1, 2, 2, 3, 2, 2]
    recent.clear()
    assert recent.add(True) == 1


@pytest.mark.parametrize("name", ["healthy", "plateau", "host_memory_creep"])
def test_recorded_trainings_without_a_numerical_fault_are_left_alone(name: str) -> None:
    steps = read_run(SAMPLES / name).steps
    losses = sum(steps[f"loss/{c}"] / steps[f"gain/{c}"] for c in ("box_loss", "cls_loss", "dfl_loss"))
    assert len(steps) > 150
    assert bad_steps(judge(), losses.to_numpy(), (steps["grad_norm"] / 16).to_numpy()) == []
