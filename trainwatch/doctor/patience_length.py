"""Whether early stopping leaves the plan of the training alone.

What it does:
    Compares ``patience`` with ``epochs`` and with the end of mosaic.

Why it matters:
    The trainer stops after ``patience`` epochs without a better score, counted from the best. Long trainings stand
    still for dozens of epochs and rise again when mosaic closes, or when the learning rate has fallen; a training that
    is stopped before never gets there.

How it decides:
    A warning if ``patience`` is above 0 and below ``least`` (50) in a training of at least ``long`` (300) epochs, or
    below a tenth of it. 0 switches early stopping off.

What to do:
    ``patience=100`` for a long training, or ``patience=0`` and a criterion of your own.

References:
    Ultralytics 8.4.190 utils/torch_utils.py, EarlyStopping; issues 868, 20599; article on seven techniques (its
    criteria: 100 epochs of stagnation start a countdown of 100; it ended at 527 of 600).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.doctor._situation import Situation
from trainwatch.doctor.base import Check, Line


@dataclass(frozen=True)
class PatienceLength(Check):
    """``patience`` against ``epochs``.

    Attributes:
        least: Epochs of patience that a long training needs.
        long: Epochs from which a training is long.
        share: Share of the epochs that patience should have in any training.
        suggested: Patience that is suggested: the trainer's default.
    """

    title: ClassVar[str] = "Early stopping against the plan"

    least: int = 50
    long: int = 300
    share: float = 0.1
    suggested: int = 100

    def judge(self, situation: Situation) -> list[Line]:
        """Return one line."""
        patience, epochs = int(situation.number("patience")), situation.epochs
        found = f"patience={patience} of {epochs} epochs"
        if patience <= 0:
            return self.ok(f"{found}: early stopping is off")
        if patience < self.share * epochs or (epochs >= self.long and patience < self.least):
            return self.warn(
                found,
                "Long trainings stand still and rise again when mosaic closes; this one may be stopped before.",
                {"patience": max(self.suggested, int(self.share * epochs))},
            )
        return self.ok(found)
