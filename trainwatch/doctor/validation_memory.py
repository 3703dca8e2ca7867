"""Whether validation, with its larger batches, still fits.

What it does:
    Computes the batch of the validation: twice the training's, per device.

Why it matters:
    Out of memory in validation comes at the end of the first epoch, and is not retried. Before suppression, all
    candidates above a confidence of 0.001 are kept, and dense images have many.

How it decides:
    Twice the batch per device (once for obb, semantic and depth). A warning above ``most`` (128) images per device, or
    if ``conf`` is set below ``least_conf`` (0.001), or if the fullest validation image holds more than ``dense`` (500)
    objects while a batch holds 32 images or more.

What to do:
    A smaller ``batch`` with ``nbs`` kept: the optimizer step stays the same.

References:
    Ultralytics 8.4.190 engine/trainer.py, _build_train_pipeline; issues 7030, 7636, 7642, 18642.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class ValidationMemory(Check):
    """Batch of the validation.

    Attributes:
        most: Images per device and batch above which it is a warning.
        dense: Objects in an image from which candidates fill memory.
        dense_batch: Images per device and batch from which dense images are a warning.
        least_conf: Confidence of the trainer's validation; below it, candidates multiply.
    """

    title: ClassVar[str] = "Memory in validation"

    most: int = 128
    dense: int = 500
    dense_batch: int = 32
    least_conf: float = 0.001

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line where a GPU validates a fixed batch."""
        batch = situation.batch
        if batch is None or situation.gpus == () or situation.value("val") is False:
            return []
        times = 1 if situation.model.task in ("obb", "semantic", "depth") else 2
        each = times * (batch // situation.ranks)
        found = f"validation takes {each} images at a time on each device ({times} x the training's)"
        less: dict[str, Any] = {"batch": max(batch // 2, situation.ranks)}
        if not situation.asked("nbs"):
            less["nbs"] = max(int(situation.number("nbs")), batch)
        if situation.asked("conf") and 0 <= situation.number("conf") < self.least_conf:
            return self.warn(
                f"{found}, conf={situation.value('conf')}",
                "Every candidate above it is kept until suppression.",
                {"conf": self.least_conf},
            )
        val = situation.data.val if situation.data else None
        if val is not None and val.most_objects > self.dense and each >= self.dense_batch:
            return self.warn(
                f"{found}; the fullest image holds {val.most_objects} objects",
                "Candidates of dense images fill the memory, and out of memory in validation is not retried.",
                less,
            )
        if each > self.most:
            return self.warn(found, "Out of memory in validation ends the training; it is not retried.", less)
        return self.ok(found)
