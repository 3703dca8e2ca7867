"""No labels reach the loss: the box loss is exactly 0 in every epoch.

What it does:
    Says whether the training set, the validation set or both seem to have no labels.

Why it matters:
    Without labels a detector learns one thing, that there is nothing anywhere. The loss falls beautifully meanwhile.

How it decides:
    The box loss (a component whose name contains ``box`` or ``giou``) is exactly 0 in all of at least ``min_epochs``
    epochs, while another component of the same side is not: then the loss was computed, and found no object. Other
    components may be 0 by design (``dfl_loss`` without distribution, ``cls_loss`` with one class), a box loss may not.
    Of the training set: critical. Of the validation set only: warning, and only if the score is 0 throughout.

What to do:
    Look at the first lines of the trainer's console output ("... images, ... backgrounds"). Usual causes: the folder
    is called labels in one place and annotations in another, paths in data.yaml, class numbers beyond ``nc``, labels
    in another format, a stale ``labels.cache``.

Known false alarms:
    A fine-tune on backgrounds only.

References:
    Ultralytics issues 6427, 2731; docs, "Labels not found"; ultralytics/utils/loss.py (box and dfl are summed over
    assigned anchors only, so they are 0 without objects).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._curves import CURVES, is_box, read_score, without_objects
from trainwatch.detectors._words import epoch_name
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity, Where
from trainwatch.runs import Run, Series


@dataclass(frozen=True)
class MissingLabels(Detector):
    """A box loss of exactly 0.

    Attributes:
        min_epochs: Epochs at least.
        max_score: The score must stay at or below this for the validation set to be the culprit.
    """

    title: ClassVar[str] = "No labels reach the loss"
    optional: ClassVar[tuple[str, ...]] = CURVES

    min_epochs: int = 3
    max_score: float = 0.0

    def missing(self, run: Run) -> str | None:
        """Ask for a box loss on either side."""
        names = [n for n in run.column_names() if n.startswith(("epochs.train/", "epochs.val/"))]
        return None if any(is_box(n) for n in names) else "no box loss (train/*box*, val/*box*)"

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        train, val = (self._empty(view, part) for part in ("train", "val"))
        score = read_score(view)
        if val is not None and not (score is None or score.is_loss or score.series.values.max() <= self.max_score):
            val = None
        if train is None and val is None:
            return []
        series = train or val
        assert series is not None
        sides = {"training": train, "validation": val}
        names = " and the ".join(f"{n} set" for n, s in sides.items() if s is not None)
        last = epoch_name(view.run, int(series.epoch[-1]))
        return [
            Finding(
                id=self.id,
                severity="critical" if train is not None else "warning",
                confidence=0.95 if len(series) >= 2 * self.min_epochs else 0.85,
                title=f"No labels in the {names}",
                summary=(
                    f"{series.name} is exactly 0 in all {len(series)} epochs up to {last} although the other components "
                    f"are not: the loss finds no object, so the {names} has no labels that the trainer can read."
                ),
                onset=Where(epoch=int(series.epoch[0])),
                series=series.name,
                measured=Quantity(float(len(series)), "epochs"),
                threshold=Quantity(float(self.min_epochs), "epochs"),
                detail={"training": train is not None, "validation": val is not None},
            )
        ]

    def _empty(self, view: View, part: str) -> Series | None:
        box = without_objects(view, part)
        return box if box is not None and len(box) >= self.min_epochs else None
