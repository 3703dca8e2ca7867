from __future__ import annotations

from typing import Any

import pytest
from synthetic import make_run

from trainwatch.analysis import analyse
from trainwatch.detectors.validation_is_training import ValidationIsTraining
from trainwatch.runs import Run


def run(both: Any = 48, images: Any = 48) -> Run:
    return make_run(dataset={"val_images_trained_on": both, "val_images": images})


def test_a_validation_set_that_is_the_training_set() -> None:
    (finding,) = ValidationIsTraining().detect(run())
    assert finding.severity == "warning"
    assert finding.title == "All validation images are training images"
    assert finding.measured.value == 1.0


@pytest.mark.parametrize(("both", "severity"), [(1, "info"), (9, "info"), (10, "warning"), (150, "warning")])
def test_a_few_images_by_mistake_are_information(both: int, severity: str) -> None:
    (finding,) = ValidationIsTraining().detect(run(both, 200))
    assert finding.severity == severity
    assert finding.title.startswith(f"{both} of 200 ")


def test_sets_of_their_own_are_quiet() -> None:
    assert ValidationIsTraining().detect(run(0)) == []
    assert "validation-is-training" in analyse(run(0)).checks.passed


@pytest.mark.parametrize("unknown", [run(None), run(images=0), run("48"), run(True), make_run(), make_run(dataset=[1])])
def test_what_was_not_recorded_is_not_judged(unknown: Run) -> None:
    assert ValidationIsTraining().missing(unknown) is not None
