"""Leave out the steps of a batch that gives NaN, and name its images.

What it changes:
    No argument: the same training by ``trainwatch train --stabilise=rescue``.

Why it works:
    A NaN of one batch spoils the whole model with one optimizer step. The stabiliser ``rescue`` looks at each step between the
    gradient clip and the weights, leaves out one that is not finite, and writes down which images it held. Ultralytics'
    own recovery replays the epoch with the same batches, and meets the same one.

When it is given:
    The loss became NaN for good, nothing grew before it, and the evidence points at the batch: every attempt failed at the
    same batches, the images themselves were not finite, or the outputs were finite and the loss was not. Not where half
    precision was in force: then ``guard-precision`` comes first.

What to expect:
    The steps that are left out are events with the images of their batch. If none is left out, neither images nor labels made
    the NaN, but code of the user's own: the command trains without it.

References:
    trainwatch explain rescue. Ultralytics 8.4 engine/trainer.py: _handle_nan_recovery replays with the same arguments.
    Chowdhery et al. 2022, PaLM, 5.1 (batches around a spike skipped).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import half_precision, suspect_batch, traced
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation


@dataclass(frozen=True)
class SkipSteps(Advice):
    """Train on without the steps that are not finite.

    Attributes:
        sure: Confidence; a little less than a look at the batch has: it trains on, but mends no image.
    """

    title: ClassVar[str] = "Leave out the steps that are not finite, and name their images"
    answers: ClassVar[tuple[str, ...]] = ("nonfinite-loss",)

    sure: float = 0.55

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the stabilised training."""
        suspect = suspect_batch(findings)
        # A batch that overflows in half precision is sound in full precision.
        in_the_data = traced(findings).get("place") == "input"
        if suspect is None or context.trainer != "ultralytics" or (half_precision(context) and not in_the_data):
            return None
        return Recommendation(
            id=self.id,
            answers=(suspect.id,),
            changes=(),
            why=(
                "The batch or your own code is the suspect, not the learning rate: a replay meets the same cause again. The "
                "stabiliser rescue leaves such a step out before it reaches the weights, and writes down its images."
            ),
            expected=(
                "No NaN reaches the weights, and the page lists each step that was left out with its images. Wrong if none is "
                "left out: then your own callbacks or losses made it, which this command trains without."
            ),
            confidence=self.sure,
            sources=("trainwatch explain rescue", "Ultralytics 8.4 engine/trainer.py: _handle_nan_recovery"),
            steps=("In a script of your own: `watch(model, stabilise=dict(rescue=True))` before the training.",),
        )
