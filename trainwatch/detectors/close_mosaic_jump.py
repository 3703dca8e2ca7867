"""The curves jump where mosaic is switched off, which is no fault.

What it does:
    Measures how much score and losses change at the epoch of ``close_mosaic``.

Why it matters:
    The jump looks like a breakthrough, an explosion or the start of overfitting, and is none: from that epoch on the
    model sees whole images instead of collages of four. The other checks make allowance for it.

How it decides:
    The medians of up to ``window`` epochs on either side of the change differ by at least ``min_score_share`` of the
    score, or ``min_loss_share`` of a validation loss, and by ``noise_errors`` standard errors. What the trend of the
    epochs before would have given anyway is no jump, nor is what lies between that and the last epochs before: a steep
    trend does not go on for ever. At least ``min_epochs`` epochs on either side, warm-up left
    out.

What to do:
    Nothing. If the score gains much, let more epochs run without mosaic (10 to 20 % of all). If it falls, set
    ``close_mosaic=0``.

Known false alarms:
    A learning rate that is changed in the same epoch.

References:
    Ultralytics issues 14886, 16713, 17649, 14110 (maintainers: expected); data/dataset.py, close_mosaic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from trainwatch.detectors._curves import CURVES, after_warmup, losses, read_score
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import level_error, noise
from trainwatch.signals.regimes import closing_epoch
from trainwatch.signals.trend import theil_sen


class Step(NamedTuple):
    """What a curve does where mosaic ends.

    Attributes:
        share: Distance from the trend over what the trend gives.
        after: Median of the epochs after it.
        expected: Where the trend of the epochs before leads in the middle of those.
    """

    share: float
    after: float
    expected: float


@dataclass(frozen=True)
class CloseMosaicJump(Detector):
    """A step at the close of mosaic.

    Attributes:
        window: Epochs on either side.
        min_epochs: Epochs on either side at least.
        min_score_share: Smallest step of the score, as a share of it.
        min_loss_share: Smallest step of a validation loss, as a share of it.
        noise_errors: The step is larger than this many standard errors.
        floor_share: Share of the lowest value before, below which a falling trend is not drawn out.
    """

    title: ClassVar[str] = "Curves jump where mosaic is closed"
    optional: ClassVar[tuple[str, ...]] = CURVES

    window: int = 8
    min_epochs: int = 3
    min_score_share: float = 0.05
    min_loss_share: float = 0.1
    noise_errors: float = 4.0
    floor_share: float = 0.5

    def missing(self, run: Run) -> str | None:
        """Apply where the epoch of the change is known."""
        if not any(
            n == "epochs.fitness" or n.startswith(("epochs.metrics/", "epochs.val/")) for n in run.column_names()
        ):
            return "no validation score and no validation loss"
        return None

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        at = closing_epoch(view.run)
        score = read_score(view)
        if at is None or score is None:
            return []
        warm = after_warmup(view)
        steps = {} if score.is_loss else {score.series.name: self._step(score.series, warm, at, self.min_score_share)}
        steps |= {s.name: self._step(s, warm, at, self.min_loss_share) for s in losses(view, "val")}
        jumps = {n: s for n, s in steps.items() if s is not None}
        if not jumps:
            return []
        falls = jumps[score.series.name].share < 0 if score.series.name in jumps else False
        largest = max(jumps, key=lambda n: abs(jumps[n].share))
        told = "; ".join(f"{n} is {s.after:.3g} where {s.expected:.3g} was to be expected" for n, s in jumps.items())
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.85,
                title=f"Curves jump at {epoch_name(view.run, at)}, where mosaic is closed",
                summary=(
                    f"Mosaic ends at {epoch_name(view.run, at)}, and curves leave the trend of the epochs before: {told} "
                    f"(medians of up to {self.window} epochs on either side). "
                    + (
                        "The score is lower without mosaic: if it stays so, close_mosaic=0 keeps mosaic on to the end."
                        if falls
                        else "That is how it should be."
                    )
                ),
                onset=Where(epoch=at),
                series=largest,
                measured=Quantity(abs(jumps[largest].share), "share"),
                threshold=Quantity(
                    self.min_loss_share if largest.startswith("val/") else self.min_score_share, "share"
                ),
                detail={"steps": {n: s.share for n, s in jumps.items()}, "score_falls": falls},
            )
        ]

    def _step(self, series: Series, warm: int, at: int, smallest: float) -> Step | None:
        """Return the step; None if it is too small."""
        series = series.take(series.finite)
        before = series.take((series.epoch < at) & (series.epoch >= max(warm, at - self.window)))
        after = series.take((series.epoch >= at) & (series.epoch < at + self.window))
        if min(len(before), len(after)) < self.min_epochs:
            return None
        level = float(np.median(before.values))
        trend = theil_sen(before.epoch, before.values).slope
        expected = level + trend * (float(np.median(after.epoch)) - float(np.median(before.epoch)))
        # A curve that falls steeply does not go on to below zero.
        expected = max(expected, self.floor_share * float(before.values.min()))
        reached, last = float(np.median(after.values)), float(np.median(before.values[-self.min_epochs :]))
        step = reached - float(np.clip(reached, min(expected, last), max(expected, last)))
        error = level_error(noise(before.values), min(len(before), len(after)))
        scale = max(level, expected)
        if level <= 0 or abs(step) < max(smallest * scale, self.noise_errors * error):
            return None
        return Step((reached - expected) / (expected if expected > 0 else level), reached, expected)
