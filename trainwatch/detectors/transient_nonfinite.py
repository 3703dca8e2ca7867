"""A validation loss that was infinite or NaN for a moment, and did no harm.

What it does:
    Names the epochs in which a validation loss, or the averaged weights (EMA), were not finite although they recovered.

Why it matters:
    It does not, and that is worth saying: it looks frightening in a log, mostly happens in warm-up, and needs no cure.

How it decides:
    Some validation loss is not finite, and the last two are, or at least half of those since the first
    (otherwise it is nonfinite-validation). The same for averaged weights, which newer releases of Ultralytics mend from
    the model when they save.

What to do:
    Nothing. If it recurs late in the training, validate in full precision (half=False) and look at the metrics of
    those epochs.

Known false alarms:
    A log that ends shortly after the first infinite value cannot show that it lasts.

References:
    Ultralytics issues 9829, 7436, 15248 (overflow of the validation loss in half precision, empty labels).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trainwatch.detectors._average import COLUMN, Spoilt, has_average, spoilt_average
from trainwatch.detectors._curves import CURVES, after_warmup, losses
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import Nonfinite, nonfinite, worst_nonfinite


@dataclass(frozen=True)
class TransientNonfinite(Detector):
    """NaN or infinity in validation that passed.

    Attributes:
        named_epochs: Epochs at most that the summary names.
    """

    title: ClassVar[str] = "Validation loss was not a number for a moment"
    optional: ClassVar[tuple[str, ...]] = (*CURVES, COLUMN)

    named_epochs: int = 6

    def missing(self, run: Run) -> str | None:
        """Ask for a validation loss or the averaged weights."""
        if has_average(run) or any(n.startswith("epochs.val/") for n in run.column_names()):
            return None
        return "column epochs val/* missing"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        average = spoilt_average(view)
        if average is not None and average.bad.trailing:
            return []
        val = losses(view, "val")
        worst = worst_nonfinite(val)
        if worst is not None and (worst[1].persistent or worst[1].trailing):
            return []
        if worst is None:
            return [] if average is None else [self._of_average(view, average)]
        found = self._finding(view, val, *worst)
        return [found if average is None else replace(found, summary=f"{found.summary} {average.sentence()}")]

    def _of_average(self, view: View, average: Spoilt) -> Finding:
        """Tell of an average that was mended before a validation loss showed it."""
        series, bad = average.series, average.bad
        where = epoch_name(view.run, int(series.epoch[bad.first]))
        return Finding(
            id=self.id,
            severity="info",
            confidence=0.9,
            title=f"Averaged weights were not finite in {bad.count} epoch{'s' if bad.count > 1 else ''}",
            summary=f"First in {where}: {average.sentence()} They are finite again since.",
            onset=series.where(bad.first),
            end=series.where(bad.last),
            series=series.name,
            measured=Quantity(float(bad.count), "epochs"),
            threshold=Quantity(0.0, "epochs"),
            detail={"average_tensors": average.tensors, "average_names": list(average.names)},
        )

    def _finding(self, view: View, val: list[Series], series: Series, bad: Nonfinite) -> Finding:
        run = view.run
        epochs = sorted({int(e) for s in val if nonfinite(s.values) for e in s.epoch[~s.finite]})
        names = ", ".join(epoch_name(run, e).removeprefix("epoch ") for e in epochs[: self.named_epochs])
        more = f" and {len(epochs) - self.named_epochs} more" if len(epochs) > self.named_epochs else ""
        warm = epochs[-1] < after_warmup(view)
        kind = "NaN" if np.isnan(series.values[bad.first]) else "infinite"
        what = series.name.split("/", 1)[-1]
        return Finding(
            id=self.id,
            severity="info",
            confidence=0.9,
            title=f"Validation loss was not finite in {len(epochs)} epoch{'s' if len(epochs) > 1 else ''}",
            summary=f"The validation loss {what} was {kind} in epoch {names}{more} and is finite again since"
            + (", all in warm-up." if warm else "."),
            onset=series.where(bad.first),
            end=series.where(bad.last),
            series=series.name,
            measured=Quantity(float(len(epochs)), "epochs"),
            threshold=Quantity(0.0, "epochs"),
            detail={"epochs": epochs[:100], "in_warm_up": warm},
        )
