"""More epochs, or more patience.

What it changes:
    ``epochs`` times 1.5 where the model was still learning at the end; ``patience`` doubled where it was stopped while it
    was still learning.

Why it works:
    The schedule is stretched over the new number of epochs, so the rate stays high for longer.

When it is given:
    The training ended (or was stopped by patience) while the validation score was still rising, and it does not overfit.

What to expect:
    The old best is passed before the old number of epochs plus a quarter. If it is not, the model is too small.

References:
    Ultralytics 8.4 utils/torch_utils.py: EarlyStopping (strictly greater, no minimum difference); PR 20599; before 8.4.172
    the counter starts anew with a resume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, has, whole
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class TrainLonger(Advice):
    """Stretch the plan.

    Attributes:
        factor: New epochs over the old ones.
        patience_factor: New patience over the old one.
        sure: Confidence that more epochs bring a better score.
    """

    title: ClassVar[str] = "More epochs or more patience"
    answers: ClassVar[tuple[str, ...]] = ("underfitting", "premature-early-stop")

    factor: float = 1.5
    patience_factor: int = 2
    sure: float = 0.65

    def longer(self, planned: int) -> int:
        """Return the epochs of the longer plan, more than were planned."""
        return max(round(self.factor * planned), planned + 1)

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return epochs or patience."""
        found = answered(findings, self.answers, least="info")
        planned = context.planned_epochs
        if not found or planned is None or planned < 1 or context.trainer != "ultralytics":
            return None
        if has(findings, ("overfitting", "degraded-after-best"), least="info"):
            return None  # the opposite advice
        if has(findings, ("no-learning",)):
            return None  # more epochs of what teaches next to nothing
        stopped = [f for f in found if f.id == "premature-early-stop"]
        patience = whole(context, "patience")
        if stopped and patience is not None and patience > 0:
            new = min(self.patience_factor * patience, max(planned, patience + 1))
            change = Change("patience", patience, new)
            why = f"patience={patience} ended it after {context.epochs_done} of {planned} epochs while it was still learning."
        elif len(stopped) < len(found):
            new = self.longer(planned)
            change = Change("epochs", planned, new)
            why = f"After {context.epochs_done} of {planned} epochs the validation score was still rising."
        else:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in (stopped or found)),
            changes=(change,),
            why=why,
            expected=(
                f"The old best is passed by epoch {max(round(1.25 * context.epochs_done), 1)}. Wrong if it is not: then "
                "the model is too small for the data, or the labels are the limit."
            ),
            confidence=self.sure,
            sources=("Ultralytics 8.4 utils/torch_utils.py: EarlyStopping", "Ultralytics PR 20599"),
        )
