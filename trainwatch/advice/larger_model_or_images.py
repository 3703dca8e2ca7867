"""More capacity: a larger model, or larger images.

What it changes:
    The next larger ``model`` of the same family; where its scale is not known or is the largest, ``imgsz`` a quarter
    larger, a multiple of 32.

Why it works:
    If neither training nor validation loss falls any more, the model has learnt what it can at its size and resolution.

When it is given:
    The score stands still and so does the training loss, or the model is too weak for its data; memory is not short,
    and it does not overfit.

What to expect:
    A training loss below the old one within a third of the plan, at up to three times the time per epoch. If the training
    loss is the same, labels or data are the limit, not size.

References:
    YOLOv12 README (mAP by scale), YOLOv5 issue 3977, Ultralytics issue 18711.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from trainwatch.advice._arguments import MEMORY, answered, has, whole
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation

_LARGER = {"n": "s", "s": "m", "m": "l", "l": "x"}
_MODEL = re.compile(r"^(yolo(?:v8|11|12|26))([nsml])((?:-(?:seg|pose|obb|cls))?\.(?:pt|yaml))$")


@dataclass(frozen=True)
class LargerModelOrImages(Advice):
    """The next size up.

    Attributes:
        imgsz_factor: New image size over the old one.
        stride: Image sizes are multiples of it.
        max_imgsz: Image size at most.
    """

    title: ClassVar[str] = "Larger model or images"
    answers: ClassVar[tuple[str, ...]] = ("plateau", "underfitting")

    imgsz_factor: float = 1.25
    stride: int = 32
    max_imgsz: int = 1280

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the model or the image size."""
        found = answered(findings, self.answers)
        if not found or context.trainer != "ultralytics" or has(findings, MEMORY) or has(findings, ("overfitting",)):
            return None
        if found[0].detail.get("training_loss_falls"):
            return None  # it memorises: size is what it has too much of
        model = str(context.args.get("model") or "")
        match = _MODEL.match(model)
        imgsz = whole(context, "imgsz")
        change: Change | None = None
        if match:
            change = Change("model", model, f"{match[1]}{_LARGER[match[2]]}{match[3]}")
        elif imgsz is not None and imgsz < self.max_imgsz:
            new = min(-(-round(self.imgsz_factor * imgsz) // self.stride) * self.stride, self.max_imgsz)
            change = Change("imgsz", imgsz, new) if new > imgsz else None
        if change is None:
            return None
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=(change,),
            why=f"{found[0].title}, and the training loss gives no sign of memorising: size may be the limit.",
            expected=(
                "A training loss below the old one within a third of the plan, at up to three times the time per epoch. "
                "Wrong if the training loss is the same: then labels or data are the limit."
            ),
            confidence=0.35,
            sources=("README of the YOLOv12 authors: mAP by scale", "Ultralytics issue 18711", "YOLOv5 issue 3977"),
        )
