"""What to look at when nothing is learnt.

What it changes:
    No argument: labels are looked at, not tuned.

Why it works:
    A model that is shown no object, or objects in the wrong place, learns that there is nothing. No learning rate mends
    that.

When it is given:
    Labels seem to be missing, or nothing is learnt, in a trainer of the YOLO family: the files that are named are theirs.

What to expect:
    After the labels are found, box and dfl losses are above zero from the first step, and the score leaves zero within ten
    epochs. If it does not, the model cannot see the objects: they are too small at this imgsz.

References:
    Ultralytics 8.4 data/utils.py: verify_image_label (an image whose label is not normalised is left out, with a
    warning); issues 6427, 731, 8262; YOLOv5 issue 3656.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import answered
from trainwatch.advice.base import Advice
from trainwatch.result import Context, Finding, Recommendation

YOLO = ("ultralytics", "yolov5", "yolov7")
"""Trainers that find labels by the path of the image, and draw their first batches."""

_TRAIN_PICTURE = "Look at train_batch0.jpg in the run's folder: are there boxes, and do they lie on the objects?"
_TRAIN_UNDRAWN = (
    "plots=False drew no picture of a batch. Train one epoch with plots=True, and look at train_batch0.jpg in its folder: are "
    "there boxes, and do they lie on the objects?"
)
_VAL_PICTURE = "Look at val_batch0_labels.jpg in the run's folder: are there boxes?"
_VAL_UNDRAWN = (
    "plots=False drew no picture of a batch. Train one epoch with plots=True, and look at val_batch0_labels.jpg in its folder: "
    "are there boxes?"
)
CACHE = "Delete the *.cache files beside the labels; they keep what was found at the first start."


@dataclass(frozen=True)
class FixLabels(Advice):
    """Look at the labels."""

    title: ClassVar[str] = "Look at the labels"
    answers: ClassVar[tuple[str, ...]] = ("missing-labels", "no-learning")

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return what to check, in order."""
        found = [f for f in answered(findings, self.answers) if not f.detail.get("too_early")]
        found = [f for f in found if not f.detail.get("weights_still")]  # whatever the labels are
        if not found or context.trainer not in YOLO:
            return None
        data = context.args.get("data") or "the data set's YAML"
        if not any(f.detail.get("training", True) for f in found):
            return self._validation(found, str(data), context)
        images = f"{context.train_images} training images. " if context.train_images else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(),
            why=f"{found[0].title}. {images}Labels that are not found, or that name other classes, look just like this.",
            expected=_expected(found[0]),
            confidence=0.85 if found[0].id == "missing-labels" else 0.6,
            sources=("Ultralytics 8.4 data/utils.py: verify_image_label", "Ultralytics issues 6427, 731, 8262"),
            steps=(
                _TRAIN_UNDRAWN if _undrawn(context) else _TRAIN_PICTURE,
                f"Check the paths in {data}: labels are looked for where 'images' in an image's path becomes 'labels'.",
                "Check one label file: class x y width height a line, all between 0 and 1, class below the number of names.",
                CACHE,
            ),
        )

    def _validation(self, found: Sequence[Finding], data: str, context: Context) -> Recommendation:
        """Say what to look at where the training set has its labels, and only the validation set has none."""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(),
            why=f"{found[0].title}. Labels that are not found, or that name other classes, look just like this.",
            expected=(
                "The validation's box and dfl losses are above zero from the first epoch, and the score is measured. Wrong "
                "if they stay at zero: then the label files themselves are empty."
            ),
            confidence=0.85,
            sources=("Ultralytics 8.4 data/utils.py: verify_image_label", "Ultralytics issues 6427, 731, 8262"),
            steps=(
                f"Check the path of val in {data}: its labels are looked for where 'images' in an image's path becomes "
                "'labels'.",
                _VAL_UNDRAWN if _undrawn(context) else _VAL_PICTURE,
                CACHE,
            ),
        )


def _undrawn(context: Context) -> bool:
    return context.args.get("plots") is False


def _expected(finding: Finding) -> str:
    """Say what is otherwise once the labels are right: of what was measured, so that it can be seen."""
    best = finding.detail.get("best")
    if isinstance(best, int | float) and best > 0:
        return (
            f"Once the labels are right, the score passes {best:.2g} within ten epochs. Wrong if it does not: then the objects "
            "are too small at this imgsz, or the rate is wrong."
        )
    if finding.id == "no-learning":
        return (
            "Once the labels are right, the score leaves zero within ten epochs. Wrong if it does not: then the objects are "
            "too small at this imgsz, or the rate is wrong."
        )
    return (
        "Box and dfl losses are above zero from the first step, and the score leaves zero within ten epochs. Wrong if it does "
        "not: then the objects are too small at this imgsz, or the rate is wrong."
    )
