from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import lognormal, make_run

from trainwatch.detectors.lr_too_small import LrTooSmall
from trainwatch.result import Finding


def detect(steps: dict[str, Any] | None = None, epochs: dict[str, Any] | None = None, **meta: Any) -> list[Finding]:
    return LrTooSmall().detect(make_run(steps, epochs, **meta))


def test_a_rate_switched_off_in_the_middle_is_dated_to_the_step() -> None:
    lr = np.r_[np.full(60, 0.01), np.zeros(140)]
    (finding,) = detect({"lr/pg0": lr, "loss": lognormal(200, 0.3)})
    assert finding.detail["kind"] == "off"
    assert finding.onset is not None
    assert finding.onset.step == 60
    assert finding.severity == "warning"


def test_it_is_told_within_a_hundred_steps() -> None:
    lr = np.r_[np.full(60, 0.01), np.zeros(90)]
    assert detect({"lr/pg0": lr})


def test_a_tiny_rate_and_a_flat_loss() -> None:
    epochs = {"lr/pg0": np.full(30, 2e-7), "train/box_loss": lognormal(30, 0.02)}
    (finding,) = detect(None, epochs, args={"optimizer": "AdamW", "warmup_epochs": 3.0})
    assert finding.detail["kind"] == "tiny"
    assert finding.onset is not None
    assert finding.onset.epoch == 3


def schedule(kind: str, n: int = 600) -> np.ndarray:
    t = np.arange(n) / n
    return (
        0.01
        * {
            "cosine to zero": (1 + np.cos(np.pi * t)) / 2,
            "linear to zero": 1 - t,
            "exponential": 0.01**t,
            "constant": np.ones(n),
        }[kind]
    )


@pytest.mark.parametrize("kind", ["cosine to zero", "linear to zero", "exponential", "constant"])
def test_ordinary_schedules_are_quiet(kind: str) -> None:
    assert detect(None, {"lr/pg0": schedule(kind), "train/box_loss": lognormal(600, 0.1, decay=1)}) == []
    assert detect({"lr/pg0": schedule(kind, 20_000)}, planned_epochs=2000) == []


def test_warm_up_from_zero_is_quiet() -> None:
    lr = np.linspace(0, 0.01, 300)
    assert detect({"lr/pg0": lr, "lr/pg2": np.linspace(0.1, 0.01, 300)}, planned_epochs=300) == []
    assert detect(None, {"lr/pg0": np.full(4, 4e-6), "train/box_loss": np.ones(4)}, planned_epochs=300) == []


def test_a_tiny_rate_that_learns_is_quiet() -> None:
    epochs = {"lr/pg0": np.full(30, 2e-7), "train/box_loss": lognormal(30, 0.02, decay=1)}
    assert detect(None, epochs, args={"optimizer": "AdamW"}) == []


def test_rates_that_were_never_recorded_are_quiet() -> None:
    assert detect({"lr/pg0": np.zeros(500)}) == []
    assert detect({"lr/pg0": np.full(500, np.nan)}) == []


def test_it_asks_for_a_rate() -> None:
    assert LrTooSmall().missing(make_run({"loss": [1.0]})) is not None


def warming(epochs: int, warmup: float, lr0: float = 0.01, planned: int | None = None, **args: Any) -> list[Finding]:
    """A linear schedule of 100 steps an epoch that warms up as Ultralytics does, biases from above."""
    t = np.arange(100 * epochs)
    rise, fall = np.minimum(t / (100 * warmup), 1), 1 - t / (100 * (planned or epochs))
    rates = {"lr/pg0": lr0 * rise * fall, "lr/pg2": 0.1 + (lr0 * fall - 0.1) * rise}
    given = {"lr0": lr0, "warmup_epochs": warmup, "optimizer": "SGD", **args}
    meta = {"args": given, "planned_epochs": planned or epochs, "loop": {"steps_per_epoch": 100}}
    return detect({**rates, "loss": lognormal(len(t), 0.1, decay=1)}, steps_per_epoch=100, **meta)


def test_a_warm_up_longer_than_the_training() -> None:
    (finding,) = warming(10, warmup=1000)
    assert (finding.detail["kind"], finding.severity) == ("warm-up", "warning")
    assert finding.detail["warmup_epochs"] == 1000
    assert warming(10, warmup=30)


@pytest.mark.parametrize(("epochs", "warmup", "planned"), [(10, 3, 10), (10, 9, 10), (30, 600, 100), (3, 300, 10)])
def test_a_warm_up_that_ends_in_time_or_is_not_judged_yet(epochs: int, warmup: float, planned: int) -> None:
    assert warming(epochs, warmup, planned=planned) == []


def test_a_warm_up_stretched_to_a_hundred_steps() -> None:
    t = np.arange(30)
    args = {"lr0": 0.01, "warmup_epochs": 1.0, "optimizer": "SGD"}
    meta = {"args": args, "planned_epochs": 10, "loop": {"steps_per_epoch": 3}}
    (finding,) = detect({"lr/pg0": 0.01 * t / 100 * (1 - t / 30)}, steps_per_epoch=3, **meta)
    assert finding.detail["least_epochs"] == pytest.approx(100 / 3)


def test_a_rate_that_auto_chose_is_no_late_warm_up() -> None:
    assert warming(10, warmup=1000, optimizer="auto") == []


@pytest.mark.parametrize("ratio", [0.003, 0.01, 0.0005])
def test_a_rate_that_is_cut_at_once_is_dated_to_the_step(ratio: float) -> None:
    lr = np.r_[np.linspace(1e-4, 0.01, 50), np.full(150, 0.01), np.full(500, ratio * 0.01)]
    (finding,) = detect({"lr/pg0": lr, "loss": lognormal(700, 0.3)})
    assert finding.severity == "warning"
    assert finding.onset is not None
    assert finding.onset.step == 200
    assert finding.measured.value == pytest.approx(ratio)
    assert "500 of 700 steps" in finding.summary


@pytest.mark.parametrize(
    ("lr", "why"),
    [
        (np.r_[np.full(300, 0.01), np.full(300, 0.001), np.full(300, 1e-4)], "tenfold steps are a usual schedule"),
        (np.r_[np.full(800, 0.01), np.full(200, 5e-5)], "a fifth of the plan at the end is an annealing"),
        (np.r_[np.full(200, 0.01), np.full(100, 5e-5), np.full(400, 0.01)], "it comes back"),
        (np.r_[np.full(20, 0.1), np.full(680, 5e-4)], "within the warm-up"),
    ],
)
def test_other_steps_of_a_rate_are_quiet(lr: np.ndarray, why: str) -> None:
    assert detect({"lr/pg0": lr, "loss": lognormal(len(lr), 0.3)}, args={"warmup_epochs": 3.0}) == [], why


def test_a_group_that_begins_high_is_no_cut() -> None:
    bias = np.r_[np.full(50, 0.1), np.full(650, 5e-4)]
    rest = np.r_[np.linspace(0, 5e-4, 50), np.full(650, 5e-4)]
    assert detect({"lr/pg0": rest, "lr/pg2": bias, "loss": lognormal(700, 0.3)}) == []
