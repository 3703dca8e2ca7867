"""More variety of images for a model that memorises its training set.

What it changes:
    ``mosaic`` back to 1.0 where it was lowered, then ``copy_paste`` (labels with polygons, by model scale) or ``mixup``
    (boxes). Where all that is on, ``freeze=10``: the backbone keeps its pretrained weights.

Why it works:
    A training set that looks different in each epoch cannot be memorised. A frozen backbone has fewer weights to do
    it with.

When it is given:
    The training loss falls while the validation loss rises; or ``copy_paste`` was set and does nothing.

What to expect:
    Training loss rises, validation loss ends lower, within a tenth of the plan. If the validation score falls, the
    images have become too strange: halve the value.

References:
    Ultralytics 8.4 data/augment.py: CopyPaste needs segments. copy_paste per scale: README of the YOLOv12 authors.
    Ultralytics fine-tuning guide (freeze=10). YOLOv5 issues 10464, 5061.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from trainwatch.advice._arguments import answered, changed, copy_paste_by_scale, number, raised
from trainwatch.advice.base import Advice
from trainwatch.result import Change, Context, Finding, Recommendation

AUGMENTATIONS = (
    "mosaic",
    "mixup",
    "copy_paste",
    "scale",
    "translate",
    "degrees",
    "fliplr",
    "flipud",
    "hsv_h",
    "hsv_s",
    "hsv_v",
)
"""Arguments that change an image, so that no two epochs show the same one."""


@dataclass(frozen=True)
class AugmentMore(Advice):
    """Stronger augmentation, or fewer weights to train.

    Attributes:
        mosaic: Mosaic where it was lowered below ``low_mosaic``.
        low_mosaic: Mosaic below is low.
        mixup: What box labels get.
        by_scale: copy_paste for each model scale.
        unknown_scale: copy_paste where the scale is not known.
        freeze: Layers frozen where augmentation is on already.
    """

    title: ClassVar[str] = "Stronger augmentation"
    answers: ClassVar[tuple[str, ...]] = ("overfitting", "copy-paste-inert")

    mosaic: float = 1.0
    low_mosaic: float = 0.5
    mixup: float = 0.1
    by_scale: Mapping[str, float] = field(default_factory=copy_paste_by_scale)
    unknown_scale: float = 0.1
    freeze: int = 10

    def advise(self, findings: Sequence[Finding], context: Context) -> Recommendation | None:
        """Return the augmentation."""
        overfits = answered(findings, ("overfitting",))
        inert = answered(findings, ("copy-paste-inert",), least="info")
        if not (overfits or inert) or context.trainer != "ultralytics":
            return None
        task = str(context.args.get("task") or "detect")
        if task not in ("detect", "segment", "pose", "obb"):
            return None  # mosaic, mixup and copy_paste are transforms of these tasks
        changes: list[Change] = []
        polygons = False if inert else context.labels_have_polygons
        if overfits and (number(context.args, "mosaic") or 0.0) < self.low_mosaic:
            changes += raised(context, "mosaic", self.mosaic)
        if polygons:
            changes += raised(context, "copy_paste", self.by_scale.get(context.model_scale or "", self.unknown_scale))
        else:
            changes += raised(context, "mixup", self.mixup)
        if inert:
            changes += changed(context.args, copy_paste=0.0)
        pretrained = str(context.args.get("model") or "").endswith(".pt")
        if overfits and not changes and pretrained and not context.args.get("freeze"):
            changes.append(Change("freeze", context.args.get("freeze"), self.freeze))
        if not changes:
            return None
        found = [*overfits, *inert]
        labels = (
            "The labels hold polygons, so copy_paste acts."
            if polygons
            else "On box labels mixup acts; copy_paste does not."
        )
        images = f" {context.train_images} training images are shown again and again." if context.train_images else ""
        return Recommendation(
            id=self.id,
            answers=tuple(f.id for f in found),
            changes=tuple(changes),
            why=f"{found[0].title}.{images if overfits else ''} {labels}",
            expected=(
                "The training loss rises at once, and the validation loss ends lower. Wrong if "
                "the validation score falls: then halve what was raised."
            ),
            confidence=0.6 if overfits else 0.5,
            sources=(
                "Ultralytics 8.4 data/augment.py",
                "README of the YOLOv12 authors: copy_paste per scale",
                "YOLOv5 issues 10464, 5061",
            ),
            root=_root(context) if overfits else "",
            steps=() if polygons is not None else ("Labels with polygons could use copy_paste as well.",),
        )


def _root(context: Context) -> str:
    """Name what made it where no image is ever changed: then every epoch shows the same ones."""
    known = [v for n in AUGMENTATIONS if (v := number(context.args, n)) is not None]
    if number(context.args, "mosaic") is None or any(known):
        return ""
    count = f"{context.train_images} " if context.train_images else ""
    return f"its {count}training images are shown without augmentation"
