"""The score swings from epoch to epoch far more than a validation's own noise.

What it does:
    Measures the swing of the score about its running level after warm-up, and counts collapses.

Why it matters:
    Which epoch becomes best.pt is chance, patience stops at a lucky peak, and the next swing may not come back. It
    usually says that the learning rate is too high or the effective batch too small.

How it decides:
    The residuals about a running median of ``window`` epochs, as a share of the level: their noise (from differences
    of neighbours) is at least ``min_swing`` in the second half of the log, or three collapses (see
    transient-collapse) came and went, the last of them there. A training swings at first, which is no fault if it
    settles. That half holds at least ``min_epochs`` epochs after warm-up with a level above ``min_level``, changes of
    regime left out. If the epochs with a level are too few: the score falls by ``start_drop`` of its running maximum and a
    validation loss swings by ``min_loss_swing`` at the same time. Information; warning from ``large_swing`` on, or
    with collapses.

What to do:
    Halve the learning rate, or double the batch (or ``nbs``); with Adam-type optimizers start from 0.001. Judge by a
    running mean of the score, and set ``patience`` to a multiple of the swing's length.

Known false alarms:
    Validation sets of a few dozen objects: their score is coarse by nature.

References:
    Ultralytics PR 24164 (fine-tuning guide: AdamW with lr0=0.001). Thresholds: this project, from real logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import CURVES, NOTHING, collapses, has_score, losses, read_score
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import DIP_DEPTH, Dip, noise, running_median, unsettled
from trainwatch.signals.regimes import near_change


@dataclass(frozen=True)
class UnstableTraining(Detector):
    """A swinging score.

    Attributes:
        min_epochs: Epochs at least in the half that is judged.
        window: Width of the running median in epochs.
        min_level: Scores below are not judged by their swing.
        min_swing: Noise of the score as a share of its level.
        large_swing: The same, for a warning.
        dip_depth: Share of the level that is lost in a collapse.
        dip_epochs: Longest collapse, epochs.
        dip_share: The same as a share of the log, whichever is longer.
        start_drop: Fall from the running maximum while the score has no level yet, as a share of that maximum.
        min_loss_swing: Noise of a validation loss as a share of its level, in the same case.
    """

    title: ClassVar[str] = "Training is unstable"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 20
    window: int = 9
    min_level: float = 0.05
    min_swing: float = 0.05
    large_swing: float = 0.1
    dip_depth: float = DIP_DEPTH
    dip_epochs: int = 10
    dip_share: float = 0.1
    start_drop: float = 0.9
    min_loss_swing: float = 0.1

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score or loss."""
        return None if has_score(run) else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        score = read_score(view)
        if score is None or score.is_loss:
            return []
        whole, found = collapses(view, score, self.dip_depth, self.min_level, (self.dip_epochs, self.dip_share))
        risen = np.flatnonzero(running_median(whole.values, self.window) >= self.min_level)
        if len(risen) and len(whole) - risen[0] >= 2 * self.min_epochs:
            kept = whole.take(np.arange(int(risen[0]), len(whole)))
            return self._by_swing(view, kept, whole, found)
        return self._by_start(view, score.series)

    def _by_swing(self, view: View, kept: Series, whole: Series, found: list[Dip]) -> list[Finding]:
        quiet = near_change(view.run, kept)
        level = running_median(kept.values, self.window)
        shares = np.full(len(kept), np.nan)  # a level of 0 (the score died) has no share
        np.divide(kept.values - level, level, out=shares, where=level > 0)
        half = len(kept) // 2
        swing = noise(np.where(quiet, np.nan, shares)[half:])
        often = unsettled(found, len(whole))
        if swing < self.min_swing and not often:
            return []
        onset = (
            whole.where(found[0].first)
            if often
            else kept.where(half + int(np.argmax(np.nan_to_num(np.abs(shares[half:])))))
        )
        text = f"{kept.name} swings by {100 * swing:.1f} % of its level from epoch to epoch (standard deviation)"
        if found:
            times = "once" if len(found) == 1 else f"{len(found)} times"
            text += f", and fell by more than {100 * self.dip_depth:.0f} % and came back {times}"
        return [
            Finding(
                id=self.id,
                severity="warning" if often or swing >= self.large_swing else "info",
                confidence=float(np.clip(0.55 + 2 * swing + (0.1 if often else 0.0), 0.5, 0.9)),
                title="Training is unstable",
                summary=f"{text}; a sound training's score swings by 1 to 3 %.",
                onset=onset,
                series=kept.name,
                measured=Quantity(swing, "share"),
                threshold=Quantity(self.min_swing, "share"),
                detail={"collapses": len(found)},
            )
        ]

    def _by_start(self, view: View, score: Series) -> list[Finding]:
        """Judge a score that has hardly begun: it rose, was lost again, and the validation loss swings as well."""
        if len(score) < self.min_epochs:
            return []
        top = np.maximum.accumulate(score.values)
        lost = np.flatnonzero((top >= self.min_level / 5) & (score.values < (1 - self.start_drop) * top))
        swings = [self._swing(s) for s in losses(view, "val")]
        if not len(lost) or not swings or max(swings) < self.min_loss_swing:
            return []
        at = int(lost[0])
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.6,
                title=f"Training is unstable from {epoch_name(view.run, int(score.epoch[at]))} on",
                summary=(
                    f"{score.name} had reached {top[at]:.3g} and fell to {score.values[at]:.2g} at "
                    f"{epoch_name(view.run, int(score.epoch[at]))}, and a validation loss swings by "
                    f"{100 * max(swings):.0f} % of its level from epoch to epoch."
                ),
                onset=score.where(at),
                series=score.name,
                measured=Quantity(max(swings), "share"),
                threshold=Quantity(self.min_loss_swing, "share"),
                detail={"collapses": 0},
            )
        ]

    def _swing(self, loss: Series) -> float:
        values = loss.values[loss.finite]
        level = running_median(values, self.window)
        positive = level > 0
        return noise(values[positive] / level[positive])
