"""A learning rate that moves the weights.

What it changes:
    ``lr0`` ten times as high, at most 0.01 for SGD-like and 0.001 for Adam-like optimizers, 0.001 * (1 - momentum) for RMSProp,
    with the optimizer by name; at once to that rate where it lies a hundred times above, since ten times nothing is nothing;
    where the rate was switched off by its schedule, ``lrf`` back to 0.01; where it never came out of the warm-up,
    ``warmup_epochs`` to a tenth of the plan, to 0 where the 100 steps that older Ultralytics takes
    at least are too long.

Why it works:
    An update of SGD is at most 10 * lr long, because the gradient is clipped at 10: a rate of 1e-6 moves nothing.

When it is given:
    The learning rate is too small to learn, and nothing exploded or became NaN. Never beside a lower one.

What to expect:
    The training loss falls by more than 5 % in the first 5 epochs after the warm-up. If it does not, the rate was not
    the reason: look at labels and frozen layers.

References:
    Ultralytics 8.4 engine/trainer.py: optimizer_step clips at 10.0; PR 24164 (AdamW, lr0=0.001). Smith 2017 (range test).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import DIVERGED, answered, explicit_optimizer, has, number, significant
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation
from trainwatch.usual import usual_lr


@dataclass(frozen=True)
class RaiseLr(Advice):
    """Raise the learning rate.

    Attributes:
        factor: New lr0 over the old one.
        far: The rate usual for the optimizer over lr0 from which it is taken at once.
        lrf: Last rate over the first where the schedule had switched it off.
        warmup_epochs: Longest warm-up where it took most of the plan.
        warmup_share: The same as a share of the plan.
        least_share: Share of the plan that the trainer's shortest warm-up may take; above, there is none.
    """

    title: ClassVar[str] = "Higher learning rate"
    answers: ClassVar[tuple[str, ...]] = ("lr-too-small",)

    factor: float = 10.0
    far: float = 100.0
    lrf: float = 0.01
    warmup_epochs: float = 3.0
    warmup_share: float = 0.1
    least_share: float = 0.3

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the new learning rate, or the end of the schedule."""
        found = answered(findings, self.answers)
        lr0 = number(context.args, "lr0")
        if not found or lr0 is None or context.trainer != "ultralytics" or has(findings, DIVERGED, least="info"):
            return None
        if found[0].detail.get("kind") == "warm-up":
            return self._shorter_warmup(found[0], context)
        off = found[0].detail.get("kind") == "off"
        named = explicit_optimizer(context)
        optimizer = str(named[0].new if named else context.args.get("optimizer", "SGD"))
        bound = significant(usual_lr(optimizer, momentum=number(context.args, "momentum")))
        changes: list[Change] = []
        lrf = number(context.args, "lrf")
        if off and lrf is not None and lrf < self.lrf:
            changes.append(Change("lrf", lrf, self.lrf))
        elif not off and 0 <= lr0 < bound:
            new = significant(min(self.factor * lr0, bound)) if self.far * lr0 > bound else bound
            changes += [*named, Change("lr0", lr0, new)]
        steps = (
            ("Look for code that sets the rate to zero: a scheduler of your own, or one that is stepped per batch.",)
            if off
            else ()
        )
        if not changes and not steps:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=f"{found[0].summary}",
            expected=(
                "The training loss falls by more than 5 % within 5 epochs after the warm-up. Wrong if it does not: then "
                "look at labels and frozen layers, not at the rate."
            ),
            confidence=0.75 if changes else 0.5,
            root=self._root(lr0, bound, changes),
            sources=("Ultralytics 8.4 engine/trainer.py: optimizer_step clips at 10.0", "Ultralytics PR 24164"),
            steps=steps,
        )

    def _root(self, lr0: float, bound: float, changes: Sequence[Change]) -> str:
        raised = any(c.arg == "lr0" for c in changes)
        return f"lr0={lr0:g} is {bound / lr0:.3g} times below the usual {bound:g}" if raised and 0 < lr0 < bound else ""

    def _shorter_warmup(self, finding: Finding, context: Context) -> Recommendation | None:
        planned, old = context.planned_epochs, number(context.args, "warmup_epochs")
        if not planned or old is None:
            return None
        least = number(finding.detail, "least_epochs") or 0.0
        usual = min(self.warmup_epochs, significant(self.warmup_share * planned))
        new = 0.0 if least > self.least_share * planned else usual
        if not new < old:
            return None
        return Recommendation(
            id=self.id,
            answers=(finding.id,),
            changes=(Change("warmup_epochs", old, new),),
            why=finding.summary,
            expected=(
                "The recorded rate reaches lr0 within a tenth of the plan, and the training loss falls faster from there on. "
                "Wrong if it explodes there: then lr0 is too high."
            ),
            confidence=0.85,
            sources=("Ultralytics 8.4 engine/trainer.py: _get_warmup_iterations; older ones: 100 steps at least",),
        )
