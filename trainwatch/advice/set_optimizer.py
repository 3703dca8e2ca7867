"""An optimizer by name, so that the learning rate asked for is used.

What it changes:
    ``optimizer`` by name and ``lr0`` as it was asked for.

Why it works:
    ``optimizer=auto`` ignores ``lr0`` and ``momentum``; any other value takes them.

When it is given:
    The learning rate in force is not the one that was asked for, and nothing exploded.

What to expect:
    The recorded rate reaches the lr0 asked for after the warm-up. Whether that trains better is another question: compare
    the score after a tenth of the plan.

References:
    Ultralytics 8.4 engine/trainer.py: build_optimizer; issues 8400, 22782, 17444.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import DIVERGED, answered, changed, has, number
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation

NAMES = ("SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp")


@dataclass(frozen=True)
class SetOptimizer(Advice):
    """Name the optimizer.

    Attributes:
        adam_lr: Rate above which SGD is named instead of an Adam-like optimizer, which would not stand it.
        default: Optimizer where the one in force is not known.
    """

    title: ClassVar[str] = "Optimizer by name, lr0 as asked for"
    answers: ClassVar[tuple[str, ...]] = ("lr-overridden",)

    adam_lr: float = 0.002
    default: str = "SGD"

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return optimizer and lr0."""
        found = answered(findings, self.answers, least="info")
        asked = number(found[0].detail, "requested_lr0") if found else None
        if asked is None or not 0 < asked <= 1 or context.trainer != "ultralytics" or has(findings, DIVERGED):
            return None
        in_force = str(found[0].detail.get("optimizer") or context.args.get("optimizer") or "")
        optimizer = next((n for n in NAMES if n.lower() == in_force.lower()), self.default)
        too_high = "adam" in optimizer.lower() and asked > self.adam_lr
        if too_high:
            optimizer = self.default
        old = "auto" if found[0].detail.get("auto", True) else context.args.get("optimizer")
        changes: list[Change] = [] if old == optimizer else [Change("optimizer", old, optimizer)]
        changes += changed(context.args, lr0=asked) if "auto" not in (old,) else [
            Change("lr0", found[0].detail.get("lr0"), asked)
        ]  # fmt: skip
        if not changes:
            return None
        actual = found[0].detail.get("lr0")
        seen = f"The training ran with {actual:.3g}. " if isinstance(actual, int | float) else ""
        adam = f" {asked:g} is too high for {in_force}, which was chosen." if too_high else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=f"lr0={asked:g} was asked for and ignored. {seen}Only a named optimizer takes it.{adam}",
            expected=(
                f"The recorded rate reaches {asked:g} after the warm-up; compare the score after a tenth of the plan. Wrong "
                "if it is lower there: then auto chose better."
            ),
            confidence=0.75,
            sources=("Ultralytics 8.4 engine/trainer.py: build_optimizer", "Ultralytics issues 8400, 22782, 17444"),
        )
