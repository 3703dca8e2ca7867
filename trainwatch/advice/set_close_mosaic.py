"""How many epochs the model sees whole images at the end.

What it changes:
    ``close_mosaic`` to 15 % of the epochs where the step at its close is large; at least to what it was.

Why it works:
    Mosaic, mixup, cutmix and copy_paste end together. What the model gains then, it gains from whole images at a
    low rate: a longer end gains more of it, and the jump comes while there is time to settle.

When it is given:
    The losses jumped where mosaic was closed, and the score did not fall there.

What to expect:
    The same step, earlier, and a validation score that goes on rising behind it. If it does not rise, the step was only
    the other scale of the training loss, and the default is right.

References:
    Ultralytics 8.4 data/dataset.py: close_mosaic; issues 14886, 16713, 14110 (the step is expected).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, has, whole
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class SetCloseMosaic(Advice):
    """A longer end without mosaic.

    Attributes:
        share: Share of the epochs.
    """

    title: ClassVar[str] = "Longer end without mosaic"
    answers: ClassVar[tuple[str, ...]] = ("close-mosaic-jump",)

    share: float = 0.15

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return close_mosaic."""
        found = answered(findings, self.answers, least="info")
        planned, old = context.planned_epochs, whole(context, "close_mosaic")
        if not found or planned is None or old is None or context.trainer != "ultralytics":
            return None
        new = round(self.share * planned)
        if new <= old or has(findings, ("overfitting",)):
            return None  # without mosaic a model overfits sooner
        if found[0].detail.get("score_falls"):
            return None  # a longer end without mosaic is more of what cost score
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(Change("close_mosaic", old, new),),
            why=(
                f"{found[0].title}. The last {old} of {planned} epochs are whole images; {new} give it time to settle."
            ),
            expected=(
                f"The step comes at epoch {planned - new + 1}, and the validation score goes on rising behind it. Wrong if "
                "it does not rise: then the step was only another scale of the training loss."
            ),
            confidence=0.35,
            sources=("Ultralytics 8.4 data/dataset.py: close_mosaic", "Ultralytics issues 14886, 16713, 14110"),
        )
