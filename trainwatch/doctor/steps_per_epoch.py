"""Whether an epoch holds enough optimizer steps, and the training more than its warm-up.

What it does:
    Computes optimizer steps per epoch from the number of images, ``batch`` and ``nbs``, and compares the warm-up with
    the training.

Why it matters:
    With few images the accumulation starves the training of updates: 100 images at batch 16 and nbs 64 are two steps an
    epoch. A warm-up longer than the training never reaches the learning rate.

How it decides:
    A warning below ``least`` (10) optimizer steps per epoch. Bad if the warm-up is at least as long as the training;
    before Ultralytics 8.4.120 it lasted at least ``least_warmup`` (100) iterations, whatever was asked.

What to do:
    ``nbs`` equal to ``batch`` ends the accumulation; ``warmup_epochs`` at most a tenth of ``epochs``.

References:
    Ultralytics 8.4.190 engine/trainer.py, _build_train_pipeline and _get_warmup_iterations (the minimum of 100
    iterations went between 8.4.90 and 8.4.120); issue 15748.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class StepsPerEpoch(Check):
    """Optimizer steps per epoch, and the warm-up.

    Attributes:
        least: Optimizer steps per epoch below which accumulation starves the training.
        least_warmup: Iterations that the warm-up of older versions lasted at least.
        minimum_gone: Version from which that minimum is gone for certain.
        warmup_share: Share of the epochs that is suggested as warm-up.
    """

    title: ClassVar[str] = "Optimizer steps per epoch and warm-up"

    least: int = 10
    least_warmup: int = 100
    minimum_gone: tuple[int, ...] = (8, 4, 120)
    warmup_share: float = 0.1

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line, or two."""
        batches, accumulate, epochs = situation.batches_per_epoch, situation.accumulate, situation.epochs
        warmup = situation.number("warmup_epochs")
        lines: list[Line] = []
        shorter: dict[str, Any] = {"warmup_epochs": round(self.warmup_share * epochs, 2)}
        old = situation.trainer is not None and situation.trainer < self.minimum_gone
        if warmup >= epochs:
            lines += self.bad(
                f"warmup_epochs={warmup:g} in a training of {epochs} epochs",
                "The warm-up never ends: the learning rate is not reached (newer versions cut it to all but the last "
                "epoch).",
                shorter,
            )
        elif old and warmup > 0 and batches is not None and batches * epochs <= self.least_warmup:
            lines += self.bad(
                f"{batches * epochs} batches in all, but this version's warm-up lasts at least {self.least_warmup}",
                "The training ends inside its warm-up.",
                {"warmup_epochs": 0.0},
                "pip install -U ultralytics",
            )
        if batches is None or accumulate is None:
            return lines or self.unknown(
                "could not tell how many steps an epoch has: no fixed batch, or no images counted"
            )
        steps = batches / accumulate
        found = f"{situation.train_images} images: {batches} batches per epoch, optimizer steps per epoch: {steps:.3g}"
        if steps >= self.least:
            return lines or self.ok(f"{found}; warm-up of {warmup:g} epochs")
        if accumulate > 1:
            less: dict[str, Any] = {"nbs": situation.batch}
            why = f"Accumulating {accumulate} batches leaves few updates."
        else:
            less = {"batch": max((situation.batch or 1) // 2, 1)} if (situation.batch or 1) > 1 else {}
            why = "Few updates per epoch: plan more epochs, or a smaller batch."
        return [*lines, *self.warn(found, why, less)]
