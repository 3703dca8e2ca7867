"""The learning rate of the arguments, where something else raised it.

What it changes:
    No argument: none of them gives such a rate. What is to be found is the code that set it.

Why it works:
    Ultralytics' rate never exceeds ``lr0`` (``warmup_bias_lr`` for biases in the warm-up). A rate that stood far above both
    came from a callback, a scheduler of one's own, or the optimizer state of another run.

When it is given:
    Gradients or loss exploded within 50 steps of a jump of the learning rate to more than ``times`` of what the arguments
    give, in a training of Ultralytics (for others ``guard-steps`` says the same). ``lower-lr`` is not given then.

What to expect:
    A rate on its schedule, and no explosion at that step.

References:
    Ultralytics 8.4 engine/trainer.py: _setup_scheduler (a factor of lr0, 1 at most), the warm-up in _do_train.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, number
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation


@dataclass(frozen=True)
class KeepSchedule(Advice):
    """Find what raised the learning rate.

    Attributes:
        times: Rate over the largest that the arguments give, from which something else raised it.
    """

    title: ClassVar[str] = "Learning rate back on its schedule"
    answers: ClassVar[tuple[str, ...]] = ("gradient-explosion", "loss-explosion")

    times: float = 2.0

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return where to look."""
        given = [r for name in ("lr0", "warmup_bias_lr") if (r := number(context.args, name)) is not None]
        if context.trainer != "ultralytics" or not given:
            return None
        for finding in answered(findings, self.answers):
            before, after, step = (finding.detail.get(f"lr_{n}") for n in ("before_jump", "after_jump", "jump_step"))
            if isinstance(before, int | float) and isinstance(after, int | float) and after > self.times * max(given):
                break
        else:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in answered(findings, self.answers)),
            changes=(),
            why=(
                f"At step {step} the learning rate went from {before:.3g} to {after:.3g}; the arguments give "
                f"{max(given):g} at most. A lower lr0 would not have prevented it."
            ),
            expected="A rate that stays on its schedule. Wrong if it explodes at the same step with such a rate.",
            confidence=0.9,
            sources=("Ultralytics 8.4 engine/trainer.py: the scheduler multiplies lr0 by 1 at most",),
            steps=(
                f"Find what sets the learning rate to {after:.3g} at step {step}: a callback, a scheduler of your own, or an "
                "optimizer state that was loaded.",
                "Go on from a checkpoint that was written before it, with the same arguments.",
            ),
        )
