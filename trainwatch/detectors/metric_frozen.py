"""Metrics that repeat one value exactly while the training goes on.

What it does:
    Finds the epoch from which every metric repeats its value digit for digit to the end of the log.

Why it matters:
    Metrics of a model that changes change. If they do not, validation looks at weights that no longer move: an average
    poisoned by NaN, a learning rate of 0, a frozen or wrongly loaded model. All epochs since are lost.

How it decides:
    All metrics of the last rows equal those of the row before exactly. If the validation losses are not finite,
    ``min_repeats_nonfinite`` such rows are enough. Otherwise the validation losses must repeat as well, for
    ``min_repeats`` rows and ``times_usual`` times the longest stretch of repeats before (on tiny data sets less than
    one optimizer step falls into an epoch, and a third of the rows repeat), while a training loss goes on changing.
    Scores of 0 are left to no-learning. Never critical: what froze them is reported by its own check.

What to do:
    If the validation loss is NaN, see nonfinite-validation. If not: is the learning rate 0, are layers frozen
    (``freeze``), does the validated model share its weights with the trained one?

Known false alarms:
    A model that predicts a tiny validation set perfectly and has no validation loss in the log.

References:
    Ultralytics thread 19357: training loss NaN from epoch 91 of 300, validation metrics frozen to the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import CURVES, losses, metrics, read_score
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import longest_run, repeats, trailing_count


@dataclass(frozen=True)
class MetricFrozen(Detector):
    """Exact repeats of all metrics to the end.

    Attributes:
        min_repeats_nonfinite: Repeating rows needed while a validation loss is not finite.
        min_repeats: Repeating rows needed otherwise.
        times_usual: Times the longest stretch of repeats seen before.
    """

    title: ClassVar[str] = "Metrics are frozen"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_repeats_nonfinite: int = 3
    min_repeats: int = 8
    times_usual: float = 3.0

    def missing(self, run: Run) -> str | None:
        """Ask for metrics; a loss alone that repeats tells too little."""
        return (
            None
            if any(n.startswith("epochs.metrics/") or n == "epochs.fitness" for n in run.column_names())
            else "no validation metric (metrics/*, fitness)"
        )

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        watched = metrics(view) or [s for s in [view.epochs("fitness")] if len(s)]
        if not watched or min(len(s) for s in watched) < 3 or len({len(s) for s in watched}) > 1:
            return []
        score = read_score(view)
        if score is None or score.is_loss or not score.learnt:
            return []
        same = repeats(watched)
        count = trailing_count(same)
        if count == 0 or count == len(same):
            return []
        first = len(same) - count - 1  # the row whose value the others repeat
        onset = watched[0]
        val = [s.take(s.epoch > onset.epoch[first]) for s in losses(view, "val")]
        val = [s for s in val if len(s)]
        nonfinite = any(not s.finite.any() for s in val)
        if nonfinite:
            if count < self.min_repeats_nonfinite:
                return []
        elif not self._convincing(view, val, same, count, int(onset.epoch[first])):
            return []
        return [self._finding(view, score.series, onset, first, count, nonfinite)]

    def _convincing(self, view: View, val: list[Series], same: np.ndarray, count: int, since: int) -> bool:
        usual = longest_run(same[: len(same) - count])
        if count < max(self.min_repeats, self.times_usual * usual):
            return False
        if any(np.ptp(s.values) != 0 for s in val):
            return False  # the loss of the same validation still moves: the metric is at a ceiling, or coarse
        train = [s.take(s.epoch > since) for s in losses(view, "train")]
        return any(len(s) >= 2 and np.ptp(s.values[s.finite]) > 0 for s in train if s.finite.any())

    def _finding(self, view: View, score: Series, onset: Series, first: int, count: int, nonfinite: bool) -> Finding:
        where = epoch_name(view.run, int(onset.epoch[first]))
        why = (
            "the validation loss is not finite"
            if nonfinite
            else "the validation losses repeat as well, while the training loss goes on changing"
        )
        return Finding(
            id=self.id,
            severity="warning",
            confidence=0.95 if nonfinite and count >= 3 else 0.8,
            title=f"Metrics are frozen since {where}",
            summary=(
                f"Every metric repeats its value of {where} exactly in all {count} epochs since "
                f"({score.name} {score.values[-1]:.4g}), and {why}: validation looks at weights that no longer change."
            ),
            onset=onset.where(first),
            series=score.name,
            measured=Quantity(float(count), "epochs"),
            threshold=Quantity(float(self.min_repeats_nonfinite if nonfinite else self.min_repeats), "epochs"),
            detail={"value": float(score.values[-1]), "validation_loss_finite": not nonfinite},
        )
