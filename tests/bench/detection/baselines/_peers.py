"""What the baselines share: the planted faults that a kind of rule is for, and where a run is read."""

from __future__ import annotations

import numpy as np

from trainwatch.runs import Run, Series

Fired = dict[str, int]
"""Rule and the step at which it fires first."""

DIVERGED = ("lr-high", "lr-spike", "explosion-late")
NOT_A_NUMBER = ("fp16-nan", "nan-batch")
VANISHED = ("vanishing", "dead-relu")
NO_PROGRESS = ("spent-lr", "frozen-net", "labels-shuffled")
OVERFIT = ("overfitting",)


def epoch_end_step(run: Run, epoch: int) -> int:
    """Return the last step of an epoch."""
    loss = run.step_series("loss")
    return int(loss.step[np.searchsorted(loss.epoch, epoch, side="right") - 1])


def score(run: Run) -> Series | None:
    """Return the metric, else minus the validation loss."""
    for name in run.column_names():
        if name.startswith("epochs.metrics/"):
            return run.epoch_series(name.split(".", 1)[1])
    loss = total(run, "val")
    return None if loss is None else Series(loss.name, -loss.values, loss.step, loss.epoch, loss.attempt)


def total(run: Run, part: str) -> Series | None:
    """Return the summed losses per epoch of ``train`` or ``val``."""
    names = [n.split(".", 1)[1] for n in run.column_names() if n.startswith(f"epochs.{part}/")]
    every = [run.epoch_series(n) for n in names]
    if not every or not len(every[0]):
        return None
    first = every[0]
    return Series(part, np.sum([s.values for s in every], axis=0), first.step, first.epoch, first.attempt)


def first(series: Series, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int | None:
    """Return the step of the first True value."""
    at = np.flatnonzero(mask)
    return int(series.step[at[0]]) if len(at) else None


def put(fired: Fired, rule: str, step: int | None) -> None:
    """Note a rule that fires."""
    if step is not None:
        fired[rule] = step
