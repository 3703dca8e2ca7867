"""One log holds several starts of a training.

What it does:
    Says where the epoch count begins again, and which rows are judged.

Why it matters:
    Two trainings drawn as one curve show jumps that never happened. Every other check here judges the last start, with
    the epochs before it that it went on from.

How it decides:
    The epoch column falls or stands still from one row to the next. Not for our own record, which keeps starts apart.

What to do:
    Give each training a folder of its own (another ``name``, ``exist_ok=False``).

Known false alarms:
    A trainer that logs an epoch twice (training and validation in rows of their own).

References:
    ultralytics/engine/trainer.py, save_metrics: rows are appended to an existing results.csv.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run
from trainwatch.runs.starts import starts


@dataclass(frozen=True)
class RestartedLog(Detector):
    """Several starts in one file. There is nothing to set."""

    title: ClassVar[str] = "The log holds several trainings"
    requires: ClassVar[tuple[str, ...]] = ("epochs.epoch",)

    def missing(self, run: Run) -> str | None:
        """Apply to logs of epochs."""
        return "trainwatch's own record keeps starts apart" if run.source == "trainwatch" else super().missing(run)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        found = starts(run)
        if len(found) < 2:
            return []
        before, last = found[-2], found[-1]
        fresh = last.first_epoch == 0
        at, after = epoch_name(run, last.first_epoch), epoch_name(run, before.last_epoch)
        judged = (
            "only the last one is judged" if fresh else f"it is judged with the epochs before {at} that it went on from"
        )
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.95,
                title=f"The log holds {len(found)} starts of the training",
                summary=(
                    f"After {after} the log goes on at {at}: {len(found)} starts with "
                    f"{', '.join(str(s.rows) for s in found[:8])}{' ...' if len(found) > 8 else ''} rows stand in one "
                    f"file, and {judged}."
                ),
                onset=Where(epoch=last.first_epoch),
                series="epoch",
                measured=Quantity(float(len(found)), "starts"),
                threshold=Quantity(1.0, "starts"),
                detail={"rows": [s.rows for s in found][:100], "fresh": fresh},
            )
        ]
