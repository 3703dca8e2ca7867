"""Arguments back in the range that trainings usually have.

What it changes:
    Each argument that lies outside, to its default; ``lr0`` to what the optimizer usually takes.

Why it works:
    Outside of the range in which trainings are searched the defaults of everything else no longer fit.

When it is given:
    The score is poor and arguments lie outside of the usual range. What a check with evidence of its own says of the same
    argument goes first.

What to expect:
    A higher score at the same epoch. If it is no higher, the old value was not what held the training back.

References:
    Ultralytics 8.4 engine/tuner.py (ranges searched), cfg/default.yaml (defaults). Rates: trainwatch/usual.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, changed, images_per_step, number, significant
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation
from trainwatch.usual import DEFAULTS, usual_lr


@dataclass(frozen=True)
class UsualArguments(Advice):
    """Take the usual values.

    Attributes:
        sure: Confidence where an argument lies so far outside that it is a warning.
        unsure: Confidence otherwise.
    """

    title: ClassVar[str] = "Arguments back to their usual values"
    answers: ClassVar[tuple[str, ...]] = ("unusual-arguments",)

    sure: float = 0.6
    unsure: float = 0.4

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the usual values of what is not."""
        found = answered(findings, self.answers, least="info")
        if not found or context.trainer != "ultralytics":
            return None
        odd = dict(found[0].detail.get("arguments") or {})
        new = {name: DEFAULTS[name] for name in odd if name in DEFAULTS}
        if "lr0" in odd:
            momentum = new.get("momentum", number(context.args, "momentum"))
            optimizer = str(context.args.get("optimizer", "SGD"))
            new["lr0"] = significant(usual_lr(optimizer, momentum=momentum, images=images_per_step(context)))
        changes = changed(context.args, **new)
        if not changes:
            return None
        return Recommendation(
            id=self.id,
            answers=(found[0].id,),
            changes=changes,
            why=found[0].summary,
            expected=(
                "A higher score at the same epoch. Wrong if it is no higher there: then the old value was not what held the "
                "training back."
            ),
            confidence=self.sure if found[0].severity == "warning" else self.unsure,
            sources=("Ultralytics 8.4 engine/tuner.py: ranges searched", "Ultralytics 8.4 cfg/default.yaml"),
        )
