"""So many batches are added up for one optimizer step that the plan holds hardly any step.

What it does:
    Counts the optimizer steps of the whole plan.

Why it matters:
    The weights move at optimizer steps only. On small data the default ``nbs=64`` or a larger one can add up whole epochs of
    batches: the loss stands still, and everything looks as if nothing could be learnt.

How it decides:
    Planned epochs times batches per epoch, divided by the batches behind one step (``accumulate``). Warning if that is below
    ``min_updates`` (50), while the batches themselves are at least as many: then adding up is what makes them too few, not the
    length of the plan; information where the score has left nothing all the same. The first epochs of a warm-up add up less,
    so the number is a lower one. Also if one batch takes at least ``half`` of the training images, and ``parts`` batches per
    epoch would give the plan that many steps.

What to do:
    Set ``nbs`` to ``batch``: each batch is a step. Where one batch takes all images, a smaller batch.

Known false alarms:
    A trial of a few epochs whose result nobody looks at.

References:
    Ultralytics 8.4 engine/trainer.py: accumulate = max(round(nbs / batch), 1), an optimizer step each ``accumulate`` batches.
    Threshold: this project, from a training of 80 batches that learns with a step each, and nothing with one in 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._curves import CURVES
from trainwatch.detectors._record import count
from trainwatch.detectors._updates import accumulate, learns, planned_batches
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run


@dataclass(frozen=True)
class FewUpdates(Detector):
    """A plan with hardly any optimizer step.

    Attributes:
        min_updates: Optimizer steps of a plan below which it is told.
        half: Share of the training images in one batch from which the batch is what makes them few.
        parts: Batches per epoch that are compared with.
    """

    title: ClassVar[str] = "Hardly any optimizer step"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_updates: int = 50
    half: float = 0.5
    parts: int = 8

    def missing(self, run: Run) -> str | None:
        """Ask for the plan, the batches of an epoch and those behind a step."""
        if planned_batches(run) is None or accumulate(run) is None:
            return "the batches of the plan, or those behind an optimizer step, were not recorded"
        return None

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        batches, behind = planned_batches(view.run), accumulate(view.run)
        if batches is None or behind is None:
            return []
        updates = batches // behind
        if updates >= self.min_updates:
            return []
        if batches < self.min_updates:
            return self._of_one_batch(view, updates)
        summary = (
            f"{behind} batches are added up for one optimizer step, so the {batches} batches of the plan give about "
            f"{updates} steps in all: the weights hardly move."
        )
        return [self._finding(view, updates, 0.9, summary, {"batches": batches, "accumulate": behind})]

    def _of_one_batch(self, view: View, updates: int) -> list[Finding]:
        """Return one finding where so large a batch leaves a plan of many epochs hardly any step; none else."""
        batch, images, planned = (
            view.run.args.get("batch"),
            count(view.run, "dataset", "train_images"),
            view.run.planned_epochs,
        )
        if not isinstance(batch, int) or batch < 2 or not images or batch < self.half * images or not planned:
            return []
        if planned * min(self.parts, images) < self.min_updates:
            return []  # the plan itself is short
        summary = (
            f"One batch (batch={batch}) takes {min(batch, images)} of the {images} training images, so the {planned} "
            f"epochs of the plan give about {updates} optimizer steps in all: the weights hardly move."
        )
        return [self._finding(view, updates, 0.8, summary, {"batch": batch, "train_images": images})]

    def _finding(self, view: View, updates: int, confidence: float, summary: str, detail: dict[str, int]) -> Finding:
        return Finding(
            id=self.id,
            severity="info" if learns(view) else "warning",
            confidence=confidence,
            title=f"The plan holds about {updates} optimizer steps",
            summary=summary,
            measured=Quantity(float(updates), "optimizer steps"),
            threshold=Quantity(float(self.min_updates), "optimizer steps"),
            detail={"updates": updates, **detail},
        )
