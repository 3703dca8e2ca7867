from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.unusual_arguments import UnusualArguments
from trainwatch.result import Finding

USUAL = {"optimizer": "SGD", "lr0": 0.01, "momentum": 0.937, "box": 7.5, "cls": 0.5, "dfl": 1.5}


def detect(top: float = 0.05, epochs: int = 10, **args: Any) -> list[Finding]:
    """A training that reaches ``top`` with these arguments."""
    score = {"metrics/mAP50-95(B)": top * np.arange(1, epochs + 1) / epochs}
    return UnusualArguments().detect(make_run(None, score, args={**USUAL, **args}, planned_epochs=epochs))


@pytest.mark.parametrize(
    "odd",
    [
        {"optimizer": "Adam", "lr0": 0.05},
        {"optimizer": "RMSProp", "lr0": 0.01},
        {"lr0": 1.0},
        {"lr0": 1e-7},
        {"momentum": 0.999},
        {"box": 1e-5, "cls": 1e-5, "dfl": 1e-5},
        {"cls": 90.0},
    ],
)
def test_far_outside_beside_a_poor_score_is_a_warning(odd: dict[str, Any]) -> None:
    (finding,) = detect(**odd)
    assert finding.severity == "warning"
    assert finding.detail["arguments"] == {k: v for k, v in odd.items() if k != "optimizer"}


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"optimizer": "AdamW", "lr0": 0.001},
        {"optimizer": "AdamW", "lr0": 0.01},
        {"optimizer": "RMSProp", "lr0": 6e-5},
        {"momentum": 0.98},
        {"optimizer": "auto", "lr0": 50.0, "momentum": 0.9999},
        {"box": 20.0, "cls": 4.0},
        {"task": "classify", "box": 0.0001},
        {"lr0": float("nan")},
        {"lr0": -1.0},
    ],
)
def test_usual_values_are_quiet(args: dict[str, Any]) -> None:
    assert detect(**args) == []


def test_a_good_score_is_quiet_and_a_fair_one_information() -> None:
    assert detect(top=0.9, momentum=0.999) == []
    (finding,) = detect(top=0.4, momentum=0.999)
    assert finding.severity == "info"


def test_too_early_without_score_and_for_other_trainers_it_is_not_judged() -> None:
    assert detect(epochs=4, lr0=1.0) == []
    assert UnusualArguments().missing(make_run({"loss": np.ones(9)}, args=USUAL))
    yolov5 = {"lr0": 0.01, "box": 0.05, "cls": 0.5, "obj": 1.0}
    assert UnusualArguments().missing(make_run(None, {"fitness": np.ones(9)}, args=yolov5))


def test_what_auto_chose_is_not_judged_though_the_record_names_an_optimizer() -> None:
    score = {"metrics/mAP50-95(B)": 0.005 * np.arange(1, 11)}
    asked = {"optimizer": "auto", "lr0": 1.0}
    in_force = {**USUAL, "lr0": 1.0, "momentum": 0.999}
    run = make_run(None, score, args=in_force, requested=asked, planned_epochs=10)
    assert UnusualArguments().detect(run) == []
