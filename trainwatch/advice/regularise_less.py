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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from trainwatch.advice._arguments import answered, changed, has, number
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation


def _defaults() -> dict[str, Any]:
    return {
        "freeze": None, "weight_decay": 0.0005, "degrees": 0.0, "translate": 0.1, "scale": 0.5, "shear": 0.0,
        "perspective": 0.0, "hsv_h": 0.015, "hsv_s": 0.7, "hsv_v": 0.4, "mixup": 0.0, "cutmix": 0.0,
    }  # fmt: skip


@dataclass(frozen=True)
class RegulariseLess(Advice):
    """Take the brakes off.

    Attributes:
        defaults: Ultralytics' values.
        most_decay: Weight decay above which vanishing gradients are laid to it.
    """

    title: ClassVar[str] = "Weaker augmentation, nothing frozen"
    answers: ClassVar[tuple[str, ...]] = ("over-regularised", "gradient-vanishing")

    defaults: Mapping[str, Any] = field(default_factory=_defaults)
    most_decay: float = 0.05

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the defaults of what is a brake."""
        if context.trainer != "ultralytics" or has(findings, ("overfitting",), least="info"):
            return None
        found = answered(findings, self.answers[:1], least="info")
        brakes = list(found[0].detail.get("brakes") or {}) if found else []
        vanished = answered(findings, self.answers[1:])
        if vanished and (number(context.args, "weight_decay") or 0.0) > self.most_decay:
            found, brakes = [*found, *vanished], list(dict.fromkeys([*brakes, "weight_decay"]))
        changes = changed(context.args, **{name: self.defaults[name] for name in brakes if name in self.defaults})
        if not changes:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=changes,
            why=found[0].summary,
            expected=(
                "Training and validation loss end lower, and the score is higher at the same epoch. Wrong if the "
                "validation loss turns upwards, or if your objects do occur as the augmentation shows them."
            ),
            confidence=0.5,
            sources=("Ultralytics 8.4 cfg/default.yaml", "Ultralytics 8.4 engine/tuner.py: ranges searched"),
        )
