"""Loss gains at which every component counts.

What it changes:
    A gain that is at least four times off its default back to it; otherwise the gain of the component that dominates,
    halved.

Why it works:
    The gradient is clipped at 10 in nearly every step, so gains do not change the length of a step, only how the
    components share its direction.

When it is given:
    One component is nearly the whole loss.

What to expect:
    Its share falls below 85 % in the first epoch, and the metrics of what was neglected rise within a tenth of the plan.
    If they do not, the data lacks what that component measures.

References:
    Ultralytics 8.4 cfg/default.yaml (gains), utils/loss.py; issues 24615, 21042 (gains of YOLOv5 recipes). cls_pw: PR 23565.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from trainwatch.advice._arguments import answered, number, significant
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation

ARGUMENT = {
    "box_loss": "box", "seg_loss": "box", "sem_loss": "box", "cls_loss": "cls", "dfl_loss": "dfl",
    "l1_loss": "dfl", "pose_loss": "pose", "kobj_loss": "kobj", "rle_loss": "rle", "angle_loss": "angle",
}  # fmt: skip
"""Which argument multiplies a component (Ultralytics 8.4 utils/loss.py)."""


def _defaults() -> dict[str, float]:
    return {"box": 7.5, "cls": 0.5, "dfl": 1.5, "pose": 12.0, "kobj": 1.0, "rle": 1.0, "angle": 1.0}


@dataclass(frozen=True)
class RebalanceLosses(Advice):
    """Put the gains right.

    Attributes:
        defaults: Ultralytics' gains.
        far: Ratio to the default from which a gain is put back.
        factor: What the dominating gain is multiplied by otherwise.
    """

    title: ClassVar[str] = "Loss gains in balance"
    answers: ClassVar[tuple[str, ...]] = ("loss-imbalance",)

    defaults: Mapping[str, float] = field(default_factory=_defaults)
    far: float = 4.0
    factor: float = 0.5

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the gains."""
        found = answered(findings, self.answers)
        if not found or context.trainer != "ultralytics":
            return None
        top = ARGUMENT.get(str(found[0].detail.get("component")))
        names = {ARGUMENT[n] for n in found[0].detail.get("levels") or {} if n in ARGUMENT} | ({top} if top else set())
        changes: list[Change] = []
        for name in sorted(names):
            old, default = number(context.args, name), self.defaults[name]
            if old is not None and (old <= default / self.far or old >= default * self.far):
                changes.append(Change(name, old, default))
        put_back = bool(changes)
        old = number(context.args, top) if top else None
        if not put_back and top and old:
            changes.append(Change(top, old, significant(self.factor * old)))
        if not changes:
            return None
        how = (
            f"{', '.join(f'{c.arg}={c.old:g}' for c in changes)} is far from the default "
            f"({', '.join(f'{c.new:g}' for c in changes)}); gains of YOLOv5 recipes are too small here."
            if put_back
            else f"The gains are near their defaults, so {top} is halved."
        )
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=f"{found[0].title}. {how}",
            expected=(
                "Its share of the loss falls below 85 % in the first epoch; precision or localisation, whichever was "
                "neglected, rises within a tenth of the plan. Wrong if it does not."
            ),
            confidence=0.75 if put_back else 0.4,
            root=", ".join(f"{c.arg}={c.old:g} is not the usual {c.new:g}" for c in changes) if put_back else "",
            sources=("Ultralytics 8.4 cfg/default.yaml, utils/loss.py", "Ultralytics issues 24615, 21042"),
            steps=(
                "If rare classes have an AP of 0, try cls_pw=0.25 (Ultralytics from 8.4.60 on).",
            ) if top == "cls" else (),
        )  # fmt: skip
