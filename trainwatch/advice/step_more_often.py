"""An optimizer step for each batch.

What it changes:
    ``nbs`` down to ``batch``, so that no batches are added up. Where one batch takes most of the training images, ``batch``
    too, to an eighth of them.

Why it works:
    The weights move at optimizer steps only. Ultralytics clips each step's gradient to a length of 10, so a step of many
    batches goes no further than a step of one.

When it is given:
    The plan holds hardly any optimizer step because batches are added up, or one takes most of the images, also where
    something is learnt all the same.

What to expect:
    As many optimizer steps as batches, and a training loss that falls within the first of them. If it does not, the
    rate or the labels are the cause.

References:
    Ultralytics 8.4 engine/trainer.py: accumulate = max(round(nbs / batch), 1); optimizer_step clips at 10.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, number
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class StepMoreOften(Advice):
    """Add up no batches.

    Attributes:
        default_nbs: Ultralytics' nominal batch where the arguments do not tell.
        parts: Batches per epoch where one took most of the images.
    """

    title: ClassVar[str] = "An optimizer step for each batch"
    answers: ClassVar[tuple[str, ...]] = ("few-updates",)

    default_nbs: float = 64.0
    parts: int = 8

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the nominal batch."""
        found = answered(findings, self.answers, least="info")
        batch, nbs = number(context.args, "batch"), number(context.args, "nbs") or self.default_nbs
        if not found or context.trainer != "ultralytics" or batch is None or batch < 1:
            return None
        images = found[0].detail.get("train_images")
        new = min(max(images // self.parts, 1), batch) if isinstance(images, int) else batch
        changes = [Change("batch", int(batch), int(new))] if new < batch else []
        changes += [Change("nbs", int(nbs), int(new))] if new < nbs else []
        if not changes:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=found[0].summary,
            expected=(
                "The training loss falls within the first epochs. Wrong if it does not: then look at the rate and the labels."
            ),
            confidence=0.85,
            sources=("Ultralytics 8.4 engine/trainer.py: accumulate, optimizer_step",),
        )
