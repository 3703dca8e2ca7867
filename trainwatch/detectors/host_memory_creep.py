"""Host memory that grows from epoch to epoch and does not level off.

What it does:
    Takes the median resident memory (``rss_bytes``) of each epoch and looks for steady growth. It says how fast it
    grows, since when, and at which epoch the limit of the machine, container or address space will be hit.

Why it matters:
    When the limit is hit the kernel kills the process without a word: no exception, no checkpoint, no traceback. A slow
    leak does so in epoch 400 of 600.

How it decides:
    The first 2 epochs are left out (workers, caches, first validation). Of the rest, at least 8 epochs: the Theil-Sen
    slope is at least 2 MiB per epoch and its 95 % interval lies above zero; Mann-Kendall p <= 0.01; slope above 8
    standard errors that allow for autocorrelation; the growth is at least 48 MiB and 3 % of the level; and the slope
    of the last third is at least 0.7 of what it was before, so that caches that fill (``cache=ram``, the image
    buffers of the augmentation) stay quiet. The onset is the knee of a level followed by a line. The forecast
    extrapolates the line; its 95 % interval covers slope and scatter. Critical if it hits the limit before the
    planned end, or if the run died of it; warning otherwise.

What to do:
    Look for what is kept per step or epoch: losses appended to a list without ``.item()`` or ``.detach()`` (each
    keeps the graph of its step alive), predictions collected by a callback, figures never closed. If nothing is kept,
    lower ``workers``, or ``cache``. Resume from the last checkpoint before the limit is hit: a new process starts
    empty.

Known false alarms:
    A cache that is larger than the run so far is filling at constant speed. Pages of a memory-mapped data set count as
    resident and are given back under pressure. Only the training process is measured, not its loader workers.
    Runs of fewer than 10 epochs are not judged.

References:
    Sen 1968; Mann 1945; Ultralytics issues 617, 14150, 9999; https://pytorch.org/docs/stable/notes/faq.html (do not
    accumulate history across your training loop).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from trainwatch.detectors._words import epoch_name, forecast_sentence, rate, size
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Severity
from trainwatch.runs import how_it_ended
from trainwatch.runs.oom import place_of
from trainwatch.signals.creep import (
    Creep,
    CreepRule,
    find_creep,
    forecast_detail,
    last_process_step,
    per_epoch,
    start_of,
)
from trainwatch.signals.limits import host_limit_bytes


@dataclass(frozen=True)
class HostMemoryCreep(Detector):
    """Steady growth of the process's resident memory.

    Attributes:
        rule: Thresholds, documented in :class:`CreepRule`.
    """

    title: ClassVar[str] = "Host memory grows without end"
    requires: ClassVar[tuple[str, ...]] = ("steps.rss_bytes",)

    rule: CreepRule = field(default_factory=CreepRule)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        epoch, value = per_epoch(view.steps("rss_bytes"), "median", last_process_step(run.events))
        creep = find_creep(epoch, value, self.rule)
        if creep is None:
            return []
        limit = host_limit_bytes(run.meta.get("hardware"))
        detail = forecast_detail(creep, limit)
        ending = how_it_ended(run)
        died = ending.kind == "oom" and ending.event is not None and place_of(ending.event) == "host"
        at, planned = detail["forecast_epoch"], run.planned_epochs
        doomed = at is not None and planned is not None and at < planned
        severity: Severity = "critical" if died or doomed else "warning"
        return [
            Finding(
                id=self.id,
                severity=severity,
                confidence=0.95 if creep.epochs >= 20 else 0.85,
                title=f"Host memory grows by {size(creep.slope)} per epoch",
                summary=_summary(view, creep, detail),
                onset=start_of(view.steps("rss_bytes"), creep.onset_epoch),
                series="rss_bytes",
                measured=Quantity(creep.slope, "bytes/epoch"),
                threshold=Quantity(self.rule.min_slope, "bytes/epoch"),
                detail={"kind": "leak", **detail},
            )
        ]


def _summary(view: View, creep: Creep, detail: dict[str, Any]) -> str:
    run = view.run
    return (
        f"Resident memory rises from {size(creep.start_bytes)} at {epoch_name(run, creep.onset_epoch)} to "
        f"{size(creep.end_bytes)} at {epoch_name(run, creep.last_epoch)}, by "
        f"{rate(creep.slope, creep.low, creep.high)}, and does not level off." + forecast_sentence(run, detail)
    )
