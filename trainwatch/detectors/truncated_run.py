"""A log of epochs that ends before the planned end, without the trainer having stopped by itself.

What it does:
    Says at which of the planned epochs the log ends.

Why it matters:
    The training was stopped, crashed or was killed there; a log of epochs does not tell which. Its last curves are no
    converged result.

How it decides:
    The last epoch is before ``epochs``, no time budget (``time``) is used up, and the last epoch does not lie exactly
    ``patience`` epochs after the best (see early-stopped). Not for our own record, which carries the reason.

What to do:
    Look at the end of the trainer's console output. If ``weights/last.pt`` still holds the optimizer, resume with
    ``resume=True``. Watch the next run, so that its end is on record.

Known false alarms:
    A training that is still running; a copy of the log made in mid-training; a stop by hand; early stopping with a
    patience other than the one in args.yaml, or counted anew since a resume.

References:
    ultralytics/engine/trainer.py (8.4.190), lines 653-694.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run, how_it_ended


@dataclass(frozen=True)
class TruncatedRun(Detector):
    """A log that ends too soon. The planned number of epochs is the threshold."""

    title: ClassVar[str] = "The log ends before the planned end"
    requires: ClassVar[tuple[str, ...]] = ("epochs.epoch",)

    def missing(self, run: Run) -> str | None:
        """Apply to logs without events, whose planned epochs are known."""
        if run.source == "trainwatch":
            return "trainwatch's own record tells how the run ended"
        return super().missing(run) or ("the planned epochs are not known" if run.planned_epochs is None else None)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        epochs = view.epochs("epoch")
        planned = run.planned_epochs
        if how_it_ended(run).kind != "truncated" or planned is None or not len(epochs):
            return []
        last = int(epochs.values[-1])
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.8,
                title=f"The log ends at {epoch_name(run, last)} of {planned}",
                summary=(
                    f"The log ends at {epoch_name(run, last)} of {planned} planned, and early stopping does not "
                    "explain it: the training was stopped, crashed or was killed, or it is still running."
                ),
                onset=Where(epoch=last),
                series="epoch",
                measured=Quantity(float(last + 1), "epochs"),
                threshold=Quantity(float(planned), "epochs"),
                detail={"last_epoch": last, "planned_epochs": planned},
            )
        ]
