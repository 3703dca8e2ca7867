"""Patience stopped a training that was not done.

What it does:
    Says how the score still moved when patience ran out, and how much of the learning rate was left.

Why it matters:
    Early stopping compares single epochs, without a smallest difference and without allowance for noise: one lucky
    epoch sets a mark that a slowly rising score does not reach again in time. What the schedule would have given at its
    low end (and the close of mosaic) is lost.

How it decides:
    The training ended by patience, before ``planned_share`` of the planned epochs and with the learning rate above
    ``high_lr_ratio`` of its maximum; and over the last ``trend_share`` of the epochs, two patiences at least, the score
    rises: Mann-Kendall p at most ``max_p``, the lower end of its Theil-Sen slope above 0, also over the last patience
    alone, and the gain expected over one more patience at least the smallest improvement (0.002 or 1 % of the score). It
    ends within such an improvement of the best level it ever held: a rise that only makes good what was lost, as after
    the first epochs of a fine-tuning, is none.

What to do:
    Start again from best.pt, or resume if last.pt holds its optimizer, with ``patience`` doubled or ``patience=0``.

Known false alarms:
    A score that rises more and more slowly: the gain to come is less than the slope says.

References:
    ultralytics/utils/torch_utils.py, EarlyStopping (no minimum difference); yolov5 thread 13173; issue 868.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from trainwatch.detectors._curves import CURVES, NOTHING, after_warmup, has_score, lr_ratio, read_score
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, how_it_ended
from trainwatch.runs.patience import replay
from trainwatch.signals.curves import best_level
from trainwatch.signals.trend import mann_kendall, theil_sen


@dataclass(frozen=True)
class PrematureEarlyStop(Detector):
    """A stop by patience on a rising score.

    Attributes:
        planned_share: Share of the planned epochs from which a stop costs little.
        high_lr_ratio: Learning rate over its maximum above which the schedule is not done.
        trend_share: Share of the epochs over which the trend is judged.
        min_epochs: The same in epochs, at least.
        max_p: Largest p-value of the Mann-Kendall test.
        level_epochs: Epochs that make a level.
    """

    title: ClassVar[str] = "Patience stopped it too early"
    optional: ClassVar[tuple[str, ...]] = CURVES

    planned_share: float = 0.8
    high_lr_ratio: float = 0.3
    trend_share: float = 0.4
    min_epochs: int = 12
    max_p: float = 0.01
    level_epochs: int = 5

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score."""
        return None if has_score(run) else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        if how_it_ended(run).kind != "early-stop":
            return []
        score, state, ratio, planned = read_score(view), replay(run), lr_ratio(view), run.planned_epochs
        if score is None or state is None or score.at_ceiling or not score.learnt or planned is None:
            return []
        done = state.last_epoch + 1
        if done >= self.planned_share * planned or (ratio is not None and ratio < self.high_lr_ratio):
            return []
        count = max(self.min_epochs, 2 * state.patience, round(self.trend_share * done))
        kept = score.series.take(score.series.epoch >= max(done - count, after_warmup(view)))
        if len(kept) < self.min_epochs:
            return []
        line, trend = theil_sen(kept.epoch, kept.values), mann_kendall(kept.values)
        gain = line.slope * state.patience
        smallest = score.smallest_step(float(kept.values.max()))
        last = score.series.take(score.series.epoch > state.last_epoch - max(state.patience, self.level_epochs))
        if theil_sen(last.epoch, last.values).low <= 0:
            return []
        if best_level(score.up, self.level_epochs) - float(np.median(score.up[-self.level_epochs :])) > smallest:
            return []
        if not (line.low > 0 and trend.direction > 0 and trend.p_value <= self.max_p and gain >= smallest):
            return []
        where = epoch_name(run, state.last_epoch)
        left = f", with the learning rate still at {100 * ratio:.0f} % of its maximum" if ratio is not None else ""
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.7,
                title=f"Patience stopped a rising score at {where}",
                summary=(
                    f"The training stopped at {where} of {planned}{left}, although {kept.name} rose by "
                    f"{line.slope:.2g} per epoch (95 %: {line.low:.2g} to {line.high:.2g}) over the last {len(kept)} "
                    f"epochs: another {state.patience} would be expected to give {gain:.2g}."
                ),
                onset=kept.where(len(kept) - 1),
                series=kept.name,
                measured=Quantity(gain, "score"),
                threshold=Quantity(smallest, "score"),
                detail={"patience_epochs": state.patience, "lr_ratio": ratio, "slope_per_epoch": line.slope},
            )
        ]
