"""lr-restart: the curve as a function, and the rate that the optimizer really has."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trainwatch_hooks.stabilisers._settings import parse
from trainwatch_hooks.stabilisers.base import Request, SettingsError
from trainwatch_hooks.stabilisers.lr_restart import Settings, schedule

DEFAULTS = {"epochs": 100}


def test_the_sources_curve_over_600_epochs() -> None:
    factor = schedule(Settings(), 600)
    rates = [factor(e) for e in range(600)]
    assert rates[0] == 1.0
    assert rates[300] == 0.5
    assert rates[299] < 0.011
    assert rates[301] == pytest.approx(0.5 * 0.95)
    assert rates[310] == pytest.approx(0.5 * 0.95**10)
    assert min(rates) == 0.01, "the floor is a clamp all along"
    assert rates[599] == 0.01
    assert all(a >= b for a, b in pairwise(rates[:300]))


def test_other_lengths_have_the_same_shape() -> None:
    short, long = schedule(Settings(), 60), schedule(Settings(), 600)
    for e in (0, 10, 29, 30, 31, 45, 59):
        assert short(e) == pytest.approx(long(10 * e))


def test_over_the_training_the_restart_is_no_jump() -> None:
    factor = schedule(Settings(cosine_over="training"), 600)
    assert factor(299) == pytest.approx(0.505 + 0.5 * 0.99 * math.sin(math.pi / 600), abs=1e-3)
    assert factor(300) == 0.5


@pytest.mark.parametrize(
    ("settings", "given", "says"),
    [
        ({"at": 100}, {}, "is not before the end of 100 epochs"),
        ({"at": -0.5}, {}, "at is -0.5"),
        ({"restart_to": 1.5}, {}, "restart_to is 1.5"),
        ({"floor": 0.6}, {}, "no restart"),
        ({"floor": 0.05}, {"lrf": 0.1}, "are the same thing"),
        ({}, {"cos_lr": False}, "contradicts its cosine"),
        ({"warmup_epochs": 60}, {}, "overlaps the restart at epoch 50"),
        ({}, {"lrf": 0.6}, "lrf=0.6 cannot be its floor"),
        ({}, {"lrf": 0.0}, "lrf=0 cannot be its floor"),
        ({"cosine_over": "moon"}, {}, "use 'cycle' or 'training'"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], given: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"lr_restart": settings})[0].arguments(Request(given, DEFAULTS))
    assert says in str(caught.value)


def test_arguments_scale_and_yield_to_the_user() -> None:
    (made,) = parse({"lr_restart": True})
    assert made.arguments(Request({"epochs": 600}, DEFAULTS)) == {
        "cos_lr": True, "lrf": 0.01, "warmup_epochs": 10, "warmup_momentum": 0.8,
    }  # fmt: skip
    assert made.arguments(Request({"epochs": 8, "lrf": 0.1, "warmup_epochs": 1.0}, DEFAULTS)) == {
        "cos_lr": True, "warmup_momentum": 0.8,
    }  # fmt: skip
    assert made.arguments(Request({"epochs": 8}, DEFAULTS))["warmup_epochs"] == 2


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 7])
def test_very_short_trainings_are_not_refused(epochs: int) -> None:
    (made,) = parse({"lr_restart": True})
    made.arguments(Request({"epochs": epochs}, DEFAULTS))
    assert schedule(Settings(), epochs)(0) == 1.0


def test_what_fails_in_its_setup_cannot_fail_inside_the_trainer(tmp_path: Path) -> None:
    from trainers import make_control

    control = make_control(tmp_path)
    trainer = control.trainer
    trainer.args.lrf, trainer._setup_scheduler = 0.6, lambda: None
    stock = trainer._setup_scheduler
    (made,) = parse({"lr_restart": True})
    with pytest.raises(SettingsError):
        made.setup(control)
    assert trainer._setup_scheduler is stock


def test_a_plan_made_anew_neither_repeats_nor_skips_the_restart(tmp_path: Path) -> None:
    """With ``time=`` the trainer changes its epochs after each epoch and makes a new scheduler."""
    from types import SimpleNamespace

    from trainers import make_control

    def begun(epochs: int) -> tuple[Any, Any]:
        control = make_control(tmp_path)
        trainer = control.trainer
        trainer.args.lrf, trainer._setup_scheduler, trainer.epochs = 0.01, lambda: None, epochs
        trainer.scheduler = SimpleNamespace(lr_lambdas=[None])
        trainer.optimizer = SimpleNamespace(param_groups=[{"initial_lr": 0.01}])
        (made,) = parse({"lr_restart": True})
        made.setup(control)
        return made, control

    def to_epoch(made: Any, control: Any, epoch: int) -> None:
        control.trainer.epoch = epoch
        made.epoch_start(control)

    made, control = begun(100)
    to_epoch(made, control, 30)
    control.trainer.epochs = 40  # half way would have been epoch 20
    control.trainer._setup_scheduler()
    assert made.changes(control) == {31: "lr_restart"}
    assert control.trainer.lf(31) == pytest.approx(0.5)
    to_epoch(made, control, 31)
    control.trainer.epochs = 80  # now half way is epoch 40: it has happened already
    control.trainer._setup_scheduler()
    assert made.changes(control) == {31: "lr_restart"}
    assert control.trainer.lf(40) < 0.5

    (again,) = parse({"lr_restart": True})
    again.restore(made.state())
    assert again.changes(control) == {31: "lr_restart"}

    resumed, control = begun(200)  # of 100 before: it went on with more epochs
    resumed.restore({"restart": 50})
    to_epoch(resumed, control, 80)
    assert control.trainer.lf(80) < 0.3, "30 epochs after the restart"
    assert control.trainer.lf(100) == pytest.approx(0.01), "no second restart"
    assert control.trainer.scheduler.lr_lambdas == [control.trainer.lf]


@pytest.mark.training
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_the_optimizer_has_the_rates_of_the_curve(train: Callable[..., Any], optimizer: str) -> None:
    from trainwatch.runs import read_run

    trainer = train(
        stabilise={"lr_restart": {"warmup_epochs": 1, "floor": 0.05}},
        epochs=8,
        optimizer=optimizer,
        lr0=0.002,
        val=False,
    )
    run = read_run(trainer.save_dir)
    factor = schedule(Settings(floor=0.05), 8)
    rates = run.epochs["lr/pg0"].tolist()
    assert rates[2:] == pytest.approx([0.002 * factor(e) for e in range(2, 8)])
    assert rates[4] == pytest.approx(0.001), "restart half way"
    assert rates[3] < 0.5 * rates[4]
    assert any("restart in 8 epochs costs more" in e["message"] for e in run.events_of("warning"))
    (restart,) = run.events_of("lr_restart")
    assert restart["epoch"] == 4
    assert restart["data"]["lr"][0] == pytest.approx(0.001)
    # After the warm-up no rate is below the floor.
    after = run.steps[run.steps["epoch"] >= 2]
    assert after["lr/pg0"].min() >= 0.05 * 0.002 - 1e-12


@pytest.mark.training
def test_survives_a_scheduler_made_anew(train: Callable[..., Any]) -> None:
    rates: list[float] = []

    def again(trainer: Any) -> None:
        if trainer.epoch == 2:
            trainer._setup_scheduler()
            trainer.scheduler.last_epoch = trainer.epoch
        rates.append(trainer.optimizer.param_groups[0]["lr"])

    train(stabilise={"lr_restart": {"warmup_epochs": 0}}, epochs=6, val=False, callbacks={"on_train_epoch_end": again})
    assert rates[3] == pytest.approx(0.005)
