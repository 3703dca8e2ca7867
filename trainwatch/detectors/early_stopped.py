"""The trainer stopped by itself because validation had not improved for ``patience`` epochs.

What it does:
    Names the epoch of the best result, the epoch of the stop and the patience between them.

Why it matters:
    It is a regular end, not a crash: the run is complete although it has fewer epochs than planned, and the best
    weights are those of the best epoch, not the last.

How it decides:
    Our own record carries the reason. In a log of epochs the trainer's arithmetic is replayed exactly (the best epoch
    is the first whose fitness no later one exceeds, up to Ultralytics 8.3.60 the last of equals; a fitness of 0 never
    counts): the last epoch must lie exactly ``patience`` epochs after the best. Fitness is mAP50-95 (boxes plus masks
    or poses), 0.1 mAP50 + 0.9 mAP50-95 before Ultralytics 8.3.200, the mean of top-1 and top-5 for classification.

What to do:
    Nothing, if the curves are flat. If fitness was still rising slowly or the learning rate was still high, raise
    ``patience`` or set ``patience=0``.

Known false alarms:
    A run that was killed exactly ``patience`` epochs after its best looks the same in a log of epochs.

References:
    ultralytics/utils/torch_utils.py (8.4.190), class EarlyStopping; ultralytics/utils/metrics.py, Metric.fitness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import how_it_ended
from trainwatch.runs.patience import best_epoch, replay


@dataclass(frozen=True)
class EarlyStopped(Detector):
    """A stop by patience. It has no thresholds of its own; the trainer's ``patience`` is the threshold."""

    title: ClassVar[str] = "Stopped early by patience"
    requires: ClassVar[tuple[str, ...]] = ("epochs.epoch",)
    optional: ClassVar[tuple[str, ...]] = ("epochs.fitness",)

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        run = view.run
        ending = how_it_ended(run)
        epochs = view.epochs("epoch")
        if ending.kind != "early-stop" or not len(epochs):
            return []
        state = replay(run)
        fitness = view.epochs("fitness")
        last = state.last_epoch if state is not None else int(epochs.values[-1])
        best = state.best_epoch if state is not None else best_epoch(fitness.epoch, fitness.values)
        at = fitness.values[fitness.epoch == best]
        value = float(at[-1]) if len(at) else None
        patience = state.patience if state is not None and state.stopped else None
        waited = last - best if best is not None else None
        planned = f" of {run.planned_epochs}" if run.planned_epochs else ""
        text = f"The training stopped by itself at {epoch_name(run, last)}{planned}"
        if best is not None:
            score = f" (fitness {value:.4g})" if value is not None else ""
            text += f": validation had not improved for {waited} epochs, since {epoch_name(run, best)}{score}"
        text += f". The patience is {patience} epochs." if patience is not None else "."
        return [
            Finding(
                id=self.id,
                severity="info",
                confidence=0.99 if ending.event is not None else 0.9,
                title=f"Stopped early at {epoch_name(run, last)}",
                summary=text,
                onset=Where(epoch=best) if best is not None else None,
                end=Where(epoch=last),
                series="fitness" if len(fitness) else None,
                measured=Quantity(float(waited), "epochs") if waited is not None else None,
                threshold=Quantity(float(patience), "epochs") if patience is not None else None,
                detail={
                    "best_epoch": best, "best_fitness": value, "last_epoch": last, "patience_epochs": patience,
                    "planned_epochs": run.planned_epochs,
                },
            )
        ]  # fmt: skip
