"""How far a training is, how fast, and how long it will still take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainwatch.runs import Run, Series
from trainwatch.signals.limits import device_limit_bytes, host_limit_bytes

RECENT_EPOCHS = 10
"""Epochs whose median time is the speed: the last, for image size and cache change it."""
RECENT_STEPS = 200


@dataclass(frozen=True)
class Progress:
    """Progress; None always means "not known". Times in seconds."""

    epoch: int
    planned: int | None
    share: float | None
    step_s: float | None
    epoch_s: float | None
    elapsed_s: float | None
    remaining_s: float | None


def progress(run: Run, now_s: float) -> Progress:
    """Measure the progress of a run.

    Args:
        run: Any run.
        now_s: Unix time.
    """
    epochs, planned = run.epochs_done, run.planned_epochs
    clock = run.step_series("time_s")
    ends = run.epoch_series("time_s")
    step_s = _median(run.step_series("step_s"), RECENT_STEPS)
    waits = _median(run.step_series("data_s"), RECENT_STEPS)
    per_epoch = _steps_per_epoch(run)
    durations = np.diff(ends.values)[-RECENT_EPOCHS:]
    durations = durations[np.isfinite(durations) & (durations > 0)]
    epoch_s = float(np.median(durations)) if len(durations) else None
    if epoch_s is None and step_s is not None and per_epoch:
        epoch_s = per_epoch * (step_s + (waits or 0.0))  # the first epoch, validation not yet known
    inside = _share_of_epoch(run, epochs, per_epoch)
    share = remaining = None
    if planned:
        share = min((epochs + inside) / planned, 1.0)
        if epoch_s is not None:
            remaining = max(planned - epochs - inside, 0.0) * epoch_s
    began = float(clock.values[0]) if len(clock) else _start_s(run)
    elapsed = None if began is None else max(now_s - began, 0.0)
    return Progress(epochs, planned, share, step_s, epoch_s, elapsed, remaining)


def _start_s(run: Run) -> float | None:
    starts = [e["time_s"] for e in run.events_of("start") if isinstance(e.get("time_s"), int | float)]
    return float(starts[0]) if starts else None


def _median(series: Series, count: int) -> float | None:
    values = series.values[series.finite][-count:]
    return float(np.median(values)) if len(values) else None


def _steps_per_epoch(run: Run) -> int | None:
    loop = run.meta.get("loop")
    told = loop.get("steps_per_epoch") if isinstance(loop, dict) else None
    if isinstance(told, int) and told > 0:
        return told
    epoch = run.step_series("step").epoch
    if len(epoch) and epoch[0] != epoch[-1]:
        return int(np.median(np.unique(epoch[epoch < epoch[-1]], return_counts=True)[1]))
    return None


def _share_of_epoch(run: Run, epochs_done: int, per_epoch: int | None) -> float:
    steps = run.step_series("step")
    if not per_epoch or not len(steps) or steps.epoch[-1] < epochs_done:
        return 0.0
    return min(float((steps.epoch == steps.epoch[-1]).sum()) / per_epoch, 1.0)


@dataclass(frozen=True)
class Memory:
    """Memory now and its limit, in bytes."""

    what: str
    used: float
    limit: int | None


def memory_now(run: Run) -> Memory | None:
    """Return the device's reserved memory where it is recorded, else that of the process; None without either."""
    reserved = run.step_series("vram_reserved_bytes")
    if reserved.finite.any():
        limit = device_limit_bytes(run.meta.get("hardware"), run.step_series("vram_free_bytes"), reserved)
        return Memory("device memory", float(reserved.values[reserved.finite][-1]), limit)
    resident = run.step_series("rss_bytes")
    if resident.finite.any():
        limit = host_limit_bytes(run.meta.get("hardware"))
        return Memory("memory", float(resident.values[resident.finite][-1]), limit)
    return None
