"""Start the schedule again, from the best weights, at half the rate.

What it changes:
    A new run from ``weights/best.pt`` with ``lr0`` halved, the optimizer by name, ``cos_lr`` and a short warm-up, for
    the epochs that were left (a third of the plan at least). Ultralytics has no restart inside a run.

Why it works:
    A higher rate leaves the basin that a decayed one cannot leave; the cosine then settles in the next one.

When it is given:
    The validation score stands still while epochs are left.

What to expect:
    The score falls at first, then passes the old best in the second half of the new run. If it does not, the data or
    the model's size is the limit.

References:
    Loshchilov & Hutter 2017, SGDR. The article on seven techniques: restart at half time to lr0 * 0.5, +0.6 mAP (its
    figure, not ours). Ultralytics 8.4 engine/trainer.py: _setup_scheduler (no restart argument).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, changed, explicit_optimizer, number, significant
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class WarmRestart(Advice):
    """A second schedule from the best weights.

    Attributes:
        lr_factor: New lr0 over the old one.
        warmup_epochs: Warm-up of the new run.
        min_share: Epochs of the new run, as a share of the plan, at least.
    """

    title: ClassVar[str] = "Warm restart from the best weights"
    answers: ClassVar[tuple[str, ...]] = ("plateau",)

    lr_factor: float = 0.5
    warmup_epochs: float = 1.0
    min_share: float = 1 / 3

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the arguments of the new run."""
        found = answered(findings, self.answers)
        lr0 = number(context.args, "lr0")
        planned = context.planned_epochs
        if not found or lr0 is None or lr0 <= 0 or planned is None or context.trainer != "ultralytics":
            return None
        left = planned - context.epochs_done
        epochs = max(left, round(self.min_share * planned), 10)
        new = {
            "model": context.path_of("weights/best.pt"),
            "lr0": significant(self.lr_factor * lr0),
            "cos_lr": True,
            "warmup_epochs": self.warmup_epochs,
            "epochs": epochs,
        }
        changes: tuple[Change, ...] = (*explicit_optimizer(context), *changed(context.args, **new))
        best = found[0].detail.get("best_epoch")
        at = f" (epoch {best + 1})" if isinstance(best, int) else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=changes,
            why=(
                f"{found[0].detail.get('flat_epochs', 'Many')} epochs brought nothing. A new run of {epochs} epochs from "
                f"best.pt{at}, at {self.lr_factor:g} * lr0 falling along a cosine, is the restart that Ultralytics does "
                "not have inside a run."
            ),
            expected=(
                "A dip at first, then a new best in the second half of the new run. Wrong if there is none: then data "
                "or model size is the limit."
            ),
            confidence=0.3 if found[0].detail.get("training_loss_falls") else 0.5,
            sources=("Loshchilov & Hutter 2017 (SGDR)", "article on seven techniques: restart to lr0 * 0.5"),
        )
