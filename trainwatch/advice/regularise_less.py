"""Without the brakes that hold back a model which does not overfit.

What it changes:
    Each brake back to Ultralytics' default: no frozen layers, the usual augmentation, the usual weight decay.

Why it works:
    What is frozen cannot adapt to new images; images changed beyond recognition teach less; a strong decay pulls weights to
    zero faster than they are learnt. All of it helps only where the model would otherwise memorise its images.

When it is given:
    A brake is pulled hard while the validation loss is no higher than the training loss, and the model does not overfit; or
    gradients vanish under a weight decay above 0.05, which has pulled the weights to zero.

What to expect:
    Training and validation loss both end lower, and the score higher at the same epoch. If the validation loss turns
    upwards instead, the brake was needed: half of it.

References:
    Ultralytics 8.4 cfg/default.yaml (defaults), engine/tuner.py (ranges searched).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, changed, has, number
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation
from trainwatch.usual import DEFAULTS

FREED = (
    "Training and validation loss end lower, and the score is higher at the same epoch. Wrong if the validation loss turns "
    "upwards, or if your objects do occur as the augmentation shows them."
)
ALIVE = (
    "The gradient norms of those layers stay near their first level. Wrong if they vanish all the same: then look at the "
    "rate and at what precedes it."
)


@dataclass(frozen=True)
class RegulariseLess(Advice):
    """Take the brakes off.

    Attributes:
        most_decay: Weight decay above which vanishing gradients are laid to it.
    """

    title: ClassVar[str] = "Weaker augmentation, nothing frozen"
    answers: ClassVar[tuple[str, ...]] = ("over-regularised", "gradient-vanishing")

    most_decay: float = 0.05

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the defaults of what is a brake."""
        if context.trainer != "ultralytics":
            return None
        # Weights that a decay has pulled to zero are no brake that overfitting could need.
        overfits = has(findings, ("overfitting",), least="info")
        found = [] if overfits else answered(findings, self.answers[:1], least="info")
        brakes = list(found[0].detail.get("brakes") or {}) if found else []
        vanished = answered(findings, self.answers[1:])
        if vanished and (number(context.args, "weight_decay") or 0.0) > self.most_decay:
            found, brakes = [*found, *vanished], list(dict.fromkeys([*brakes, "weight_decay"]))
        changes = changed(context.args, **{name: DEFAULTS[name] for name in brakes if name in DEFAULTS})
        if not changes:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=changes,
            why=found[0].summary,
            root=self._root(context) if vanished and "weight_decay" in brakes else "",
            expected=FREED if found[0].id == "over-regularised" else ALIVE,
            confidence=0.5,
            sources=("Ultralytics 8.4 cfg/default.yaml", "Ultralytics 8.4 engine/tuner.py: ranges searched"),
        )

    def _root(self, context: Context) -> str:
        usual = float(DEFAULTS["weight_decay"])
        decay = number(context.args, "weight_decay") or 0.0
        return (
            f"weight_decay={decay:g} is {round(decay / usual)} times the usual {usual:g}"
            if decay > self.most_decay
            else ""
        )
