"""How numbers are written in findings: sizes, epochs, rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainwatch.runs import Run, Series  # imports pandas, which whoever only wants size() should not pay for

_FORECAST = ("forecast_epoch", "forecast_epoch_low", "forecast_epoch_high")


def rate(slope: float, low: float, high: float) -> str:
    """Write a slope in bytes per epoch with its 95 % interval, left out where it would show the same number."""
    text = f"{size(slope)} per epoch"
    return text if size(low) == size(high) == size(slope) else f"{text} (95 %: {size(low)} to {size(high)})"


def size(count: float) -> str:
    """Write a number of bytes with its binary unit and three significant digits (``1.5 GiB``)."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(count) >= factor:
            value = count / factor
            return f"{value:.0f} {unit}" if abs(value) >= 1000 else f"{value:.3g} {unit}"
    return f"{count:.0f} B"


def epoch_name(run: Run, epoch: float) -> str:
    """Write an epoch (0-based) as the trainer's own log counts it: from 1 for Ultralytics."""
    from_one = run.source.startswith("ultralytics") or run.meta.get("trainer") == "ultralytics"
    return f"epoch {round(epoch) + (1 if from_one else 0)}"


def forecast_sentence(run: Run, detail: Mapping[str, Any]) -> str:
    """Put a forecast into words; empty without one."""
    if detail["forecast_epoch"] is None:
        return ""
    at, low, high = (epoch_name(run, detail[k]) if detail[k] is not None else None for k in _FORECAST)
    until = "no upper bound" if high is None else str(high).removeprefix("epoch ")
    span = "" if low == at == high else f" (95 %: {low} to {until})"
    planned = f"; {run.planned_epochs} epochs are planned" if run.planned_epochs else ""
    return f" At this rate the limit of {size(detail['limit_bytes'])} is hit at {at}{span}{planned}."


def last_place(run: Run, steps: Series) -> str:
    """Name the last recorded step as the user counts ("epoch 13 of 60, step 2"), or "the start" without one."""
    if not len(steps):
        return "the start"
    last = steps.where(len(steps) - 1)
    planned = f" of {run.planned_epochs}" if run.planned_epochs else ""
    return f"{epoch_name(run, last.epoch or 0)}{planned}, step {last.step}"
