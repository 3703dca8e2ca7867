"""What a fault cost: the time and the epochs that were trained after its onset."""

from __future__ import annotations

import numpy as np

from trainwatch.result import NUMERIC, Finding
from trainwatch.runs import Run, Series, how_it_ended
from trainwatch.runs.clock import duration

WASTING = (
    *NUMERIC, "dead-output", "plateau", "no-learning", "metric-frozen", "overfitting", "degraded-after-best", "lr-too-small",
)  # fmt: skip
"""Faults after whose onset the training brings nothing."""

FINISHED_BY_OTHERS = ("completed", "early-stop", "signal", "stopped")
"""Ways to end that no fault brings about: what began just before is no reason for the epochs that are missing."""


def cost_of(run: Run, cause: Finding | None) -> str:
    """Say what was trained after the onset of the cause; empty without a cause, honest without a clock.

    Gaps of more than 100 median steps (a sleeping machine, a pause before a resume) are left out of both times.
    """
    if cause is None or cause.onset is None:
        return ""
    steps = run.step_series("time_s")
    clock = steps if len(steps) else run.epoch_series("time_s")
    if len(clock) < 2:
        return "What it cost could not be told: the log has no clock."
    at = _index(clock, cause, per_step=len(steps) > 0)
    total, after = _worked_s(clock.values), _worked_s(clock.values[at:])
    epochs = int(clock.epoch[-1]) - int(clock.epoch[at])
    share = 100 * after / total if total > 0 else 0.0
    if after < 0.005 * total:
        return _at_the_end(run, total)
    vain = cause.id in WASTING
    if after >= 0.995 * total:
        return f"The whole training, {duration(total)}, was {'wasted' if vain else 'trained with this fault'}."
    of = int(clock.epoch[-1]) - int(clock.epoch[0]) + 1
    after_of = f"{duration(after)} of {duration(total)}"
    if epochs > 1:
        many = f"{epochs} of {of} epochs ({after_of}, {share:.0f} %)"
        return (
            f"{many} were wasted: they came after the fault began." if vain else f"{many} were trained with this fault."
        )
    one = f"{after_of} ({share:.0f} %)"
    return f"{one} was wasted: it came after the fault began." if vain else f"{one} was trained with this fault."


def _at_the_end(run: Run, total: float) -> str:
    """Say what was done and what is missing where the fault ended the training."""
    planned, done, ended_by = run.planned_epochs, run.epochs_done, how_it_ended(run).kind
    if ended_by == "running":
        return f"Hardly anything yet: it began just now, after {duration(total)} of training."
    if planned is None or done >= planned or ended_by in FINISHED_BY_OTHERS:
        return f"It came at the very end, after {duration(total)} of training."
    missing = "one epoch is" if planned - done == 1 else f"{planned - done} epochs are"
    said = f"It ended the training after {done} of {planned} epochs ({duration(total)}): {missing} missing"
    last = run.step_series("step").epoch
    begun = any(isinstance(e.get("epoch"), int) and e["epoch"] >= done for e in run.events[-1:])
    if len(last) and int(last[-1]) < done and not begun:  # its last step is one of a whole epoch
        return f"{said}."
    return f"{said}, and the unfinished one is lost."


def worked_s(run: Run) -> float | None:
    """Return the seconds that the record covers, pauses left out; None without a clock."""
    steps = run.step_series("time_s")
    clock = steps if len(steps) else run.epoch_series("time_s")
    return _worked_s(clock.values) if len(clock) > 1 else None


def _worked_s(times: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    steps = np.diff(times[np.isfinite(times)])
    steps = steps[steps > 0]
    if not len(steps):
        return 0.0
    return float(steps[steps <= 100 * np.median(steps)].sum())


def _index(clock: Series, cause: Finding, *, per_step: bool) -> int:
    onset = cause.onset
    assert onset is not None  # the caller has looked
    if per_step and onset.step is not None:
        return min(int(np.searchsorted(clock.step, onset.step)), len(clock) - 1)
    return min(int(np.searchsorted(clock.epoch, onset.epoch or 0)), len(clock) - 1)
