"""Checkpoints that a crash or an explosion leaves behind.

What it changes:
    ``save_period`` to a twentieth of the epochs (at most 10), and ``save=True`` where it was off.

Why it works:
    ``last.pt`` is overwritten after each epoch, so after an explosion it holds the exploded weights. ``epoch<N>.pt`` files
    stay.

When it is given:
    The run died, or its weights were spoilt, and no checkpoint of a healthy part is left.

What to expect:
    The next accident costs a twentieth of the run at most. Each file is as large as last.pt; look at the free space.

References:
    Ultralytics 8.4 engine/trainer.py: save_model (last.pt is written in place), save_period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered, whole
from trainwatch.advice.base import Advice
from trainwatch.result import NUMERIC, Change, Context, Finding, Recommendation


@dataclass(frozen=True)
class SaveMoreOften(Advice):
    """Keep checkpoints.

    Attributes:
        parts: Checkpoints over the planned epochs.
        most_epochs: Epochs between two at most.
    """

    title: ClassVar[str] = "Keep a checkpoint every few epochs"
    answers: ClassVar[tuple[str, ...]] = (
        "killed",
        "machine-down",
        "native-crash",
        "truncated-run",
        "out-of-memory",
        *NUMERIC,
    )

    parts: int = 20
    most_epochs: int = 10

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return save_period."""
        found = answered(findings, self.answers)
        spoilt = [f for f in found if f.id in NUMERIC and f.severity == "critical"]
        died = [f for f in found if f.id not in NUMERIC]
        saves = context.args.get("save", True) is not False
        if not (spoilt or died) or context.resume_from is not None or context.trainer != "ultralytics":
            return None
        if context.epochs_done < 1 or (not spoilt and saves):
            return None  # nothing was lost, or last.pt is there
        changes: list[Change] = []
        if not saves:
            changes.append(Change("save", False, True))
        period = whole(context, "save_period")
        new = max(1, min(self.most_epochs, (context.planned_epochs or 100) // self.parts))
        if period is None or period < 1 or period > new:
            changes.append(Change("save_period", context.args.get("save_period"), new))
        if not changes:
            return None
        how = (
            "last.pt and best.pt were written after the onset or are not known to be older"
            if spoilt and saves
            else "save=False wrote no checkpoint"
        )
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in (*spoilt, *died)),
            changes=tuple(changes),
            why=f"{context.epochs_done} epochs were done, and no checkpoint of a healthy part is left: {how}.",
            expected=(
                f"weights/epoch<N>.pt appears every {new} epochs; the next accident costs {new} epochs at most. Wrong if no "
                f"such file is there after epoch {new + 1}."
            ),
            confidence=0.55,
            sources=("Ultralytics 8.4 engine/trainer.py: save_model, save_period",),
        )
