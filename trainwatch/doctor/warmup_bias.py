"""Whether the bias learning rate of the warm-up suits the optimizer.

What it does:
    Compares ``warmup_bias_lr`` with ``lr0`` for a named optimizer of the Adam family.

Why it matters:
    The warm-up begins with ``warmup_bias_lr`` (0.1, a constant from YOLOv5 and SGD) for the biases and falls to
    ``lr0``. With AdamW at 0.001 that is a hundred times too much: the loss jumps in the first half epoch.

How it decides:
    A warning if ``warmup_bias_lr`` is above ``ratio`` (5) times ``lr0``, there is a warm-up, and the optimizer is of
    the Adam family. ``auto`` sets it to 0 itself.

What to do:
    ``warmup_bias_lr=0``, as ``auto`` and the YOLOv12 authors' own settings do.

References:
    Ultralytics issues 10130, 12065, 10209; Ultralytics 8.4.190 engine/trainer.py, build_optimizer; default.yaml of the
    YOLOv12 authors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class WarmupBias(Check):
    """Bias learning rate of the warm-up.

    Attributes:
        ratio: Times lr0 from which it is too much for the Adam family.
    """

    title: ClassVar[str] = "Bias learning rate in the warm-up"

    ratio: float = 5.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for the Adam family with a warm-up."""
        name = str(situation.value("optimizer"))
        bias, lr0 = situation.number("warmup_bias_lr"), situation.number("lr0")
        if "adam" not in name.lower() or situation.number("warmup_epochs") <= 0:
            return []
        if bias > self.ratio * lr0:
            return self.warn(
                f"warmup_bias_lr={bias:g} is {bias / lr0 if lr0 else float('inf'):.3g} times lr0={lr0:g} with {name}",
                "The biases begin the warm-up at that rate, and the loss jumps in the first half epoch.",
                {"warmup_bias_lr": 0.0},
            )
        return self.ok(f"warmup_bias_lr={bias:g} with lr0={lr0:g}")
