"""The training ended as planned although everything was still getting better.

What it does:
    Measures how fast the score still rose, and the losses still fell, at the planned end.

Why it matters:
    The model could have been better for some more epochs. The planned number was too small for this data set.

How it decides:
    Only of a training that did all its planned epochs, at least ``min_epochs``. In the last ``tail_share`` of them
    (before the close of mosaic, if that lies within) the lower end of the score's Theil-Sen slope times the length of
    the tail is at least ``min_gain`` of the score, a Mann-Kendall test agrees, the second half of the tail gains at
    least ``min_late_share`` of what the first does (it does not level off), and the training loss falls as well. A score
    below ``poor_score`` of what is possible rises from next to nothing: what keeps it there is no lack of epochs.

What to do:
    Train longer: a new schedule with twice the epochs, from the start or from best.pt. Raising ``epochs`` and resuming
    is refused by Ultralytics after a finished run.

Known false alarms:
    Cosine schedules gain most in their last third; that levels off at the very end, and is left alone.

References:
    Ultralytics, tips for best training results (300 epochs first; more if no overfitting). Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import CURVES, NOTHING, after_warmup, has_score, losses, read_score, total
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series, how_it_ended
from trainwatch.signals.curves import Score
from trainwatch.signals.regimes import closing_epoch
from trainwatch.signals.trend import mann_kendall, theil_sen


@dataclass(frozen=True)
class Underfitting(Detector):
    """A finished training that still improved.

    Attributes:
        min_epochs: Planned epochs at least.
        tail_share: Share of the epochs that make the tail.
        min_tail_epochs: Its smallest length.
        min_gain: Gain over the tail as a share of the score.
        min_late_share: Gain of the tail's second half over that of its first.
        max_p: Largest p-value of the Mann-Kendall test.
        poor_score: Share of what is possible below which a score is not judged.
    """

    title: ClassVar[str] = "Training ended too soon"
    requires: ClassVar[tuple[str, ...]] = ("epochs.epoch",)
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 20
    tail_share: float = 0.25
    min_tail_epochs: int = 10
    min_gain: float = 0.05
    min_late_share: float = 0.6
    max_p: float = 0.01
    poor_score: float = 0.02

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score and the planned number of epochs."""
        if not has_score(run):
            return NOTHING
        return super().missing(run) or ("the planned epochs are not known" if run.planned_epochs is None else None)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run, score = view.run, read_score(view)
        planned = run.planned_epochs
        if score is None or not score.learnt or planned is None or planned < self.min_epochs:
            return []
        if how_it_ended(run).kind != "completed" or int(score.series.epoch[-1]) + 1 < planned:
            return []
        if not score.is_loss and float(score.series.values.max()) < self.poor_score * score.full:
            return []
        tail = self._tail(view, score)
        if tail is None:
            return []
        line = theil_sen(tail.epoch, score.sign * tail.values)
        length = int(tail.epoch[-1] - tail.epoch[0])
        level = abs(float(np.median(tail.values)))
        trend = mann_kendall(score.sign * tail.values)
        if not (line.low * length >= self.min_gain * level and trend.direction > 0 and trend.p_value <= self.max_p):
            return []
        half = len(tail) // 2
        early, late = (
            theil_sen(tail.epoch[s], score.sign * tail.values[s]).slope for s in (slice(None, half), slice(half, None))
        )
        if late < self.min_late_share * early or not self._train_falls(view, tail):
            return []
        return [self._finding(view, score, tail, line.slope, length, level)]

    def _tail(self, view: View, score: Score) -> Series | None:
        end, close = int(score.series.epoch[-1]) + 1, closing_epoch(view.run)
        count = max(self.min_tail_epochs, round(self.tail_share * end))
        if close is not None and end - count < close < end:
            end = close if end - close < self.min_tail_epochs else end
            count = min(count, end - close) if end > close else count
        start = max(end - count, after_warmup(view))
        tail = score.series.take((score.series.epoch >= start) & (score.series.epoch < end))
        return tail if len(tail) >= self.min_tail_epochs else None

    def _train_falls(self, view: View, tail: Series) -> bool:
        loss = total(losses(view, "train"), "train/*")
        if loss is None:
            return True
        kept = loss.take(loss.finite & (loss.epoch >= tail.epoch[0]) & (loss.epoch <= tail.epoch[-1]))
        return len(kept) < 4 or mann_kendall(kept.values).direction < 0

    def _finding(self, view: View, score: Score, tail: Series, slope: float, length: int, level: float) -> Finding:
        gain = slope * length / level
        where = epoch_name(view.run, int(tail.epoch[0]))
        return Finding(
            id=self.id,
            severity="info",
            confidence=0.7,
            title="Still improving at the planned end",
            summary=(
                f"{score.series.name} still improved by {100 * gain:.0f} % over the {length + 1} epochs from {where} on, "
                "without levelling off, when the planned epochs were done: more epochs would have made the model better."
            ),
            onset=tail.where(0),
            series=score.series.name if score.series.name != "val/*" else losses(view, "val")[0].name,
            measured=Quantity(gain, "share"),
            threshold=Quantity(self.min_gain, "share"),
            detail={"slope_per_epoch": slope},
        )
