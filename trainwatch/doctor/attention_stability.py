"""What YOLO12 needs to start quietly.

What it does:
    For YOLO12, looks at the warm-up and the learning rate.

Why it matters:
    Its attention makes the first epochs rough: gradients are larger and heavier-tailed than those of YOLOv8 or YOLO11,
    and the documentation itself speaks of instability and memory. A warm-up too short leaves them to the full learning
    rate.

How it decides:
    A warning if a long training (``long``, 300 epochs) has a warm-up below ``least`` (3) epochs, or none at all in any
    training.

What to do:
    ``warmup_epochs=10`` for 600 epochs (article), 3 otherwise; ``lr0`` by the effective batch; and record gradients.

References:
    docs.ultralytics.com/models/yolo12 (instability, memory; recommends YOLO11 or YOLO26); README of the YOLOv12
    authors, 2025-06-17; article on seven techniques (warm-up 10 epochs). Measured on the CPU: median gradient norm 5130
    in epoch 0 of yolo12n, 700 to 1080 of yolov8n and yolo11n, batch 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class AttentionStability(Check):
    """Warm-up of a YOLO12.

    Attributes:
        least: Warm-up in epochs below which a long training is at risk.
        long: Epochs from which a training is long.
        long_warmup: Warm-up in epochs that the article gives a long training.
    """

    title: ClassVar[str] = "A quiet start for YOLO12"

    least: float = 3.0
    long: int = 300
    long_warmup: float = 10.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for a YOLO12."""
        if not situation.model.yolo12:
            return []
        warmup, epochs = situation.number("warmup_epochs"), situation.epochs
        found = f"{situation.model.name} with a warm-up of {warmup:g} epochs"
        if warmup <= 0 or (epochs >= self.long and warmup < self.least):
            return self.warn(
                found,
                "YOLO12's gradients are several times those of YOLO11 at the start; its own documentation warns of "
                "instability.",
                {"warmup_epochs": self.long_warmup if epochs >= self.long else min(self.least, max(epochs - 1, 0))},
            )
        return self.ok(f"{found}; less stable and heavier than YOLO11 by its own documentation")
