"""A momentum whose memory is long against the whole training.

What it does:
    Compares the number of optimizer steps that the momentum averages over with those of the plan.

Why it matters:
    With a momentum m each gradient acts for about 1 / (1 - m) steps, and together they make every step as long as one of a
    rate 1 / (1 - m) times as high. 0.999 is 63 times the step of the default 0.937, and what the first, wild
    gradients started still pushes a thousand steps later.

How it decides:
    The momentum in force is above ``usual`` (0.95) and its memory, 1 / (1 - m) optimizer steps, takes at least ``memory_share``
    (10 %) of those of the plan. Warning; information where the score has left nothing all the same. Not judged with
    ``optimizer=auto``, which chooses its own, nor where the plan was not recorded.

What to do:
    ``momentum=0.937``, with a named optimizer.

Known false alarms:
    Trials of a few dozen steps.

References:
    Goh 2017, Why momentum really works (a step of momentum is one of lr / (1 - m)). Ultralytics 8.4 cfg/default.yaml:
    momentum 0.937, for Adam-like optimizers beta1. Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._curves import CURVES
from trainwatch.detectors._record import chosen_by_auto
from trainwatch.detectors._updates import accumulate, learns, planned_batches
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run


@dataclass(frozen=True)
class MomentumTooHigh(Detector):
    """A momentum that remembers too long.

    Attributes:
        usual: Momentum up to which nothing is told.
        memory_share: Share of the plan's optimizer steps that its memory may take.
    """

    title: ClassVar[str] = "Momentum remembers too long"
    optional: ClassVar[tuple[str, ...]] = CURVES

    usual: float = 0.95
    memory_share: float = 0.1

    def missing(self, run: Run) -> str | None:
        """Ask for the momentum in force and the plan."""
        if _momentum(run) is None:
            return "the momentum in force was not recorded"
        if planned_batches(run) is None:
            return "the batches of the plan were not recorded"
        return None

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        momentum, batches = _momentum(view.run), planned_batches(view.run)
        if momentum is None or batches is None or not self.usual < momentum < 1:
            return []
        updates = max(batches // (accumulate(view.run) or 1), 1)
        memory = 1 / (1 - momentum)
        if memory < self.memory_share * updates:
            return []
        return [
            Finding(
                id=self.id,
                severity="info" if learns(view) else "warning",
                confidence=0.85,
                title=f"Momentum {momentum:g} remembers {memory:.3g} of {updates} optimizer steps",
                summary=(
                    f"A momentum of {momentum:g} averages over {memory:.3g} optimizer steps, the plan has {updates}: each step "
                    f"is as long as one of {memory:.3g} times the rate, and the first gradients push to the end."
                ),
                measured=Quantity(memory, "optimizer steps"),
                threshold=Quantity(self.memory_share * updates, "optimizer steps"),
                detail={"momentum": momentum, "updates": updates},
            )
        ]


def _momentum(run: Run) -> float | None:
    value = run.args.get("momentum")
    if chosen_by_auto(run) or not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return float(value)
