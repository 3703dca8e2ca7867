"""A validation set of a handful of samples: the score can take a few values only.

What it does:
    Takes the number of samples that was recorded, or finds the number of samples (or objects) of which every score of the
    log is a whole share.

Why it matters:
    One sample more or less is a step of a tenth. Best.pt, patience and any comparison then go by luck.

How it decides:
    After ``min_epochs`` epochs: at most ``max_samples`` samples, where the recorder counted them (in a loop of your own
    by ``Recorder.datasets``). Otherwise: the score lies between 0 and 1, was measured in at least ``min_epochs`` epochs,
    takes at least ``min_distinct`` values, and all of them are multiples of 1/n for an n of at most ``max_samples`` (to
    ``tolerance``, so that logs of five digits do). Averages over classes or thresholds, as mAP50-95 is, are no such
    multiples and are not judged. Warning.

What to do:
    Put 100 samples at least, better 500, into the validation set; with few data use cross-validation.

Known false alarms:
    Logs that round the score to one digit.

References:
    Binomial error: with n samples a score of 0.5 has a standard error of 0.5 / sqrt(n), 0.16 for ten. Thresholds: this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from trainwatch.detectors._curves import CURVES, NOTHING, has_score, read_score
from trainwatch.detectors._record import count
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run


@dataclass(frozen=True)
class TinyValidation(Detector):
    """A validation set of few samples, or a score in coarse steps.

    Attributes:
        min_epochs: Epochs at least; where the score tells, validated ones.
        min_distinct: Different scores at least.
        max_samples: Samples from which a validation set is not called tiny any more.
        tolerance: Distance from a multiple, in units of the score.
    """

    title: ClassVar[str] = "Validation set is tiny"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 10
    min_distinct: int = 3
    max_samples: int = 20
    tolerance: float = 6e-6

    def missing(self, run: Run) -> str | None:
        """Ask for a validation score, or the number of samples."""
        return None if has_score(run) or count(run, "dataset", "val_images") else NOTHING

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        return self._counted(view.run) or self._by_score(view)

    def _counted(self, run: Run) -> list[Finding]:
        """Judge the number of samples that was recorded."""
        samples = count(run, "dataset", "val_images")
        if not samples or samples > self.max_samples or run.epochs_done < self.min_epochs:
            return []
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.95,
                title=f"The validation set holds {samples} samples",
                summary=(
                    f"It is validated on {samples} samples, which leaves a share of right answers a standard error of up to "
                    f"{0.5 / np.sqrt(samples):.2f}."
                ),
                onset=Where(epoch=0),
                measured=Quantity(float(samples), "samples"),
                threshold=Quantity(float(self.max_samples), "samples"),
                detail={"samples": samples},
            )
        ]

    def _by_score(self, view: View) -> list[Finding]:
        """Judge the values that the score takes."""
        score = read_score(view)
        if score is None or score.is_loss or len(score.series) < self.min_epochs:
            return []
        values = np.unique(score.series.values)
        if len(values) < self.min_distinct or values[0] < 0 or values[-1] > 1:
            return []
        samples = self._samples(values)
        if samples is None:
            return []
        error = 0.5 / np.sqrt(samples)
        return [
            Finding(
                id=self.id,
                severity="warning",
                confidence=0.85 if len(values) > self.min_distinct else 0.7,
                title=f"The validation set seems to hold {samples} samples",
                summary=(
                    f"Every value of {score.series.name} in {len(score.series)} epochs is a multiple of 1/{samples}: it is "
                    f"measured on {samples} samples or objects, which leaves a standard error of up to {error:.2f}."
                ),
                onset=score.series.where(0),
                series=score.series.name,
                measured=Quantity(float(samples), "samples"),
                threshold=Quantity(float(self.max_samples), "samples"),
                detail={"samples": samples, "distinct_scores": len(values)},
            )
        ]

    def _samples(self, values: npt.NDArray[np.float64]) -> int | None:
        """Return the smallest n of which all values are multiples, None if there is none up to ``max_samples``."""
        for n in range(2, self.max_samples + 1):
            if (np.abs(values - np.round(values * n) / n) <= self.tolerance).all():
                return n
        return None
