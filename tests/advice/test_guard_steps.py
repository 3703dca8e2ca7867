from __future__ import annotations

from pathlib import Path

import pytest
from synthetic import make_finding

from trainwatch.advice.guard_steps import GuardSteps
from trainwatch.analysis import analyse
from trainwatch.result import Context
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder

EXPLOSION = make_finding("gradient-explosion", "critical", detail={"lr": 0.4})
NAN = make_finding("nonfinite-loss", "critical")


def test_ultralytics_gets_arguments_instead() -> None:
    assert GuardSteps().advise([EXPLOSION], Context(trainer="ultralytics")) is None


@pytest.mark.parametrize(
    ("trainer", "clip"),
    [("loop", "clip_grad_norm_"), ("lightning", "gradient_clip_val"), ("transformers", "max_grad_norm")],
)
def test_an_explosion_is_slowed_and_clipped_in_the_words_of_the_trainer(trainer: str, clip: str) -> None:
    found = GuardSteps().advise([EXPLOSION], Context(trainer=trainer))
    assert found is not None
    assert "to 0.2." in found.steps[0]
    assert "checkpoint" in found.steps[1]
    assert clip in found.steps[2]
    assert not found.changes


def test_a_rate_that_jumped_is_put_back_not_halved() -> None:
    jumped = make_finding("gradient-explosion", "critical", detail={"lr": 50.0, "lr_before_jump": 0.05})
    found = GuardSteps().advise([jumped], Context(trainer="loop"))
    assert found is not None
    assert "at 0.05" in found.steps[0]
    assert "Halve" not in " ".join(found.steps)


def test_a_rate_that_never_held_is_not_nearly_right() -> None:
    at_once = make_finding("gradient-explosion", "critical", epoch=0, step=5, detail={"lr": 18.8})
    found = GuardSteps().advise([at_once], Context(trainer="loop"))
    assert found is not None
    assert found.steps[0] == "Divide the learning rate by ten to 1.9."
    assert found.steps[1].startswith("Start anew"), "there is no checkpoint of before"
    later = make_finding("gradient-explosion", "critical", epoch=0, step=500, detail={"lr": 18.8})
    slower = GuardSteps().advise([later], Context(trainer="loop"))
    assert slower is not None
    assert "Halve" in slower.steps[0]


def test_out_of_the_blue_the_rate_is_not_blamed() -> None:
    found = GuardSteps().advise([NAN], Context(trainer="loop"))
    assert found is not None
    text = " ".join(found.steps)
    assert "isfinite" in text
    assert "Halve" not in text
    assert found.confidence < 0.5


def test_a_warning_needs_none() -> None:
    assert GuardSteps().advise([make_finding("nonfinite-loss", "warning")], Context(trainer="loop")) is None


def test_a_loop_that_lost_its_weights_is_told_what_to_write(tmp_path: Path) -> None:
    with Recorder(tmp_path) as rec:
        for i in range(400):
            rec.step(epoch=i // 40, losses={"mse": 1.0 / (1 + i) if i < 300 else float("nan")}, grad_norm=1.0, lr=0.01)
    result = analyse(read_run(tmp_path))
    told = next(r for r in result.recommendations if r.id == "guard-steps")
    assert "the batch of step 300" in " ".join(told.steps)
