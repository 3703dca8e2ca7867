"""Validation samples that the model is trained on.

What it does:
    Counts the validation samples that are training samples, too.

Why it matters:
    Such a score says how well the training set is memorised. It rises to the end, overfitting never shows, and best.pt,
    patience and any comparison go by it. The curves look like those of a training that generalises well, so nothing
    else can tell.

How it decides:
    The recorder compares the two lists of files that the trainer loaded (their full paths). In a loop of your own it compares
    what it is given by ``Recorder.datasets(train, val)``: the samples of one data set behind both, lists of files, or arrays
    row by row. Warning if at least ``min_share`` (5 %) of the validation samples are trained on; information below. Not
    judged where nothing was recorded: logs of epochs, and loops whose data sets can be compared in none of these ways.
    Copies under other names, or stored otherwise, are not seen.

What to do:
    Give ``val`` in the data set's YAML a folder of its own, with images of other scenes than the training's. A few hundred
    will do.

Known false alarms:
    A test on purpose whether a set-up memorises a few images.

References:
    Kapoor and Narayanan 2023, Leakage and the reproducibility crisis in machine-learning-based science. Threshold: this
    project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trainwatch.detectors._record import count
from trainwatch.detectors.base import Detector, View
from trainwatch.result import Finding, Quantity
from trainwatch.runs import Run


@dataclass(frozen=True)
class ValidationIsTraining(Detector):
    """A validation set that is trained on.

    Attributes:
        min_share: Share of the validation images from which it is a warning.
    """

    title: ClassVar[str] = "Validation images are trained on"

    min_share: float = 0.05

    def missing(self, run: Run) -> str | None:
        """Ask for the number of images that both sets hold."""
        if count(run, "dataset", "val_images_trained_on") is None or not count(run, "dataset", "val_images"):
            return "whether validation images are training images was not recorded (loops: Recorder.datasets)"
        return None

    def judge(self, view: View) -> list[Finding]:
        """Return one finding, or none."""
        both, images = count(view.run, "dataset", "val_images_trained_on"), count(view.run, "dataset", "val_images")
        if not both or not images:
            return []
        share = both / images
        which = "All" if both >= images else f"{both} of {images}"
        how = (view.run.meta.get("dataset") or {}).get("compared_by")
        title = f"{which} validation images are training images"
        said = (
            f"{both} of the {images} validation images are files that the model is trained on: the score tells how well they "
            "are memorised, and overfitting does not show in it."
        )
        if how in ("index", "row"):
            title = f"{which} validation samples are training samples"
            said = (
                f"{both} of the {images} validation samples are among those that the model is trained on: the score tells how "
                "well they are memorised, and overfitting does not show in it."
            )
        return [
            Finding(
                id=self.id,
                severity="warning" if share >= self.min_share else "info",
                confidence=0.95,
                title=title,
                summary=said,
                measured=Quantity(share, "of the validation images"),
                threshold=Quantity(self.min_share, "of the validation images"),
                detail={"images": both, "val_images": images},
            )
        ]
