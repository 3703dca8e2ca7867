from __future__ import annotations

import warnings

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log
from synthetic import make_run

from trainwatch.detectors.no_learning import NoLearning
from trainwatch.detectors.plateau import Plateau


def dead(n: int, score: float = 0.0, **more: object) -> object:
    columns = curves(n)
    columns[SCORE] = np.random.default_rng(0).uniform(0, 1, n) * score
    return epoch_log(columns, **more)


@pytest.mark.parametrize("score", [0.0, 0.002])
def test_long_enough_is_critical_and_no_plateau(score: float) -> None:
    (finding,) = NoLearning().detect(dead(60, score, planned=300))
    assert finding.severity == "critical"
    assert finding.measured.value <= score
    assert Plateau().detect(dead(60, score, planned=300)) == []


@pytest.mark.parametrize(
    ("epochs", "planned", "severity"),
    [
        (5, 300, "info"),
        (10, 100, "info"),
        (20, 100, "warning"),
        (29, 300, "info"),
        (31, 300, "warning"),
        (46, 300, "critical"),
        (31, 100, "critical"),
        (12, 12, "critical"),
        (6, 6, "warning"),
    ],
)
def test_how_sure_it_is_grows_with_the_epochs(epochs: int, planned: int, severity: str) -> None:
    (finding,) = NoLearning().detect(dead(epochs, planned=planned))
    assert finding.severity == severity
    assert finding.detail["too_early"] == (severity == "info")


def test_a_loss_that_is_nan_hinders_nothing() -> None:
    columns = curves(40)
    columns[SCORE][:] = 0.0
    for name in columns:
        if name.startswith(("train/", "val/")):
            columns[name][:] = np.nan
    (finding,) = NoLearning().detect(epoch_log(columns))
    assert "not a number" in finding.summary


def test_few_recorded_steps_are_too_early_however_many_epochs() -> None:
    epochs = {**curves(40), SCORE: np.zeros(40)}
    run = make_run({"loss": np.ones(80)}, epochs, steps_per_epoch=2, planned_epochs=300)
    assert NoLearning().detect(run)[0].severity == "info"


def test_losses_that_never_move_where_there_is_no_metric() -> None:
    rng = np.random.default_rng(1)
    flat = {k: 0.693 * (1 + rng.normal(0, 0.002, 60)) for k in ("train/loss", "val/loss")}
    (finding,) = NoLearning().detect(make_run(epochs=flat))
    assert finding.severity == "warning"
    falling = {**flat, "train/loss": np.linspace(0.7, 0.5, 60)}
    assert NoLearning().detect(make_run(epochs=falling)) == []


def test_a_late_start_and_a_healthy_run_are_quiet() -> None:
    columns = curves(26)
    columns[SCORE] = np.r_[np.zeros(20), np.geomspace(1e-5, 0.004, 6)]
    assert NoLearning().detect(epoch_log(columns, planned=300)) == [], "it has begun to learn"
    assert NoLearning().detect(epoch_log(curves())) == []
    assert NoLearning().detect(dead(4)) == [], "too short"


def at_chance(n: int = 40, rise: float = 0.0, fall: float = 0.0, seed: int = 0) -> object:
    rng = np.random.default_rng(seed)
    t = np.arange(n) / n
    return make_run(
        epochs={
            "train/loss": 1.6 * (1 - fall * t) * (1 + rng.normal(0, 0.01, n)),
            "val/loss": 1.61 + rng.normal(0, 0.01, n),
            "metrics/accuracy_top1": 0.25 + rise * t + rng.normal(0, 0.02, n),
        }
    )


@pytest.mark.parametrize("seed", range(10))
def test_an_accuracy_at_chance_is_no_learning(seed: int) -> None:
    (finding,) = NoLearning().detect(at_chance(seed=seed))
    assert finding.severity == "warning"
    assert finding.onset.epoch == 0
    assert NoLearning().detect(at_chance(rise=0.3, seed=seed)) == []
    assert NoLearning().detect(at_chance(fall=0.4, seed=seed)) == [], "it learns something, if only by memorising"
    assert NoLearning().detect(at_chance(12, seed=seed)) == [], "too early"


@pytest.mark.parametrize(
    ("best", "planned", "told"),
    [(0.008, 40, True), (0.03, 40, False), (0.008, 400, False), (0.008, 20, False)],
    ids=["a whole plan", "enough", "cut short", "a short plan"],
)
def test_a_whole_plan_that_gave_next_to_nothing(best: float, planned: int, told: bool) -> None:
    done = min(planned, 40)
    rise = np.r_[np.zeros(done - 8), np.linspace(0.001, best, 8)]
    run = epoch_log({"metrics/mAP50-95(B)": rise, "train/box_loss": np.linspace(3, 2, done)}, planned=planned)
    found = [f for f in NoLearning().detect(run) if f.title.startswith("Hardly")]
    assert bool(found) is told
    assert all(f.severity == "warning" for f in found)


def guessing(gain: float, val: float = 0.0, part: float = 0.0, seed: int = 0) -> object:
    """An accuracy that rises clearly by ``gain``; the validation loss falls by the share ``val``, a second one by ``part``."""
    rng, t = np.random.default_rng(seed), np.arange(40) / 40
    return make_run(
        epochs={
            "train/cls_loss": 1.6 * (1 - 0.01 * t) * (1 + rng.normal(0, 0.004, 40)),
            "val/cls_loss": 1.6 * (1 - val * t) * (1 + rng.normal(0, 0.002, 40)),
            "val/box_loss": 0.2 * (1 - part * t) * (1 + rng.normal(0, 0.002, 40)),
            "metrics/accuracy_top1": 0.22 + gain * np.minimum(3 * t, 1) + rng.normal(0, 0.004, 40),
        }
    )


@pytest.mark.parametrize("seed", range(5))
def test_guessing_the_most_frequent_class_is_nothing_learnt(seed: int) -> None:
    (finding,) = NoLearning().detect(guessing(0.05, seed=seed))
    assert "the validation loss lies where it began" in finding.summary
    assert NoLearning().detect(guessing(0.2, seed=seed)) == [], "more than guessing gains"
    assert NoLearning().detect(guessing(0.05, val=0.06, seed=seed)) == []


@pytest.mark.parametrize("seed", range(5))
def test_one_loss_that_falls_proves_that_something_is_learnt(seed: int) -> None:
    assert NoLearning().detect(guessing(0.0, seed=seed))
    assert NoLearning().detect(guessing(0.0, part=0.3, seed=seed)) == []


def moved(still: int, rate: object = 0.01, n: int = 20) -> object:
    """An update-to-weight ratio at every tenth of 200 steps, of which the last ``still`` are 0."""
    ratio: list[float | None] = [None] * (10 * n)
    ratio[::10] = [1e-3] * (n - still) + [0.0] * still
    return make_run({"update_ratio": ratio, "lr/pg0": rate * np.ones(10 * n)}, {SCORE: np.full(20, 0.4)})


@pytest.mark.parametrize(("still", "onset"), [(20, 0), (6, 140)])
def test_weights_that_no_step_moves_are_told_whatever_the_score_is(still: int, onset: int) -> None:
    (finding,) = NoLearning().detect(moved(still))
    assert finding.severity == "warning"
    assert finding.onset.step == onset
    assert "did not move at all" in finding.summary


def test_weights_that_move_or_a_rate_of_zero_are_quiet() -> None:
    assert NoLearning().detect(moved(4)) == [], "too few to tell"
    assert NoLearning().detect(moved(20, rate=0.0)) == [], "the rate is told"
    warming = moved(20, rate=np.r_[0.0, np.full(199, 0.01)])
    assert NoLearning().detect(warming)[0].onset.step == 0, "before it the rate was 0"
    assert NoLearning().missing(make_run({"update_ratio": np.zeros(5)})) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert NoLearning().detect(moved(20, rate=np.nan)) == [], "it is not known whether the rate was above 0"


def test_a_loss_that_is_one_number_where_nothing_else_is_recorded() -> None:
    (finding,) = NoLearning().detect(make_run({"loss": np.full(600, 0.7)}))
    assert finding.severity == "warning"
    assert NoLearning().detect(make_run({"loss": np.full(400, 0.7)})) == [], "too few steps"
    assert NoLearning().detect(make_run({"loss": np.linspace(0.7, 0.69, 600)})) == []
    assert NoLearning().detect(make_run({"loss": np.full(600, np.inf)})) == [], "nonfinite-loss tells that"
    assert NoLearning().detect(make_run({"loss": np.full(600, 0.7)}, {"val/loss": np.linspace(1, 0.5, 40)})) == []
