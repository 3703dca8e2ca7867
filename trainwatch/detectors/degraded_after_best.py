"""The score ends clearly below its best level.

What it does:
    Measures how far the last epochs lie below the best level that the score ever held.

Why it matters:
    last.pt is worse than best.pt, and the epochs between them were wasted. Resuming from last.pt goes on with the worse
    one.

How it decides:
    The best level is a running median over ``level_epochs`` epochs, so that a lucky epoch is none; the final level is
    the median of the last ``final_epochs``. The drop is at least ``min_drop`` of the best level and ``noise_errors``
    standard deviations of the score's noise, and each of the last epochs lies below the best level by half of that.
    Warm-up is left out, and so are scores that repeat exactly, unless the validation loss got worse as well (otherwise
    they are metric-frozen's). Warning from ``large_drop`` on.

What to do:
    Use best.pt. If it fell at once, look for what changed there (a restart of the learning rate, an intervention, a
    resume). If it fell slowly, see overfitting. If training goes on, go on from best.pt with a lower learning rate.

Known false alarms:
    A log that ends in the middle of a dip from which the training would have come back.

References:
    Ultralytics, ModelCheckpoint of best.pt by fitness; issue 19357. Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import CURVES, NOTHING, after_warmup, has_score, losses, read_score, total
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run
from trainwatch.signals.curves import noise, running_median


@dataclass(frozen=True)
class DegradedAfterBest(Detector):
    """A score that ends low.

    Attributes:
        min_epochs: Validated epochs after warm-up at least.
        level_epochs: Width of the running median.
        final_epochs: Last epochs that make the final level.
        min_drop: Smallest drop as a share of the best level.
        large_drop: Drop from which it is a warning.
        noise_errors: The drop is larger than this many standard deviations of the noise.
    """

    title: ClassVar[str] = "Score ends below its best"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 12
    level_epochs: int = 5
    final_epochs: int = 4
    min_drop: float = 0.05
    large_drop: float = 0.15
    noise_errors: float = 2.5

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score or loss."""
        return None if has_score(run) else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        score = read_score(view)
        if score is None or not score.learnt or score.is_loss:
            return []  # of a loss alone, overfitting tells the same with its cause
        kept = score.series.take(score.series.epoch >= after_warmup(view))
        if len(kept) < self.min_epochs:
            return []
        up = kept.values
        smooth = running_median(up, self.level_epochs)
        at = int(np.argmax(smooth))
        if np.ptp(up[-self.final_epochs :]) == 0 and not self._loss_rose(view, int(kept.epoch[at])):
            return []
        best, end = float(smooth[at]), float(np.median(up[-self.final_epochs :]))
        drop, sigma = best - end, noise(up)
        if best <= 0 or drop < max(self.min_drop * best, self.noise_errors * sigma):
            return []
        if not (up[-self.final_epochs :] < best - drop / 2).all():
            return []
        where = epoch_name(view.run, int(kept.epoch[at]))
        share = drop / best
        return [
            Finding(
                id=self.id,
                severity="warning" if share >= self.large_drop else "info",
                confidence=float(np.clip(0.6 + share, 0.6, 0.95)),
                title=f"Score ends {100 * share:.0f} % below its best",
                summary=(
                    f"{kept.name} held its best level of {best:.4g} around {where} and ends at {end:.4g}, "
                    f"{100 * share:.0f} % lower; its noise from epoch to epoch is {sigma:.2g}. best.pt is the better "
                    "checkpoint, not last.pt."
                ),
                onset=kept.where(at),
                series=kept.name,
                measured=Quantity(share, "share"),
                threshold=Quantity(max(self.min_drop, self.noise_errors * sigma / best), "share"),
                detail={"best_level": best, "best_epoch": int(kept.epoch[at]), "final_level": end},
            )
        ]

    def _loss_rose(self, view: View, since: int) -> bool:
        """Whether the validation loss ends as much above its level at the best score as the score lies below."""
        loss = total(losses(view, "val"), "val/*")
        if loss is None or not loss.finite.all() or len(loss) < self.min_epochs:
            return False
        at = int(np.searchsorted(loss.epoch, since))
        before = float(np.median(loss.values[max(at - self.level_epochs, 0) : at + 1]))
        return float(np.median(loss.values[-self.final_epochs :])) > (1 + self.min_drop) * before > 0
