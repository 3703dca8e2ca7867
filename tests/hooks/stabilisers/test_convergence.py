"""convergence: the three criteria as pure functions, and a real training that it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Request, SettingsError
from trainwatch_hooks.stabilisers.convergence import Convergence, Settings, Watch, judge, z_score

SOURCE = Settings().scaled_to(600)


def run(scores: Sequence[float], losses: Sequence[float], settings: Settings = SOURCE) -> tuple[int | None, str]:
    """Return the epoch at which it ends (None: never) and why."""
    watch = Watch([], [])
    for epoch, (score, loss) in enumerate(zip(scores, losses, strict=True)):
        watch.scores.append(score)
        watch.losses.append(loss)
        why = judge(watch, settings, epoch)
        if why is not None:
            return epoch, why
    return None, ""


def test_windows_of_the_source_and_of_other_lengths() -> None:
    assert (SOURCE.loss_window, SOURCE.metric_window, SOURCE.countdown, SOURCE.check_every, SOURCE.not_before) == (
        50, 100, 100, 10, 100,
    )  # fmt: skip
    short = Settings(countdown=3).scaled_to(60)
    assert (short.loss_window, short.metric_window, short.countdown, short.check_every) == (5, 10, 3, 1)


def test_a_stagnant_score_starts_a_countdown_of_100() -> None:
    scores = [min(e, 150) / 300 for e in range(600)]
    noisy = np.random.default_rng(0).normal(1.0, 0.1, 600).tolist()
    epoch, why = run(scores, noisy)
    # flat from epoch 150; a window of 100 is flat at 249 (looked at every 10), then 100 epochs of countdown.
    assert epoch == 249 + 100
    assert "less than 0.005 for 100 epochs" in why


def test_a_score_that_moves_again_ends_the_countdown() -> None:
    watch = Watch([], [])
    for epoch in range(150):
        watch.scores.append(0.3)
        watch.losses.append(float(epoch % 7))
        assert judge(watch, SOURCE, epoch) is None
    assert watch.left == 50, "it began with 100 at epoch 99"
    watch.scores.append(0.4)
    watch.losses.append(1.0)
    judge(watch, SOURCE, 150)
    assert watch.left is None


def test_a_flat_loss_with_a_flat_score_ends_sooner() -> None:
    epoch, why = run([0.4] * 600, [1.0 + 1e-4 * (e % 2) for e in range(600)])
    assert epoch == 109
    assert "flat" in why


def test_a_score_of_0_or_a_small_one_that_still_rises_has_not_converged() -> None:
    flat = [1.0] * 600
    assert run([0.0] * 600, flat)[0] is None
    assert run([0.02 + 0.00004 * e for e in range(600)], flat)[0] is None, "20 % in 100 epochs, though only 0.004"
    assert run([0.02 + 0.00004 * e for e in range(600)], flat, replace(SOURCE, metric_share=1.0))[0] is not None


def test_a_flat_loss_alone_does_not_end_it() -> None:
    assert run([e / 600 for e in range(600)], [1.0] * 600)[0] is None


def test_nothing_before_epoch_100_and_nothing_while_it_learns() -> None:
    assert run([0.4] * 99, [1.0] * 99)[0] is None
    assert run([1 - 0.99**e for e in range(250)], [0.99**e for e in range(250)])[0] is None


def test_nonfinite_values_are_never_flat() -> None:
    assert run([float("nan")] * 600, [float("nan")] * 600)[0] is None


def test_event_free_norms_raise_no_alarm_and_an_explosion_does() -> None:
    rng = np.random.default_rng(1)
    notes: list[str] = []
    made = Convergence(Settings())
    made._now = SOURCE
    for i, norm in enumerate(np.exp(rng.normal(8, 0.5, 5000))):
        made._row({"grad_norm": float(norm), "batch_size": 16.0, "accumulate": 1.0, "step": i})
        notes += [made._alarm[0]] if made._alarm else []
        made._alarm = None
    assert notes == []
    made._row({"grad_norm": float(np.exp(8 + 8)), "batch_size": 16.0, "accumulate": 1.0, "step": 5000})
    assert made._alarm is not None
    assert "sigma above" in made._alarm[0]
    assert z_score(3.0, [1.0] * 10) == pytest.approx(40.0)


def test_a_raw_norm_above_1000_is_an_option() -> None:
    made = Convergence(Settings(grad_norm_raw=1000.0))
    made._now = made.settings.scaled_to(600)
    made._row({"grad_norm": 5130.0, "batch_size": 16.0, "accumulate": 1.0})
    assert made._alarm is not None
    assert "above 1000" in made._alarm[0]


def test_patience_is_left_to_the_user() -> None:
    (made,) = parse({"convergence": True})
    assert made.arguments(Request({}, {})) == {"patience": 0}
    assert made.arguments(Request({"patience": 50}, {})) == {}
    with pytest.raises(SettingsError, match="loss_window is 0"):
        parse({"convergence": {"loss_window": 0}})


def test_state_survives_a_checkpoint() -> None:
    made, again = Convergence(Settings()), Convergence(Settings())
    made._watch = Watch([1.0, 2.0], [0.1, 0.2], left=3, level=0.2, flat_looks=1)
    again.restore(made.state())
    assert again._watch == made._watch


@pytest.mark.parametrize("ended_by", [{"left": 0, "flat_looks": 0}, {"left": 3, "flat_looks": 2}])
def test_what_had_ended_the_training_starts_anew(ended_by: dict[str, int]) -> None:
    again = Convergence(Settings())
    again.restore({"losses": [1.0], "scores": [0.1], "level": 0.1, **ended_by})
    assert again._watch == Watch([], [])


@pytest.mark.training
def test_ends_a_real_training_and_says_what_was_saved(train: Callable[..., Any]) -> None:
    from trainwatch.runs import how_it_ended, read_run

    settings = {
        "convergence": {
            "metric_window": 3, "countdown": 2, "check_every": 1, "not_before": 3, "loss_std": 0.0, "metric_share": 0.0,
        }
    }  # fmt: skip
    # Learning rate zero: the score cannot move.
    trainer = train(stabilise=settings, epochs=40, lr0=0.0, warmup_epochs=0, close_mosaic=0, save=True)
    run = read_run(trainer.save_dir)
    assert len(run.epochs) == 5, "3 epochs until it is stagnant, 2 of countdown"
    assert how_it_ended(run).kind == "early-stop"
    (end,) = run.events_of("end")
    assert end["data"]["epochs_saved"] == 35
    assert end["data"]["seconds_saved"] > 0
    assert "35 of 40 epochs saved" in end["message"]
    assert (trainer.save_dir / "weights" / "best.pt").exists()


@pytest.mark.training
def test_a_change_of_regime_suspends_and_a_restart_forgets(train: Callable[..., Any]) -> None:
    from trainwatch.runs import read_run

    base = {
        "metric_window": 3, "countdown": 2, "check_every": 1, "not_before": 1, "loss_std": 0.0, "margin": 1,
        "metric_share": 0.0,
    }  # fmt: skip
    still = {
        "epochs": 12,
        "batch": 32,
        "save": True,
        "lr0": 0.0,
        "warmup_epochs": 0,
        "close_mosaic": 0,
        "warmup_bias_lr": 0.0,
    }
    # Without: 3 + 2 epochs. A stage at 2 leaves out epochs 1..3; then 0, 4, 5 are the window, 6 and 7 the countdown.
    staged = {"convergence": base, "loss_stages": {"boundaries": [2, 11]}}
    assert len(read_run(train(name="staged", stabilise=staged, **still).save_dir).epochs) == 8
    # A restart at 4 forgets; 3..5 are left out; 6, 7, 8 the window, 9 and 10 the countdown.
    restarted = {"convergence": base, "lr_restart": {"at": 4, "warmup_epochs": 0}}
    assert len(read_run(train(name="restarted", stabilise=restarted, **still).save_dir).epochs) == 11
