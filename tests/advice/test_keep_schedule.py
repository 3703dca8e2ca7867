from __future__ import annotations

from pathlib import Path

import pytest
from synthetic import make_finding

from trainwatch.advice.keep_schedule import KeepSchedule
from trainwatch.analysis import analyse
from trainwatch.result import Context, Finding
from trainwatch.runs import read_run
from trainwatch_hooks import Recorder

ARGS = {"lr0": 0.01, "warmup_bias_lr": 0.1}
JUMP = {"lr_before_jump": 0.005, "lr_after_jump": 5.0, "lr_jump_step": 168}


def jumped(**detail: float) -> list[Finding]:
    return [make_finding("gradient-explosion", "critical", detail={**JUMP, **detail})]


def test_a_rate_that_no_argument_gives_is_said_to_come_from_elsewhere() -> None:
    found = KeepSchedule().advise(jumped(), Context(trainer="ultralytics", args=ARGS))
    assert found is not None
    assert found.changes == ()
    assert "from 0.005 to 5" in found.why
    assert "step 168" in found.steps[0]


@pytest.mark.parametrize(
    ("context", "detail"),
    [
        (Context(trainer="loop", args=ARGS), {}),
        (Context(trainer="ultralytics"), {}),
        (Context(trainer="ultralytics", args=ARGS), {"lr_after_jump": 0.1}),
        (Context(trainer="ultralytics", args={**ARGS, "lr0": 5.0}), {}),
    ],
    ids=["another trainer", "arguments unknown", "the bias rate of the warm-up", "its own lr0"],
)
def test_not_otherwise(context: Context, detail: dict[str, float]) -> None:
    assert KeepSchedule().advise(jumped(**detail), context) is None


def test_a_training_whose_rate_jumped_is_not_told_to_lower_lr0(tmp_path: Path) -> None:
    with Recorder(tmp_path, trainer="ultralytics", args={**ARGS, "optimizer": "SGD"}, planned_epochs=20) as rec:
        for i in range(400):
            wild = i >= 300
            scale = 1000.0 ** min((i - 300) // 5 + 1, 4) if wild else 1.0
            wobble = 1.0 + 0.01 * (i % 7)
            rec.step(
                epoch=i // 20, loss=scale * wobble, grad_norm=scale * wobble, lr=5.0 if wild else 0.005, batch_size=16
            )
    result = analyse(read_run(tmp_path))
    given = {r.id: r for r in result.recommendations}
    assert "lower-lr" not in given
    assert given["keep-schedule"].steps[0].startswith("Find what sets the learning rate to 5 at step 300")
