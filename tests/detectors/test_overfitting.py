from __future__ import annotations

import numpy as np
import pytest
from epoch_logs import SCORE, curves, epoch_log
from synthetic import make_run

from trainwatch.detectors.overfitting import Overfitting


def overfitted(n: int = 100, turn: int = 40, rise: float = 0.2, score: float = 0.0, seed: int = 0) -> dict:
    """Validation losses rise from ``turn`` on; the score changes by ``score`` to the end."""
    columns = curves(n, seed, speed=10)
    ramp = np.clip((np.arange(n) - turn) / (n - turn), 0, None)
    for name in columns:
        if name.startswith("val/"):
            columns[name] = columns[name] * (1 + rise * ramp)
    columns[SCORE] = columns[SCORE] * (1 + score * ramp)
    return columns


@pytest.mark.parametrize("seed", range(5))
def test_validation_rises_while_training_falls(seed: int) -> None:
    (finding,) = Overfitting().detect(epoch_log(overfitted(seed=seed, score=-0.05)))
    assert finding.severity == "warning"
    assert 30 <= finding.onset.epoch <= 50
    assert 0.08 < finding.measured.value < 0.25
    assert finding.series.startswith("val/")


def test_a_small_rise_under_a_score_that_holds_is_information() -> None:
    (finding,) = Overfitting().detect(epoch_log(overfitted(rise=0.07)))
    assert finding.severity == "info"


def test_of_a_small_rise_the_training_loss_has_to_move_clearly() -> None:
    columns = overfitted(rise=0.07)
    for name in columns:
        if name.startswith("train/"):
            columns[name][40:] = columns[name][40] * np.linspace(1, 0.9, 60)
    assert Overfitting().detect(epoch_log(columns)) == []
    for name in columns:
        if name.startswith("train/"):
            columns[name][40:] = columns[name][40] * np.linspace(1, 0.6, 60)
    assert Overfitting().detect(epoch_log(columns))


def test_a_score_that_goes_on_rising_makes_up_for_it() -> None:
    assert Overfitting().detect(epoch_log(overfitted(score=0.2))) == []


def test_losses_alone_are_enough() -> None:
    columns = {k: v for k, v in overfitted().items() if k.startswith(("train/", "val/"))}
    (finding,) = Overfitting().detect(make_run(epochs=columns))
    assert finding.severity == "warning"


def test_other_names_on_either_side_are_compared_by_their_totals() -> None:
    columns = overfitted()
    run = make_run(epochs={"train/loss": columns["train/box_loss"], "val/eval_g0_loss": columns["val/box_loss"]})
    (finding,) = Overfitting().detect(run)
    assert "The validation loss (total) has" in finding.summary


def test_a_training_loss_per_step_is_enough() -> None:
    columns = overfitted()
    run = make_run({"loss": np.repeat(columns["train/box_loss"], 10)}, {"val/loss": columns["val/box_loss"]})
    assert Overfitting().missing(run) is None
    assert Overfitting().detect(run)
    assert Overfitting().missing(make_run(epochs={"val/loss": np.ones(3)})) is not None


@pytest.mark.parametrize("seed", range(10))
def test_flat_and_noisy_validation_is_quiet(seed: int) -> None:
    assert Overfitting().detect(epoch_log(curves(150, seed, noise=0.03))) == []


def test_both_rising_is_no_overfitting() -> None:
    columns = overfitted()
    for name in columns:
        if name.startswith("train/"):
            columns[name] = columns[name] * np.r_[np.ones(40), np.linspace(1, 1.5, 60)]
    assert Overfitting().detect(epoch_log(columns)) == []


def test_the_close_of_mosaic_is_no_overfitting() -> None:
    columns = curves(100)
    for name in columns:
        if name.startswith("val/"):
            columns[name][85:] *= 1.3
        elif name.startswith("train/"):
            columns[name][85:] *= 0.7
    assert Overfitting().detect(epoch_log(columns, args={"close_mosaic": 15})) == []


def test_a_fine_tune_that_warm_up_shakes_is_quiet() -> None:
    columns = curves(60, speed=2)
    for name in columns:
        if name.startswith("val/"):
            columns[name][:2] *= 0.4
    assert Overfitting().detect(epoch_log(columns)) == []


def by_heart(left: float, n: int = 60) -> dict:
    """The training loss falls to ``left`` of the validation loss, which stands still from epoch 10 on."""
    rng = np.random.default_rng(0)
    fall = np.exp(-np.arange(n) / 6)
    val = 0.3 * (1 + 2 * np.exp(-np.arange(n) / 2)) * (1 + rng.normal(0, 0.004, n))
    return {"train/reg_loss": np.maximum(fall, 0.3 * left), "val/reg_loss": val}


def test_a_training_set_known_by_heart_is_told_although_the_validation_loss_only_stands_still() -> None:
    (finding,) = Overfitting().detect(make_run(epochs=by_heart(0.01)))
    assert finding.onset.epoch <= 14
    assert "memorised" in finding.summary
    assert Overfitting().detect(make_run(epochs=by_heart(0.5))) == [], "a usual gap"


def test_known_by_heart_is_told_even_if_the_score_creeps_up() -> None:
    columns = by_heart(0.01)
    columns["metrics/accuracy_top1"] = 0.5 + 0.001 * np.arange(60)
    (finding,) = Overfitting().detect(make_run(epochs=columns))
    assert finding.severity == "info"
    columns["train/reg_loss"] = np.maximum(columns["train/reg_loss"], 0.05)
    assert Overfitting().detect(make_run(epochs=columns)) == [], "not certain, and the score makes up for it"


def test_a_loss_that_never_lay_below_its_beginning_is_dated_there() -> None:
    epochs = np.arange(60)
    noise = np.random.default_rng(0).normal(0, 0.008, (2, 60))
    val = 1.6 - 0.02 * np.exp(-((epochs - 12) ** 2) / 60) + 0.004 * np.maximum(epochs - 12, 0) + noise[0]
    train = 1.6 * np.exp(-epochs / 60) + noise[1]
    (finding,) = Overfitting().detect(make_run(epochs={"train/cls_loss": train, "val/cls_loss": val}))
    assert finding.onset.epoch == 0
    assert "never lay 3 % below where it began" in finding.summary
    (fell,) = Overfitting().detect(make_run(epochs={"train/cls_loss": train, "val/cls_loss": val + np.exp(-epochs)}))
    assert fell.onset.epoch > 5


def test_a_model_that_never_found_anything_does_not_overfit() -> None:
    columns = overfitted()
    columns[SCORE][:] = 0.0
    assert Overfitting().detect(epoch_log(columns)) == []


def carried(end: float = 1.64, fall: float = 0.1, gain: float = 0.03, n: int = 40, seed: int = 0) -> dict:
    """Labels that mean nothing: the training loss falls by ``fall``, the validation loss goes from 1.62 to ``end``."""
    rng, t = np.random.default_rng(seed), np.arange(n) / n
    return {
        "train/cls_loss": 1.6 * (1 - fall * t) + rng.normal(0, 0.015, n),
        "val/cls_loss": 1.62 + (end - 1.62) * t + rng.normal(0, 0.004, n),
        "metrics/accuracy_top1": 0.2 + gain * t + rng.normal(0, 0.01, n),
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_training_of_which_nothing_carries_over_is_told(seed: int) -> None:
    (finding,) = Overfitting().detect(make_run(epochs=carried(seed=seed)))
    assert "does not carry over" in finding.summary
    assert finding.onset.epoch == 0
    assert Overfitting().detect(make_run(epochs=carried(gain=0.3, seed=seed))) == [], "the score makes up for it"
    assert Overfitting().detect(make_run(epochs=carried(end=1.5, seed=seed))) == [], "something does carry over"
    assert Overfitting().detect(make_run(epochs=carried(fall=0.02, seed=seed))) == [], (
        "nothing is learnt, which is told"
    )


@pytest.mark.parametrize(("gain", "told"), [(0.03, True), (0.3, False)])
def test_guessing_the_most_frequent_class_makes_up_for_nothing(gain: float, told: bool) -> None:
    columns = carried(end=2.6, fall=0.6, gain=gain)
    assert bool(Overfitting().detect(make_run(epochs=columns))) is told


def test_it_is_dated_where_the_total_turned_if_that_did() -> None:
    epochs = np.arange(60)
    columns = {f"train/{k}": 2 * np.exp(-epochs / 20) for k in ("cls_loss", "reg_loss")}
    columns["val/cls_loss"] = 1 + 0.06 * np.abs(epochs - 10)
    columns["val/reg_loss"] = 1 + np.maximum(0.08 * (14 - epochs), 0.02 * (epochs - 14))
    (finding,) = Overfitting().detect(make_run(epochs=columns))
    assert finding.series == "val/cls_loss", "it rose most"
    assert finding.detail["minimum_epoch"] == 10
    assert finding.onset.epoch == 14, "the model as a whole got better until then"
    columns["val/reg_loss"] = 20 * np.exp(-epochs / 60)
    (finding,) = Overfitting().detect(make_run(epochs=columns))
    assert finding.onset.epoch == 10, "the total has not turned"


def test_a_sharp_minimum_is_dated_to_the_epoch() -> None:
    epochs = np.arange(60)
    val = 1 + np.where(epochs < 5, 0.2 * (5 - epochs), 0.05 * (epochs - 5))
    (finding,) = Overfitting().detect(make_run(epochs={"train/loss": np.exp(-epochs / 10), "val/loss": val}))
    assert finding.onset.epoch == 5
