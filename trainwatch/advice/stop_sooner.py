"""Fewer epochs: the best was long before the end.

What it changes:
    ``epochs`` down to a fifth beyond the best one, so that the schedule ends where the model is best.

Why it works:
    The last, low-rate part of a schedule brings the largest gain; it should fall where the model is still learning,
    not where it is memorising.

When it is given:
    The model overfits, or is worse at the end than at its best, and the best epoch lies in the first two thirds.

What to expect:
    The same best score or a better one, in less time. If it is lower, the longer schedule was needed: then augment.

References:
    YOLOv3 issue 1219 (a schedule must run its course), YOLOv5 issue 10464. Ultralytics 8.4 engine/trainer.py:
    _setup_scheduler (the schedule spans ``epochs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, has
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class StopSooner(Advice):
    """Shorten the plan.

    Attributes:
        beyond_best: New epochs over the number of the best one.
        latest_share: Share of the epochs done behind which a best epoch is no reason to stop sooner.
        least: Epochs at least.
    """

    title: ClassVar[str] = "Fewer epochs"
    answers: ClassVar[tuple[str, ...]] = ("overfitting", "degraded-after-best")

    beyond_best: float = 1.2
    latest_share: float = 2 / 3
    least: int = 10

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the epochs."""
        found = answered(findings, self.answers)
        best, planned = context.best_epoch, context.planned_epochs
        if not found or best is None or planned is None or context.trainer != "ultralytics":
            return None
        if has(findings, ("underfitting", "premature-early-stop"), least="info"):
            return None  # the opposite advice
        if best + 1 > self.latest_share * context.epochs_done:
            return None
        new = max(round(self.beyond_best * (best + 1)), self.least)
        if new >= planned:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(Change("epochs", planned, new),),
            why=(
                f"The best score was at epoch {best + 1} of {context.epochs_done}; the {context.epochs_done - best - 1} epochs "
                "after it made the model no better."
            ),
            expected=(
                f"The same best score within {new} epochs. Wrong if it is lower: then the longer schedule was needed, and "
                "augmentation is the answer."
            ),
            confidence=0.5,
            sources=("Ultralytics 8.4 engine/trainer.py: _setup_scheduler", "YOLOv3 issue 1219", "YOLOv5 issue 10464"),
        )
