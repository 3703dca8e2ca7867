"""How many images one optimizer step really sees.

What it does:
    Computes ``batch * max(round(nbs / batch), 1)`` and compares it with ``nbs``; checks that the batch can be divided
    among the devices.

Why it matters:
    Ultralytics has no ``accumulate``: it accumulates ``round(nbs / batch)`` batches. Where ``nbs`` is no multiple of
    ``batch``, or ``batch`` is above ``nbs``, a step sees another number of images than planned, while the learning rate
    stays as it is; only the weight decay is scaled.

How it decides:
    A warning if the effective batch differs from ``nbs`` by more than ``tolerance`` (10 %). Bad if ``batch`` is no
    multiple of the number of devices: each gets ``batch // devices``, and the rest is never trained on in that step.

What to do:
    Set ``nbs`` to the effective batch that you want: ``batch=64 nbs=256`` accumulates 4 batches.

References:
    Ultralytics 8.4.190 engine/trainer.py, _build_train_pipeline; issues 16301, 17376; yolov5 issue 1630. Article on
    seven techniques: batch 64 with 4 accumulated batches stayed at 11.3 GB on a T4 where batch 256 took 15.2 GB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class EffectiveBatch(Check):
    """Images per optimizer step against ``nbs``.

    Attributes:
        tolerance: Share of ``nbs`` by which the effective batch may differ.
    """

    title: ClassVar[str] = "Images per optimizer step"

    tolerance: float = 0.10

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line for a fixed batch."""
        batch, accumulate, ranks = situation.batch, situation.accumulate, situation.ranks
        if batch is None or accumulate is None:
            return []
        if batch % ranks:
            whole = max(round(batch / ranks), 1) * ranks
            return self.bad(
                f"batch={batch} on {ranks} devices: {batch // ranks} images each, {batch % ranks} left over",
                "The batch is divided by whole numbers; the learning rate and the accumulation count what is left over.",
                {"batch": whole},
            )
        nbs, effective = int(situation.number("nbs")), batch * accumulate
        found = f"batch={batch} x {accumulate} accumulated = {effective} images per optimizer step (nbs={nbs})"
        if abs(effective - nbs) > self.tolerance * nbs:
            decay = effective / nbs
            return self.warn(
                found,
                f"The step sees {decay:.3g} times the nominal batch: weight decay is scaled by that, the learning rate is "
                "not.",
                {"nbs": effective},
            )
        return self.ok(found)
