from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic import make_run

from trainwatch.detectors.few_updates import FewUpdates
from trainwatch.runs import Run


def run(epochs: int = 10, per_epoch: Any = 8, accumulate: Any = 64) -> Run:
    return make_run(planned_epochs=epochs, loop={"steps_per_epoch": per_epoch, "accumulate": accumulate})


def test_batches_that_are_added_up_until_no_step_is_left() -> None:
    (finding,) = FewUpdates().detect(run())
    assert finding.severity == "warning"
    assert finding.detail == {"updates": 1, "batches": 80, "accumulate": 64}


@pytest.mark.parametrize(
    ("quiet", "why"),
    [
        (run(epochs=400), "fifty steps in all"),
        (run(accumulate=1), "each batch is a step"),
        (run(epochs=2), "the plan itself is short"),
        (run(epochs=300, per_epoch=500, accumulate=4), "an ordinary training"),
    ],
)
def test_quiet(quiet: Run, why: str) -> None:
    assert FewUpdates().detect(quiet) == [], why


@pytest.mark.parametrize(
    "unknown", [run(per_epoch=None), run(accumulate="4"), run(accumulate=True), make_run(loop=[3])]
)
def test_without_the_plan_it_is_not_judged(unknown: Run) -> None:
    assert FewUpdates().missing(unknown) is not None


def test_where_the_score_rises_all_the_same_it_is_information() -> None:
    epochs = {"metrics/mAP50-95(B)": np.linspace(0.0, 0.3, 10)}
    loop = {"steps_per_epoch": 8, "accumulate": 64}
    (finding,) = FewUpdates().detect(make_run(epochs=epochs, planned_epochs=10, loop=loop))
    assert finding.severity == "info"


def whole(batch: Any = 32, images: int = 32, epochs: int = 10, **more: Any) -> Run:
    per_epoch = -(-images // batch) if isinstance(batch, int) else 1
    loop = {"steps_per_epoch": per_epoch, "accumulate": 1}
    return make_run(planned_epochs=epochs, loop=loop, dataset={"train_images": images}, args={"batch": batch}, **more)


def test_a_batch_that_takes_every_image_leaves_a_step_per_epoch() -> None:
    (finding,) = FewUpdates().detect(whole())
    assert finding.severity == "warning"
    assert "One batch (batch=32) takes 32 of the 32 training images, so the 10 epochs" in finding.summary
    assert finding.detail == {"updates": 10, "batch": 32, "train_images": 32}
    (half,) = FewUpdates().detect(whole(batch=20))
    assert "takes 20 of the 32 training images" in half.summary


@pytest.mark.parametrize(
    ("quiet", "why"),
    [
        (whole(epochs=50), "fifty steps"),
        (whole(batch=8), "a quarter of the images"),
        (whole(epochs=3), "the plan itself is short"),
        (whole(batch=0.6), "the batch is found by Ultralytics"),
        (whole(batch=1, images=1), "there is no smaller one"),
    ],
)
def test_a_large_batch_is_no_fault_by_itself(quiet: Run, why: str) -> None:
    assert FewUpdates().detect(quiet) == [], why
