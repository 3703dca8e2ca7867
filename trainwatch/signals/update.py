"""Whether the weights had begun to move further than usual before something happened.

The update-to-weight ratio (``trainwatch_hooks.probes.update_ratio``) is measured when a step has moved the weights, before any
loss is computed with them: it can rise one step before the loss does. It is measured every few steps only, so a single
jump is mostly missed, and a growth over many steps is not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainwatch.runs.run import Series
from trainwatch.signals.level import departure

LEVEL_WINDOW = 200
MIN_PAST = 5
"""Measurements that make its level, and the fewest: at one in ten steps, 50 steps of training."""


class Rise(NamedTuple):
    """A ratio that had left its level.

    Attributes:
        steps: Micro-batches before the onset at which it was first seen.
        value: Its last measurement before the onset.
        times: That, over the level that it left.
    """

    steps: int
    value: float
    times: float

    def sentence(self) -> str:
        """Say it in one sentence."""
        return (
            f"The weights had begun to move further {self.steps} steps before: an update of {self.value:.3g} of their norm, "
            f"{self.times:.3g} times as far as usual."
        )


def rise_before(ratio: Series, step: int, times: float, reach: int) -> Rise | None:
    """Return how the ratio rose before a step; None if it did not, or is not recorded.

    Args:
        ratio: The column ``update_ratio``.
        step: Micro-batch at which something began; its own update is no forerunner of it.
        times: Multiple of its level from which the ratio counts as risen. It must hold to the last measurement.
        reach: Micro-batches before the step that are looked at.
    """
    before = ratio.take((ratio.step < step) & ratio.finite)
    if len(before) <= MIN_PAST:
        return None
    near = before.step >= step - reach
    start = len(before) - int(near.sum())
    if start < MIN_PAST or start == len(before):
        return None
    # The level of before the stretch, for all of it: a growth would carry a running median along.
    level = float(departure(before.values[: start + 1], LEVEL_WINDOW, MIN_PAST).level_at(np.array([start]))[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        high = before.values[start:] / level >= times
    if not high[-1]:
        return None
    held = int(np.flatnonzero(~high)[-1]) + 1 if not high.all() else 0
    last = float(before.values[-1])
    return Rise(step - int(before.step[start + held]), last, last / level)
