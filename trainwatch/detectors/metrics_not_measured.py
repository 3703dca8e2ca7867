"""The training was not validated: the zeros of its metrics are no results.

What it does:
    Says that the log holds no measured metric, or only one in its last row.

Why it matters:
    Such a log looks like a model that learns nothing and makes a miracle in the last epoch. Nothing of it is true: with
    ``val=False`` Ultralytics writes 0 for what it did not measure. Without validation there is also no best.pt worth
    its name and no early stopping.

How it decides:
    At least ``min_epochs`` epochs, a column for metrics or validation losses, and no measured value in any row but the
    last. Zeros count as not measured if the arguments say so (``val: False``, ``noval``), or if they say nothing and
    all metrics and validation losses are exactly 0 together: a validation that ran has a loss. Information if the last
    row was measured, warning if none was.

What to do:
    ``val=True``. If validation is too slow, validate on fewer images rather than never.

Known false alarms:
    A validation script that computes no loss, with a model that finds nothing.

References:
    ultralytics/engine/trainer.py (8.4), _do_train: ``if self.args.val or final_epoch``; label_loss_items for val.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._curves import CURVES, losses, metrics, never_measured
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run


@dataclass(frozen=True)
class MetricsNotMeasured(Detector):
    """A log without validation.

    Attributes:
        min_epochs: Epochs at least.
    """

    title: ClassVar[str] = "Metrics were not measured"
    requires: ClassVar[tuple[str, ...]] = ("epochs.epoch",)
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 5

    def missing(self, run: Run) -> str | None:
        """Ask for a column that could hold a metric."""
        names = run.column_names()
        if not any(n.startswith(("epochs.metrics/", "epochs.val/")) or n == "epochs.fitness" for n in names):
            return "the log has no column for metrics or validation losses"
        return super().missing(run)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        epochs = view.epochs("epoch").epoch
        if len(epochs) < self.min_epochs or not losses(view, "train"):
            return []
        zeros = never_measured(view)
        every = (*metrics(view), *losses(view, "val"))
        before = any((s.epoch < epochs[-1]).any() for s in every)
        if before and not zeros:
            return []
        last = any(len(s) and int(s.epoch[-1]) == int(epochs[-1]) and s.values[-1] != 0 for s in every)
        told = " although the arguments do not say so" if zeros else ""
        return [
            Finding(
                id=self.id,
                severity="info" if last else "warning",
                confidence=0.7 if zeros else 0.95,
                title="Metrics were not measured" + (" before the last epoch" if last else ""),
                summary=(
                    f"No validation was run in {len(epochs) - last} of the {len(epochs)} epochs{told}: the zeros in the "
                    "log stand for values that were not measured. They show neither a failure to learn nor, in the last "
                    "epoch, a breakthrough."
                ),
                measured=Quantity(float(len(epochs) - last), "epochs"),
                threshold=Quantity(float(self.min_epochs), "epochs"),
                detail={"last_epoch_measured": last},
            )
        ]
