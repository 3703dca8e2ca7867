"""Whether the learning rate fits the optimizer and the effective batch.

What it does:
    Compares ``lr0`` with the rule ``lr0 = 0.01 * batch / 64`` for SGD, where batch is the effective one, and with
    ``0.001 * sqrt(batch / 64)`` for the Adam family.

Why it matters:
    The trainer's default ``lr0=0.01`` is meant for SGD; for AdamW it is ten times too large, and is not changed when
    the optimizer is. Nobody scales the learning rate with the batch. Because gradients are clipped at 10.0 in nearly
    every step, the length of a step does not follow the loss: only the learning rate sets it.

How it decides:
    ``lr0`` divided by the rule's value: bad above ``far`` (5), a warning above ``off`` (2) or below 1/``far``. Only with
    a named optimizer; ``auto`` sets its own.

What to do:
    Type the rule's value.

References:
    lr0 = 0.01 * batch / 64: article on seven techniques (32 gives 0.005, 128 gives 0.02). Adam/AdamW 1e-3: comment in
    Ultralytics' default.yaml. Square root for Adam: our proposal. yolov5 issues 1260 and 10514 contradict each other on
    scaling; the code scales nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line
from trainwatch.usual import ADAM_LR, SGD_LR_AT_64


@dataclass(frozen=True)
class LearningRate(Check):
    """``lr0`` against the rule for its optimizer.

    Attributes:
        sgd: lr0 of SGD and MuSGD at the nominal batch.
        adam: lr0 of the Adam family at the nominal batch.
        nominal: Images per step to which these belong.
        off: Ratio to the rule above which it is a warning.
        far: Ratio above which it is bad; below 1/far it is a warning, too.
    """

    title: ClassVar[str] = "Learning rate for this optimizer and batch"

    sgd: float = SGD_LR_AT_64
    adam: float = ADAM_LR
    nominal: int = 64
    off: float = 2.0
    far: float = 5.0

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for a named optimizer."""
        name = str(situation.value("optimizer"))
        if name.lower() == "auto":
            return []
        # A batch that the trainer finds itself is accumulated to about nbs.
        effective = (situation.batch or 0) * (situation.accumulate or 0) or max(int(situation.number("nbs")), 1)
        adam = "adam" in name.lower()
        rule = f"{self.adam:g}*sqrt(batch/64)" if adam else f"{self.sgd:g}*batch/64"
        scale = effective / self.nominal
        fits = float(f"{self.adam * math.sqrt(scale) if adam else self.sgd * scale:.2g}")
        lr0 = situation.number("lr0")
        found = f"lr0={lr0:g} with {name} and {effective} images per step; lr0 = {rule} gives {fits:g}"
        if fits <= 0 or lr0 <= 0:
            return self.bad(found, "A learning rate of zero trains nothing.", {"lr0": max(fits, 1e-6)})
        ratio = lr0 / fits
        if ratio > self.far:
            return self.bad(found, f"{ratio:.2g} times the rule: losses explode in the first epochs.", {"lr0": fits})
        if ratio > self.off:
            return self.warn(found, f"{ratio:.2g} times the rule: the first epochs may be unstable.", {"lr0": fits})
        if ratio < 1 / self.far:
            return self.warn(found, f"{ratio:.2g} of the rule: the training may stand still early.", {"lr0": fits})
        return self.ok(found)
