"""A smaller and a guarded step, for trainers other than Ultralytics.

What it changes:
    No argument of Ultralytics, but what the own trainer calls them: the learning rate halved (to a tenth, where it never held)
    or put back, the gradient norm clipped, a step that is not finite left out, half precision exchanged for bfloat16, a
    checkpoint of before the onset.

Why it works:
    One step on a NaN gradient turns every weight to NaN, and PyTorch's optimizers take it without asking. A norm that left
    its level before says that the steps were too long; one that did not says that a batch or the precision made it.

When it is given:
    Gradients or loss exploded, or the loss became NaN for good, in a training that is not Ultralytics' (there ``lower-lr``
    and ``guard-precision`` answer with arguments).

What to expect:
    No step of more than the bound, and no weight that is not finite. If it comes back at the same step, the batch makes it.

References:
    torch.nn.utils.clip_grad_norm_ and torch.amp.GradScaler (which leaves such steps out by itself) in PyTorch's docs;
    TrainingArguments: learning_rate, max_grad_norm (1.0 by default), bf16; Lightning's Trainer: gradient_clip_val, precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, significant, traced
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation

CLIP = {
    "lightning": "Clip the gradient norm: Trainer(gradient_clip_val=1.0).",
    "transformers": "Clip the gradient norm: TrainingArguments(max_grad_norm=1.0).",
}
OWN_CLIP = (
    "Clip the gradient norm between backward() and step(), at twice its usual level: "
    "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)."
)
LEAVE_OUT = {
    "lightning": "Leave such a step out: in on_before_optimizer_step, zero the gradients where their norm is not finite.",
    "transformers": "TrainingArguments(logging_nan_inf_filter=False), so that the log shows such a loss where it comes.",
}
OWN_LEAVE_OUT = (
    "Leave such a step out, before backward(): if not torch.isfinite(loss): optimizer.zero_grad(); continue."
)
PRECISION = {
    "lightning": "With precision='16-mixed', try 'bf16-mixed': it has the range of float32.",
    "transformers": "With fp16=True, try bf16=True instead: it has the range of float32.",
}
OWN_PRECISION = "With autocast to float16, try bfloat16: it has the range of float32."


@dataclass(frozen=True)
class GuardSteps(Advice):
    """Halve the rate, clip, leave out what is not finite.

    Attributes:
        rate_factor: The new learning rate over the old one.
        early_steps: First steps of the first epoch; a rate that did not hold for so long is not nearly right ...
        early_factor: ... and is set to this share of itself.
        sure: Confidence where the gradient or the loss exploded first.
        doubtful: Confidence where it came out of the blue.
    """

    title: ClassVar[str] = "Smaller, guarded steps in your own trainer"
    answers: ClassVar[tuple[str, ...]] = ("gradient-explosion", "loss-explosion", "nonfinite-loss")

    rate_factor: float = 0.5
    early_steps: int = 50
    early_factor: float = 0.1
    sure: float = 0.65
    doubtful: float = 0.4

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return what to write into the user's own script."""
        found = answered(findings, self.answers, least="critical")
        if not found or context.trainer == "ultralytics":
            return None
        trainer, first = context.trainer, found[0]
        exploded = any(f.id != "nonfinite-loss" or f.detail.get("precursor_steps") for f in found)
        in_the_data = traced(found).get("place") == "input"
        rate = next((lr for f in found if isinstance(lr := f.detail.get("lr"), int | float) and lr > 0), None)
        before = next((lr for f in found if isinstance(lr := f.detail.get("lr_before_jump"), int | float)), None)
        back = (
            "Start anew: no epoch was whole before it began."
            if any(f.onset is not None and f.onset.epoch == 0 for f in found)
            else "Go on from a checkpoint that was written before it began: the weights of the last one are spoilt."
        )
        steps = []
        if before is not None and not in_the_data:
            steps.append(
                f"Keep the learning rate at {before:.3g}: look at what raises it in your schedule or your own code."
            )
        elif exploded and not in_the_data:
            never_held = any(_at_once(f, self.early_steps) for f in found)
            factor = self.early_factor if never_held else self.rate_factor
            new = f" to {significant(rate * factor):g}" if rate is not None else ""
            steps.append(f"Divide the learning rate by ten{new}." if never_held else f"Halve the learning rate{new}.")
        steps.append(back)
        if exploded and not in_the_data:
            steps.append(CLIP.get(trainer, OWN_CLIP))
        if any(f.id == "nonfinite-loss" for f in found):
            steps.append(LEAVE_OUT.get(trainer, OWN_LEAVE_OUT))
            if not exploded:
                steps += [PRECISION.get(trainer, OWN_PRECISION), _look(first)]
        at = f" It happened at a learning rate of {rate:.3g}." if rate is not None else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(),
            why=(
                f"The steps grew before it happened.{at}"
                if exploded
                else f"Nothing grew before it happened: a batch or the precision is the suspect, not the rate.{at}"
            ),
            expected="No weight that is not finite. Wrong if it comes back at the same step: then that batch makes it.",
            confidence=self.sure if exploded else self.doubtful,
            sources=("PyTorch docs: torch.nn.utils.clip_grad_norm_, torch.amp.GradScaler",),
            steps=tuple(steps),
        )


def _at_once(finding: Finding, steps: int) -> bool:
    onset = finding.onset
    return onset is not None and onset.epoch == 0 and onset.step is not None and onset.step < steps


def _look(finding: Finding) -> str:
    """Say which batch to look at."""
    step = finding.onset.step if finding.onset is not None else None
    which = "the batch of the onset" if step is None else f"the batch of step {step}"
    return f"Look at {which}: inputs and targets that are not finite, divisions by 0, logarithms of 0 in your own loss."
