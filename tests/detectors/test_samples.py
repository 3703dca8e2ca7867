from __future__ import annotations

import numpy as np
from synthetic import make_run

from trainwatch.detectors._samples import samples_behind
from trainwatch.detectors.base import View


def behind(**columns: object) -> list[float]:
    norm = np.arange(1.0, 5.0)
    run = make_run({"grad_norm": norm, **{n: np.asarray(v, float) for n, v in columns.items()}})
    view = View(run, ("steps.grad_norm", "steps.batch_size", "steps.accumulate"))
    return samples_behind(view, view.steps("grad_norm")).tolist()


def test_images_of_the_step_times_steps_that_are_added_up() -> None:
    assert behind() == [1.0] * 4
    assert behind(batch_size=[8] * 4) == [8.0] * 4
    assert behind(batch_size=[8, 8, 4, 4], accumulate=[2] * 4) == [16.0, 16.0, 8.0, 8.0]
    assert behind(batch_size=[8, 8, np.nan, 0]) == [8.0, 8.0, 1.0, 1.0], "not known, or none: ratios stay as they are"
