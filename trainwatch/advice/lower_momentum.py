"""The usual momentum.

What it changes:
    ``momentum`` back to 0.937; the optimizer by name, since ``optimizer=auto`` ignores it.

Why it works:
    A step of momentum m is as long as one of lr / (1 - m): 0.999 is 63 times as long as the default.

When it is given:
    The momentum's memory is long against the whole plan, also where something is learnt all the same.

What to expect:
    The validation losses of the first epochs lie near the training's, and the score rises from there. If it does not, the
    rate itself is too high.

References:
    Goh 2017, Why momentum really works. Ultralytics 8.4 cfg/default.yaml: momentum 0.937.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, explicit_optimizer, number
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class LowerMomentum(Advice):
    """Take the default.

    Attributes:
        default: Ultralytics' default momentum.
    """

    title: ClassVar[str] = "The usual momentum"
    answers: ClassVar[tuple[str, ...]] = ("momentum-too-high",)

    default: float = 0.937

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the momentum."""
        found = answered(findings, self.answers, least="info")
        momentum = number(context.args, "momentum")
        if not found or context.trainer != "ultralytics" or momentum is None or momentum <= self.default:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(*explicit_optimizer(context), Change("momentum", momentum, self.default)),
            why=found[0].summary,
            expected=(
                "The validation losses of the first epochs lie near the training's. Wrong if not: then the rate is too high."
            ),
            confidence=0.8,
            sources=("Goh 2017, Why momentum really works", "Ultralytics 8.4 cfg/default.yaml: momentum 0.937"),
        )
