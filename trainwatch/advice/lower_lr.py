"""A lower learning rate that is really used.

What it changes:
    ``lr0``, at least halved and at most 0.01 * effective batch / 64 for SGD-like optimizers, 0.001 for Adam-like ones or
    0.001 * (1 - momentum) for RMSProp; the optimizer by name, since ``optimizer=auto`` ignores ``lr0`` and ``momentum``;
    a momentum above 0.95 back to 0.937; a bias warm-up rate above five times the new ``lr0`` down to it; at least 5
    warm-up epochs.

Why it works:
    Ultralytics clips the gradient norm at 10 in nearly every step, so each update has the length lr * 10: the learning
    rate alone decides how far a step goes. Adam and RMSProp divide by the gradient's size anyway; RMSProp's momentum adds such
    steps up undamped, so that each becomes 1 / (1 - momentum) times as long as Adam's.

When it is given:
    Gradients or loss exploded, the loss became NaN, in training or (with standing metrics) in validation, or the outputs
    died. Not for a loss that became NaN because the input itself was not finite: no rate mends an image. Where the evidence
    points at a batch (every attempt failed at the same ones) it is a second step, in words, unless the rate is far off. Also if
    layers stopped learning at a rate ten times too high: the first steps threw their weights where no gradient is.

What to expect:
    No spike of 20 times the median within the epochs in which it exploded before. If it explodes at the same step, data
    or precision is the cause, not the rate.

References:
    Ultralytics 8.4 engine/trainer.py: optimizer_step, build_optimizer. The rule 0.01 * batch / 64 is the conservative
    one of the article behind "seven techniques" (32 gives 0.005). AdamW 0.001: Ultralytics fine-tuning guide, PR 24164.
    PyTorch's torch.optim.RMSprop: the buffer is momentum * buffer + gradient / sqrt(average), with no factor 1 - momentum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import (
    answered,
    explicit_optimizer,
    images_per_step,
    number,
    significant,
    suspect_batch,
    traced,
)
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation
from trainwatch.usual import DEFAULTS, usual_lr

EXPLODED = ("gradient-explosion", "loss-explosion", "dead-output")
ALWAYS = (*EXPLODED, "nonfinite-loss")
"""Findings that a lower rate answers from a warning on, whatever the rate is."""


@dataclass(frozen=True)
class LowerLr(Advice):
    """Lower the learning rate.

    Attributes:
        high_momentum: Momentum above is part of the trouble.
        min_warmup_epochs: Shortest warm-up.
        far: lr0 over the usual one from which it is named as the root, and the advice is sure.
        kills: lr0 over the usual one from which it is blamed for layers that stop learning.
        bias_ratio: ``warmup_bias_lr`` over lr0 from which it is lowered.
    """

    title: ClassVar[str] = "Lower learning rate, explicit optimizer"
    answers: ClassVar[tuple[str, ...]] = (*ALWAYS, "nonfinite-validation", "gradient-vanishing")

    high_momentum: float = 0.95
    min_warmup_epochs: float = 5.0
    far: float = 2.0
    kills: float = 10.0
    bias_ratio: float = 5.0

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the new learning rate."""
        found = answered(findings, ALWAYS)
        # A validation loss that is NaN while the metrics move is a matter of precision.
        found += answered(findings, ("nonfinite-validation",), least="critical")
        if traced(findings).get("place") == "input":
            found = [f for f in found if not f.id.startswith("nonfinite")]
        lr0 = number(context.args, "lr0")
        if lr0 is None or lr0 <= 0 or context.trainer != "ultralytics":
            return None
        named = explicit_optimizer(context)
        optimizer = str(named[0].new if named else context.args.get("optimizer", "SGD"))
        momentum = number(context.args, "momentum")
        high = momentum is not None and momentum > self.high_momentum
        bound = significant(usual_lr(optimizer, momentum=None if high else momentum, images=images_per_step(context)))
        if lr0 >= self.kills * bound:
            found += answered(findings, ("gradient-vanishing",))
        if not found:
            return None
        second = lr0 < self.kills * bound and suspect_batch(findings) is not None
        second = second and not any(f.id in EXPLODED for f in found)
        new = significant(min(lr0 / 2, bound))
        changes = [*named, Change("lr0", lr0, new)]
        if high:
            changes.append(Change("momentum", momentum, DEFAULTS["momentum"]))
        bias = number(context.args, "warmup_bias_lr")
        if bias is not None and bias > self.bias_ratio * new:
            changes.append(Change("warmup_bias_lr", bias, new))
        warmup = number(context.args, "warmup_epochs")
        long_enough = context.planned_epochs is None or context.planned_epochs > 4 * self.min_warmup_epochs
        if warmup is not None and warmup < self.min_warmup_epochs and long_enough:
            changes.append(Change("warmup_epochs", warmup, self.min_warmup_epochs))
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=() if second else tuple(changes),
            why=self._why(found, lr0, bound, optimizer, context),
            expected=(
                f"{self._seen(found)} Wrong if it comes back at the same step: then look at that batch and at the "
                "precision, not at the rate."
            ),
            confidence=self._confidence(found, lr0, bound),
            root=""
            if second or lr0 <= self.far * bound
            else f"lr0={lr0:g} is {lr0 / bound:.3g} times the usual {bound:.2g}",
            sources=(
                "Ultralytics 8.4 engine/trainer.py: optimizer_step clips at 10.0; build_optimizer: auto ignores lr0",
                "lr0 = 0.01 * batch / 64: article on seven techniques for 600 epochs",
                "Ultralytics PR 24164 (AdamW, lr0=0.001)",
            ),
            steps=(_second(changes),) if second else (),
        )

    def _seen(self, found: Sequence[Finding]) -> str:
        if any(f.id == "gradient-explosion" for f in found):
            return "No spike of the gradient norm in the epochs in which it exploded."
        if any(f.id == "loss-explosion" for f in found):
            return "No jump of the loss in the epochs in which it exploded."
        if any(f.id == "dead-output" for f in found):
            return "The score leaves 0, and the loss does not fall to it."
        if any(f.id == "gradient-vanishing" for f in found):
            return "The gradient norms of those layers stay near their first level."
        return "No NaN at the step where it came."

    def _why(self, found: Sequence[Finding], lr0: float, bound: float, optimizer: str, context: Context) -> str:
        at = found[0].detail.get("lr")
        images = images_per_step(context)
        batch = f" at {images} images per step" if images else ""
        seen = f"It happened at a learning rate of {at:.3g}. " if isinstance(at, int | float) else ""
        auto = (
            " With optimizer=auto the lr0 that you give is ignored, so the optimizer is named."
            if explicit_optimizer(context)
            else ""
        )
        return (
            f"{seen}lr0={lr0:g} is {lr0 / bound:.3g} times what {optimizer} stands safely{batch} ({bound:.2g}).{auto}"
        )

    def _confidence(self, found: Sequence[Finding], lr0: float, bound: float) -> float:
        exploded = any(f.id in (*EXPLODED, "gradient-vanishing") for f in found)
        warned = any(f.detail.get("precursor_steps") or f.detail.get("update_precursor_steps") for f in found)
        too_high = lr0 > self.far * bound
        return 0.9 if exploded and too_high else 0.7 if exploded else 0.6 if warned else 0.3


def _second(changes: Sequence[Change]) -> str:
    words = " ".join(f"{c.arg}={c.new}" for c in changes)
    return f"A second step, if neither the batch nor your own code explains it: {words}."
