"""A validation loss, or the averaged weights that are validated, that are NaN or infinite and stay so.

What it does:
    Finds the epoch from which the validation losses are no numbers any more, and whether the metrics still move. Where the
    averaged weights (EMA) are recorded, finds the epoch from which they hold such numbers, and names the tensors.

Why it matters:
    Ultralytics validates an average of the weights (EMA). One step with NaN weights poisons that average for ever,
    also if the training losses become finite again: every checkpoint from there on is worthless, best.pt excepted.

How it decides:
    The last two validation losses are not finite, or the last one and at least half of those since the first
    (``min_epochs`` epochs at least). Critical if the metrics stop with it: from then on they repeat one value exactly,
    or stay at 0, or there are none. Warning if they go on moving: then only the loss overflows, usually in half
    precision, and the model is sound. Averaged weights that are not finite are counted directly: critical in the last two
    epochs, or in the last one and at least half of those since the first, whatever the losses say; warning in the last
    epoch only.

What to do:
    With metrics that stand still: stop, and start again from best.pt with a lower learning rate, or with amp=False
    (amp=bf16 on GPUs that have it). With metrics that move: the result counts; amp=False mends the loss.

Known false alarms:
    Loggers that write NaN for "not measured" (a log without any number besides is left alone).
    Custom losses that divide by the number of objects overflow on images without any.

References:
    Ultralytics threads 19357 (training NaN, metrics frozen), 24615 and 24871 (EMA), 9829 and 15248 (loss only);
    engine/trainer.py (8.4), save_model and _handle_nan_recovery.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from trainwatch.detectors._average import COLUMN, Spoilt, has_average, spoilt_average
from trainwatch.detectors._curves import CURVES, losses, metrics
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run, Series
from trainwatch.signals.curves import Nonfinite, repeats, worst_nonfinite


@dataclass(frozen=True)
class NonfiniteValidation(Detector):
    """Lasting NaN or infinity in validation.

    Attributes:
        min_epochs: Validated epochs at least.
        repeat_share: Share of exact repeats of the metrics after the onset from which they stand still.
    """

    title: ClassVar[str] = "Validation loss is not a number"
    optional: ClassVar[tuple[str, ...]] = (*CURVES, COLUMN)

    min_epochs: int = 2
    repeat_share: float = 0.9

    def missing(self, run: Run) -> str | None:
        """Ask for a validation loss or the averaged weights."""
        if has_average(run) or any(n.startswith("epochs.val/") for n in run.column_names()):
            return None
        return "column epochs val/* missing"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        average = spoilt_average(view)
        if average is not None and not average.bad.trailing:
            average = None  # mended since: no lasting fault
        worst = worst_nonfinite(losses(view, "val"))
        lasting = worst is not None and len(worst[0]) >= self.min_epochs and worst[1].persistent
        if worst is None or not lasting or (worst[1].count == len(worst[0]) and not self._judgeable(view)):
            return [] if average is None else [self._of_average(view, average)]
        series, bad = worst
        found = self._finding(view, series, bad, self._metrics_stand(view, int(series.epoch[bad.first])))
        return [found if average is None else self._with_average(found, average)]

    def _of_average(self, view: View, average: Spoilt) -> Finding:
        """Tell of an average that no validation loss tells of."""
        series, bad = average.series, average.bad
        where = epoch_name(view.run, int(series.epoch[bad.first]))
        return Finding(
            id=self.id,
            severity="critical" if bad.persistent else "warning",
            confidence=0.97 if bad.persistent else 0.7,
            title=f"Averaged weights are not finite from {where} on",
            summary=(
                f"From {where} on, {average.sentence()} Validation and checkpoints use that average, and one such step spoils "
                "it for good, also where the training loss is finite."
            ),
            onset=series.where(bad.first),
            series=series.name,
            measured=Quantity(float(average.tensors), "tensors"),
            threshold=Quantity(0.0, "tensors"),
            detail={"average_tensors": average.tensors, "average_names": list(average.names)},
        )

    def _with_average(self, found: Finding, average: Spoilt) -> Finding:
        """Add to a validation loss that is not finite why it is so: then no moving metric makes it harmless."""
        onset = average.series.where(average.bad.first)
        earlier = found.onset is None or (onset.epoch or 0) < (found.onset.epoch or 0)
        return replace(
            found,
            severity="critical" if average.bad.persistent else found.severity,
            confidence=max(found.confidence, 0.97) if average.bad.persistent else found.confidence,
            summary=f"{found.summary} {average.sentence()}",
            onset=onset if earlier else found.onset,
            detail={**found.detail, "average_tensors": average.tensors, "average_names": list(average.names)},
        )

    def _judgeable(self, view: View) -> bool:
        """Whether a log whose validation losses never were numbers holds a metric that is one, or a training loss."""
        return any(s.finite.any() for s in (*metrics(view), *losses(view, "train")))

    def _metrics_stand(self, view: View, since: int) -> bool | None:
        """Tell whether the metrics repeat or are 0 after an epoch; None without metrics or with one epoch only."""
        kept = [s.take(s.epoch >= since) for s in metrics(view)]
        kept = [s for s in kept if len(s) >= 2]
        if not kept:
            return None
        same = repeats(kept)[1:]
        return bool(same.mean() >= self.repeat_share or not any(np.nan_to_num(s.values).any() for s in kept))

    def _finding(self, view: View, series: Series, bad: Nonfinite, stands: bool | None) -> Finding:
        where = epoch_name(view.run, int(series.epoch[bad.first]))
        count, since = bad.count, len(series) - bad.first
        train = [s.take(s.epoch >= series.epoch[bad.first]) for s in losses(view, "train")]
        finite = [float(s.finite.mean()) for s in train if len(s)]
        name = series.name.split("/", 1)[-1]
        text = f"The validation loss {name} is not finite from {where} on, in {count} of the {since} epochs since."
        if stands:
            text += " The metrics stand still with it: the averaged weights are spoilt, and every epoch since is lost."
        elif stands is None:
            text += " No metric shows that the model is still sound."
        else:
            text += " The metrics go on moving, so only the loss overflows."
        if finite and stands and min(finite) > 0:
            text += (
                f" The training losses are finite again in {100 * min(finite):.0f} % of those epochs, which hides it."
            )
        return Finding(
            id=self.id,
            severity="warning" if stands is False else "critical",
            confidence=0.75 if stands is False else (0.8 if since < 3 else 0.95),
            title=f"Validation loss is not a number from {where} on",
            summary=text,
            onset=series.where(bad.first),
            series=series.name,
            measured=Quantity(float(count), "epochs"),
            threshold=Quantity(2.0, "epochs"),
            detail={"metrics_stand_still": stands, "share_after_onset": count / since},
        )
