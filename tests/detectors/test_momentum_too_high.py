from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.momentum_too_high import MomentumTooHigh
from trainwatch.runs import Run


def run(momentum: Any = 0.999, epochs: int = 10, optimizer: str = "SGD", accumulate: int = 1) -> Run:
    return make_run(
        planned_epochs=epochs, loop={"steps_per_epoch": 8, "accumulate": accumulate},
        args={"momentum": momentum, "optimizer": optimizer},
    )  # fmt: skip


def test_a_memory_longer_than_the_training() -> None:
    (finding,) = MomentumTooHigh().detect(run())
    assert finding.severity == "warning"
    assert finding.measured.value == pytest.approx(1000)
    assert "1e+03 of 80 optimizer steps" in finding.title


def test_batches_that_are_added_up_are_one_step() -> None:
    assert MomentumTooHigh().detect(run(0.98, epochs=100)) == []
    assert MomentumTooHigh().detect(run(0.98, epochs=100, accumulate=8)) != []


@pytest.mark.parametrize(
    "quiet", [run(0.937), run(0.95), run(0.99, epochs=1000), run(1.0), run(0.0), run(float("nan"))]
)
def test_quiet(quiet: Run) -> None:
    assert MomentumTooHigh().detect(quiet) == []


@pytest.mark.parametrize("unknown", [run("high"), run(True), run(optimizer="auto"), make_run(args={"momentum": 0.999})])
def test_not_judged(unknown: Run) -> None:
    assert MomentumTooHigh().missing(unknown) is not None


def test_a_momentum_that_auto_ignored_is_not_in_force() -> None:
    """The record holds what auto chose (AdamW), and the momentum as it was typed."""
    plan = {"planned_epochs": 10, "loop": {"steps_per_epoch": 8}, "args": {"momentum": 0.999, "optimizer": "AdamW"}}
    assert MomentumTooHigh().missing(make_run(**plan, trainer="ultralytics", requested={"momentum": 0.999})) is not None
    named = make_run(**plan, trainer="ultralytics", requested={"momentum": 0.999, "optimizer": "AdamW"})
    assert MomentumTooHigh().detect(named) != []


def test_where_the_score_rises_all_the_same_it_is_information() -> None:
    epochs = {"metrics/mAP50-95(B)": np.linspace(0.0, 0.3, 10)}
    args = {"momentum": 0.999, "optimizer": "SGD"}
    (finding,) = MomentumTooHigh().detect(
        make_run(epochs=epochs, planned_epochs=10, loop={"steps_per_epoch": 8}, args=args)
    )
    assert finding.severity == "info"
