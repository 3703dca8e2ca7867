"""A batch that stands out and leaves no mark.

What it does:
    Names single steps, or a few in a row, whose loss lies far above anything that this training shows otherwise, and
    after which it goes on as before.

Why it matters:
    Such a batch often holds a broken label or image. It is no divergence: nothing has to be done to the learning rate. But it
    is worth a look, since it comes back every epoch.

How it decides:
    A spike is a step whose loss is at least ``spike_ratio`` (10) times the median of the 200 steps before and 6 median
    absolute deviations of log10 above it. It is a bad batch if the series' own tail makes it unlikely
    (``chances_per_run``, 0.02), if it is over within 10 steps, and if the 20 steps behind it are back below twice the
    level. Information, never more. Up to ``most`` (10) are listed.

What to do:
    Look at the images and labels of the batch named. If it comes back in every epoch, take them out.

Known false alarms:
    Data sets with a few images that hold a hundred times the objects of the others.

References:
    Chowdhery et al. 2022, PaLM (spikes depend on batch and state; the same batch from another state shows none).
    Thresholds: this project, on log-normal and heavy-tailed traces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Series
from trainwatch.signals.level import Ratios, burst, departure, is_blip


@dataclass(frozen=True)
class BadBatch(Detector):
    """Single batches that stand out.

    Attributes:
        window_steps: Steps that make the level.
        min_past_steps: Steps before the first judgement.
        spike_ratio: Times the level.
        spike_mads: Median absolute deviations of log10 above the level.
        within_steps: Spikes closer than this are one incident.
        chances_per_run: Batches by chance that are allowed in a run.
        most: Batches that are listed.
    """

    title: ClassVar[str] = "A batch stands out"
    requires: ClassVar[tuple[str, ...]] = ("steps.loss",)
    optional: ClassVar[tuple[str, ...]] = ("steps.batch", "steps.instances")

    window_steps: int = 200
    min_past_steps: int = 30
    spike_ratio: float = 10.0
    spike_mads: float = 6.0
    within_steps: int = 50
    chances_per_run: float = 0.02
    most: int = 10

    def judge(self, view: View) -> list[Finding]:
        """Return one finding that lists them, or none."""
        loss = view.steps("loss")
        if len(loss) <= self.min_past_steps:
            return []
        away = departure(loss.values, self.window_steps, self.min_past_steps)
        spike = away.above(self.spike_ratio, self.spike_mads)
        found: list[int] = []
        while len(found) < self.most:
            incident = burst(away.ratios, spike, 1, self.within_steps, self.chances_per_run, rows=loss.rows)
            if incident is None:
                break
            first, last = incident
            if is_blip(away.ratios, first, last):
                found.append(first + int(np.argmax(away.ratios[first : last + 1])))
            spike[: last + 1] = False
        return [self._finding(view, loss, away.ratios, found)] if found else []

    def _finding(self, view: View, loss: Series, ratio: Ratios, found: list[int]) -> Finding:
        first = found[0]
        step = int(loss.step[first])
        batches = view.steps("batch")
        at = np.flatnonzero(batches.step == step)
        batch = int(batches.values[at[0]]) if len(at) else None
        where = f"{epoch_name(view.run, int(loss.epoch[first]))}, step {step}"
        others = (
            f" So do the batches at steps {', '.join(str(int(loss.step[i])) for i in found[1:])}." if found[1:] else ""
        )
        return Finding(
            id=self.id,
            severity="info",
            confidence=0.8,
            title=f"{'One batch stands' if len(found) == 1 else f'{len(found)} batches stand'} out",
            summary=(
                f"The loss of one batch ({where}{f', batch {batch} of its epoch' if batch is not None else ''}) is "
                f"{loss.values[first]:.4g}, {ratio[first]:.3g} times the median of the steps before; afterwards the training "
                f"goes on as it was.{others}"
            ),
            onset=loss.where(first),
            end=loss.where(found[-1]),
            series="loss",
            measured=Quantity(float(max(ratio[i] for i in found)), "times the median"),
            threshold=Quantity(self.spike_ratio, "times the median"),
            detail={"steps": [int(loss.step[i]) for i in found], "batch": batch},
        )
