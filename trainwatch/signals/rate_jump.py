"""Whether the learning rate had jumped just before something happened: then the schedule is the first cause."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from trainwatch.runs.run import Series

STEADY = 1.5
"""Largest over smallest rate of the stretch before a jump: a warm-up rises by more, and its end is no jump."""


class RateJump(NamedTuple):
    """A jump of the learning rate.

    Attributes:
        step: Its first micro-batch.
        before: The rate before it.
        after: The rate from there on.
    """

    step: int
    before: float
    after: float

    def sentence(self) -> str:
        """Say it in one sentence."""
        return f"The learning rate had jumped from {self.before:.3g} to {self.after:.3g} at step {self.step}."

    def detail(self) -> dict[str, Any]:
        """Return what a finding's ``detail`` tells of it."""
        return {"lr_before_jump": self.before, "lr_after_jump": self.after, "lr_jump_step": self.step}


def rate_jump(rate: Series, step: int, *, times: float = 3.0, reach: int = 50, past: int = 20) -> RateJump | None:
    """Return the jump of a learning rate shortly before a step; None if there was none.

    Args:
        rate: A column ``lr/*``.
        step: Micro-batch at which something began.
        times: Multiple of the rate before from which it is a jump.
        reach: Micro-batches before the step that are looked at.
        past: Rates before the jump that must have been steady (:data:`STEADY`).
    """
    kept = rate.take(rate.finite & (rate.values > 0) & (rate.step <= step))
    if len(kept) <= past:
        return None
    ratio = kept.values[1:] / kept.values[:-1]
    for i in np.flatnonzero(ratio >= times)[::-1] + 1:
        before = kept.values[max(0, i - past) : i]
        if kept.step[i] >= step - reach and len(before) == past and before.max() <= STEADY * before.min():
            return RateJump(int(kept.step[i]), float(before[-1]), float(kept.values[i]))
    return None
