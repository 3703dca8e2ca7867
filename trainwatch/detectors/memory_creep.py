"""Device memory (VRAM) that grows from epoch to epoch and does not level off.

What it does:
    Tells three growths apart. A *leak*: what live tensors hold between batches (``vram_allocated_bytes``, smallest
    value of each epoch) rises. *Fragmentation*: that stays level, but the caching allocator reserves more and more
    (``vram_reserved_bytes``). *Dense batches*: the reserve rises only in steps whose batch holds more objects than
    any before; that levels off by itself and is not reported here. It forecasts the epoch at which the device is
    full.

Why it matters:
    An out-of-memory error after the first epoch is not retried by the trainer: it ends the run.

How it decides:
    The first 2 epochs are left out (cuDNN's choices, first validation). Of the rest, at least 8 epochs: Theil-Sen slope
    of at least 1 MiB per epoch (leak) or 8 MiB per epoch (fragmentation) with a 95 % interval above zero; Mann-Kendall
    p <= 0.01; slope above 8 standard errors that allow for autocorrelation; growth of at least 32 MiB (leak) or 128
    MiB (fragmentation) and 2 % of the level; the slope of the last third is at least 0.7 of what it was before.
    Growth of the reserve counts as dense batches if at least half of it happens in epochs whose largest batch holds
    more objects than all before. The forecast extrapolates the leak plus what the reserve holds above it (or the
    reserve itself, where it grows 1.5 times as fast) to the device's memory less what other processes hold; its 95 %
    interval covers slope and scatter. Critical if it falls before the planned end, or if the run died of it; warning
    otherwise.

What to do:
    Leak: look for tensors kept per step or epoch (losses in a list without ``.item()`` or ``.detach()``, outputs kept
    by a callback). Fragmentation: set ``PYTORCH_ALLOC_CONF=expandable_segments:True`` before torch is imported,
    switch ``multi_scale`` and ``rect`` off, empty the cache every few dozen epochs. Either way, a smaller ``batch``
    with ``nbs`` kept buys time, and a resumed process starts empty.

Known false alarms:
    Growing images on purpose (progressive resizing), and stages that unfreeze layers, are growth by design; they come
    in steps, not steadily. Runs of fewer than 10 epochs are not judged.

References:
    Sen 1968; Mann 1945; https://pytorch.org/docs/stable/notes/cuda.html (memory management, expandable_segments);
    Ultralytics issues 730, 19917 (memory follows the number of objects), 4057; torchtune issue 1185 (16.4 to 10.8 GB
    with expandable segments).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from trainwatch.detectors._words import epoch_name, forecast_sentence, rate, size
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.oom import place_of
from trainwatch.signals.creep import (
    Creep,
    CreepRule,
    Floats,
    find_creep,
    forecast_detail,
    forecast_with_overhead,
    last_process_step,
    per_epoch,
    start_of,
)
from trainwatch.signals.limits import device_limit_bytes

MIB = 2.0**20


@dataclass(frozen=True)
class MemoryCreep(Detector):
    """Steady growth of device memory.

    Attributes:
        leak: Rule for memory held by live tensors; see :class:`CreepRule`.
        reserve: Rule for the caching allocator's reserve, which moves in segments of 2 and 20 MiB and more.
        dense_share: Share of the reserve's growth in epochs with a new densest batch from which it is put down to them.
        reserve_runs_ahead: Ratio of the reserve's slope to the leak's above which the reserve alone is extrapolated.
    """

    title: ClassVar[str] = "Device memory grows without end"
    requires: ClassVar[tuple[str, ...]] = ("steps.vram_allocated_bytes", "steps.vram_reserved_bytes")
    optional: ClassVar[tuple[str, ...]] = ("steps.vram_free_bytes", "steps.instances")

    leak: CreepRule = field(
        default_factory=lambda: CreepRule(min_slope=MIB, min_growth=32 * MIB, min_growth_share=0.02)
    )
    reserve: CreepRule = field(
        default_factory=lambda: CreepRule(min_slope=8 * MIB, min_growth=128 * MIB, min_growth_share=0.02)
    )
    dense_share: float = 0.5
    reserve_runs_ahead: float = 1.5

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        since = last_process_step(run.events)
        allocated = per_epoch(view.steps("vram_allocated_bytes"), "min", since)
        reserved = per_epoch(view.steps("vram_reserved_bytes"), "median", since)
        reserve_creep = find_creep(*reserved, self.reserve)
        creep, kind, series = find_creep(*allocated, self.leak), "leak", "vram_allocated_bytes"
        if creep is None:
            if reserve_creep is None or self._dense_batches(view, *reserved, since):
                return []
            creep, kind, series = reserve_creep, "fragmentation", "vram_reserved_bytes"
        limit = device_limit_bytes(
            run.meta.get("hardware"), view.steps("vram_free_bytes"), view.steps("vram_reserved_bytes")
        )
        if reserve_creep is not None and reserve_creep.slope > self.reserve_runs_ahead * creep.slope:
            crossing = reserve_creep.reaches(limit)
        else:
            crossing = forecast_with_overhead(creep, *reserved, limit)
        detail = forecast_detail(creep, limit, crossing)
        return [
            Finding(
                id=self.id,
                severity=_severity(run, detail["forecast_epoch"]),
                confidence=0.95 if kind == "leak" and creep.epochs >= 20 else 0.8,
                title=f"Device memory grows by {size(creep.slope)} per epoch ({kind})",
                summary=_summary(run, creep, kind, detail),
                onset=start_of(view.steps(series), creep.onset_epoch),
                series=series,
                measured=Quantity(creep.slope, "bytes/epoch"),
                threshold=Quantity((self.leak if kind == "leak" else self.reserve).min_slope, "bytes/epoch"),
                detail={"kind": kind, **detail},
            )
        ]

    def _dense_batches(self, view: View, epoch: Floats, reserved: Floats, since: int) -> bool:
        """Whether the reserve grew mostly in epochs that held the densest batch so far."""
        at, largest = per_epoch(view.steps("instances"), "max", since)
        common, left, right = np.intersect1d(epoch, at, return_indices=True)
        if len(common) < 3:
            return False
        skip = self.reserve.skip_epochs
        growth = np.maximum(np.diff(np.maximum.accumulate(reserved[left])), 0.0)[skip:]
        record = np.diff(np.maximum.accumulate(largest[right]))[skip:] > 0
        # A median follows a peak in mid-epoch only in the next one.
        record = record | np.concatenate([[False], record[:-1]])
        total = float(growth.sum())
        # Records that fill most of the run explain any growth, and so explain nothing.
        return (
            total > 0 and record.mean() < self.dense_share and float(growth[record].sum()) >= self.dense_share * total
        )


def _severity(run: Run, forecast_epoch: float | int | None) -> Severity:
    ending = how_it_ended(run)
    if ending.kind == "oom" and ending.event is not None and place_of(ending.event) == "device":
        return "critical"
    planned = run.planned_epochs
    return "critical" if forecast_epoch is not None and planned is not None and forecast_epoch < planned else "warning"


def _summary(run: Run, creep: Creep, kind: str, detail: dict[str, Any]) -> str:
    what = "Memory held by live tensors between batches" if kind == "leak" else "The allocator's reserve"
    but = "" if kind == "leak" else ", while live tensors hold no more than before"
    text = (
        f"{what} rises from {size(creep.start_bytes)} at {epoch_name(run, creep.onset_epoch)} to "
        f"{size(creep.end_bytes)} at {epoch_name(run, creep.last_epoch)}, by "
        f"{rate(creep.slope, creep.low, creep.high)}{but}, and does not level off."
    )
    return text + forecast_sentence(run, detail)
